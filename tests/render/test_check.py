"""The table of `check -v`: figures under the name of their entry."""

from __future__ import annotations

import convcalc
from convcalc.render.check import to_page


def test_figures_stand_under_their_entry() -> None:
    check = convcalc.check("1x1", "3x3", require=["params<=5k"], input="64x8x8")
    assert to_page(check, verbose=True).text(60).splitlines()[:7] == [
        "convcalc check: networks",
        "figure        now  limit / before   change  verdict",
        "─" * 56,
        "3x3",
        "  params  36.93 k      <= 5.000 k  +638.6%  failed CC001",
        "1x1",
        "  params  4.160 k      <= 5.000 k   -16.8%  ok",
    ]
