"""Errors: one message with the place and a hint. The cases are in text files.

`python -m tests.spec.test_errors` rewrites the files with the current messages; review the diff.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from convcalc.api.compare import compare
from convcalc.errors import ConvcalcError, LimitError, SpecError
from convcalc.networks.input_size import parse_input
from convcalc.spec import parse

DATA = Path(__file__).parent.parent / "data"
SPECS = DATA / "spec_errors.txt"
INPUTS = DATA / "input_errors.txt"
NETWORKS = DATA / "network_errors.txt"

_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\0": "\0", "\\r": "\r", "\\e": "\x1b"}


class Case(NamedTuple):
    """What the user wrote, and the whole message."""

    text: str
    message: str


def read_cases(path: Path) -> list[Case]:
    """Blocks of `== text` with the message below; lines that begin with `# ` are comments."""
    cases: list[Case] = []
    for block in ("\n" + path.read_text(encoding="utf-8")).split("\n== ")[1:]:
        text, *message = block.split("\n")
        for written, meant in _ESCAPES.items():
            text = text.replace(written, meant)
        kept = "\n".join(line for line in message if not line.startswith("# "))
        cases.append(Case(text, kept.strip("\n")))
    return cases


def analysed_error(arguments: str) -> ConvcalcError:
    """The error of a network and its options, `NETWORK ; input=3x8x8 ; padding=valid`."""
    network, *options = arguments.split(" ; ")
    with pytest.raises(ConvcalcError) as caught:
        compare(network, **dict(option.split("=") for option in options))  # type: ignore[arg-type]
    return caught.value


def parse_error(text: str) -> ConvcalcError:
    with pytest.raises(ConvcalcError) as caught:
        parse(text)
    return caught.value


def input_error(text: str) -> ConvcalcError:
    with pytest.raises(ConvcalcError) as caught:
        parse_input(text)
    return caught.value


@pytest.mark.parametrize("case", read_cases(SPECS), ids=lambda case: ascii(case.text))
def test_specification(case: Case) -> None:
    error = parse_error(case.text)
    assert str(error) == case.message
    assert type(error) in (SpecError, LimitError)


@pytest.mark.parametrize("case", read_cases(INPUTS), ids=lambda case: ascii(case.text))
def test_input_size(case: Case) -> None:
    assert str(input_error(case.text)) == case.message


@pytest.mark.parametrize("case", read_cases(NETWORKS), ids=lambda case: ascii(case.text))
def test_network(case: Case) -> None:
    assert str(analysed_error(case.text)) == case.message


@pytest.mark.parametrize("case", read_cases(SPECS), ids=lambda case: ascii(case.text))
def test_the_caret_stands_under_the_users_text(case: Case) -> None:
    lines = case.message.split("\n")
    carets = [line for line in lines[1:] if line.strip(" ^") == "" and "^" in line]
    error = parse_error(case.text)
    assert len(carets) == (error.span is not None)
    if error.span is not None:
        assert error.span.text == case.text
        assert error.span.start <= len(case.text)
    assert all(line.isprintable() for line in lines)


def test_no_message_repeats_a_word_or_is_unfinished() -> None:
    for path in (SPECS, INPUTS, NETWORKS):
        for case in read_cases(path):
            first = case.message.split("\n")[0]
            assert first and not first.endswith((" ", ":", ",")), case
            words = first.split()
            assert not any(a == b and a.isalpha() for a, b in pairwise(words))


# What does not fit on a line of a data file


def test_a_long_line_is_cut_around_the_place() -> None:
    text = "relu+" * 40 + "rleu" + "+relu" * 40
    assert str(parse_error(text)) == (
        "unknown word 'rleu'\n"
        "  ... +" + "relu+" * 7 + "rleu" + "+relu" * 6 + "+r" + " ...\n"
        "  " + " " * (4 + 36) + "^^^^\n"
        "hint: did you mean 'relu'?"
    )


def test_only_the_line_with_the_place_is_shown() -> None:
    assert str(parse_error("7x7+\nrleu +\n1x1")) == (
        "unknown word 'rleu'\n"
        "  rleu +\n"
        "  ^^^^\n"
        "hint: did you mean 'relu'?"
    )  # fmt: skip


def test_a_very_long_word_is_shortened() -> None:
    message = str(parse_error("x" * 100_000))
    assert message.startswith("unknown word 'xxxxxxxxxxxx ... xxxxxxxxxxxx'\n")
    assert len(message) < 300


def test_a_very_long_number_is_shortened() -> None:
    message = str(parse_error("3x3@" + "9" * 100_000))
    first, _, carets, *_ = message.split("\n")
    assert first == "9999999 ... 9999999 exceeds the limit of 999,999,999"
    assert len(carets) <= 80
    assert str(parse_error("9" * 5_000 + "*3x3")).startswith(
        "repeat count 9999999 ... 9999999 exceeds the limit of 999,999,999\n"
    )


def test_a_megabyte_of_noise_is_one_short_message() -> None:
    assert str(parse_error("\x00ab+(" * 200_000)) == (
        "the specification has 1,000,000 characters; the limit is 200,000"
    )
    assert len(str(parse_error("\x00" * 200_000))) < 300


def _rewrite() -> None:
    """Write the current messages into the files, keeping comments and order."""
    for path, error_of in (
        (SPECS, parse_error),
        (INPUTS, input_error),
        (NETWORKS, analysed_error),
    ):
        out: list[str] = []
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.startswith("# "):
                out += ["", line] if out and not out[-1].startswith("# ") else [line]
            if line.startswith("== "):
                text = line[3:]
                for written, meant in _ESCAPES.items():
                    text = text.replace(written, meant)
                if out and not out[-1].startswith("# "):
                    out.append("")
                out += [line, str(error_of(text))]
        path.write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _rewrite()
