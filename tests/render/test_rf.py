"""What `rf` prints: the field in bold, phases counted, a line for each sentence."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.render.rf import sentences, to_table
from convcalc.render.spans import plain


def test_the_field_is_what_the_eye_meets() -> None:
    lines = list(to_table(convcalc.rf("3x3+gap", input="2x9x9")).lines(80))
    bold = [plain(line).split()[0] for line in lines
            if line and all(style == "bold" for text, style in line if text.strip())]  # fmt: skip
    assert [word for word in bold if word in ("before", "field", "stride")] == ["before", "field"]


@pytest.mark.parametrize(
    ("network", "lines"),
    [
        ("add(3x3|3x3s2+up2)", ["sizes by phase, height and width: 3, 4"]),
        ("add(3x3|3x3s2x1+up2x1)", ["sizes by phase, height: 3, 4"]),  # width: all alike
        ("4*(3x3s2)+4*(convt2x2s2p0)+cat(id|3x3)+3x3",
         ["sizes by phase, height and width: 2 x 47, 12 x 31, 2 x 47"]),
    ],
)  # fmt: skip
def test_phases_are_counted_and_axes_that_are_alike_share_a_line(
    network: str, lines: list[str]
) -> None:
    text = to_table(convcalc.rf(network, input="2x64x64")).text(80)
    assert [line for line in text.splitlines() if line.startswith("sizes by phase")] == lines


def test_each_sentence_has_its_line() -> None:
    lines = to_table(convcalc.rf("3x3", input="2x9x9")).text(200).splitlines()
    sentences = [line for line in lines if line.startswith("- ")]
    assert sentences[0] == "- It reads its box in full (9/9)."
    assert sentences[-1] == "- The unit lies far from all borders."


@pytest.mark.parametrize(("network", "where"), [("1x1", "1 position,"), ("1x3", "3 positions,")])
def test_one_position_is_singular(network: str, where: str) -> None:
    found = sentences(convcalc.rf(network, input="1x9x9"))
    assert any(f"95% of the weight lies on {where}" in sentence for sentence in found)
