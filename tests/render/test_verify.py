"""The verdicts of a verification: counted first, each with the tool it is about."""

from __future__ import annotations

import pytest

from convcalc.api.verify import AGREES, BY_CONVENTION, DISAGREES, NOT_MEASURED, Row, Verification
from convcalc.quantities import Shape
from convcalc.render.verify import summary, to_table


def verification(*verdicts: str) -> Verification:
    rows = [Row("net", None, "MACs", "9", "9", "fvcore", verdict, "") for verdict in verdicts]
    return Verification(tuple(rows), (Shape(2, (9, 9)),))


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        ([AGREES] * 3, "All 3 quantities agree at 2x9x9."),
        (
            [AGREES, BY_CONVENTION, DISAGREES, NOT_MEASURED],
            "1 of 4 quantities agree at 2x9x9; 1 differs by convention, 1 disagrees, 1 not "
            "measured.",
        ),
        (
            [BY_CONVENTION, DISAGREES, BY_CONVENTION, DISAGREES],
            "0 of 4 quantities agree at 2x9x9; 2 differ by convention, 2 disagree.",
        ),
    ],
)
def test_the_first_line_counts_the_verdicts(verdicts: list[str], text: str) -> None:
    found = verification(*verdicts)
    assert summary(found) == text
    assert to_table(found).text(200).splitlines()[:2] == [text, ""]


def test_each_verdict_names_its_tool() -> None:
    lines = to_table(verification(AGREES, BY_CONVENTION, DISAGREES, NOT_MEASURED)).text(80)
    assert [line.partition("9  ")[2].partition("9  ")[2] for line in lines.splitlines()[-4:]] == [
        "agrees with fvcore",
        "differs by convention of fvcore",
        "disagrees with fvcore",
        "not measured by fvcore",
    ]
