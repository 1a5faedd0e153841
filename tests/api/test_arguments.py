"""What is no argument gets one message, in every public function; what is meant is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.api.export import export as export_text
from convcalc.errors import ConvcalcError, OptionError

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "analyze": convcalc.analyze,
    "compare": lambda network, **options: convcalc.compare(network, "3x3", **options),
    "explain": convcalc.explain,
    "receptive_field": convcalc.receptive_field,
    "check": lambda network, **options: convcalc.check(network, require=["params<=1G"], **options),
    "assert_within": lambda network, **options: convcalc.assert_within(
        network, params="<=1G", **options
    ),
    "export_text": export_text,
}
ALL = list(FUNCTIONS)
COUNTED = ["analyze", "compare", "check", "assert_within"]

BAD: list[tuple[list[str], dict[str, Any], str]] = [
    (ALL, {"input": 64}, "input=64: expected channels and the size of each axis"),
    (ALL, {"input": 6.5}, "input=6.5: expected channels"),
    (ALL, {"input": b"3x8x8"}, "input=b'3x8x8': expected channels"),
    (ALL, {"input": (64, 5.5)}, "input: expected a number or a letter, got '5.5'"),
    (ALL, {"padding": None}, "padding=None: expected an amount such as 1 or (1, 2), or a mode"),
    (ALL, {"padding": True}, "padding=True: expected an amount"),
    (ALL, {"padding": 1.5}, "padding=1.5: expected an amount"),
    (ALL, {"padding": (1, "2")}, "padding=(1, '2'): expected an amount"),
    (ALL, {"padding": -1}, "padding='-1': expected amounts such as 1"),
    (ALL, {"padding": "sme"}, "padding='sme': expected amounts such as 1"),
    (ALL, {"bias": "no"}, "bias='no': expected True or False"),
    (ALL, {"bias": 1}, "bias=1: expected True or False"),
    (ALL, {"after_conv": 3}, "after_conv=3: expected a string"),
    ([*COUNTED, "explain"], {"batch": True}, "batch=True: expected a number from 1 to"),
    ([*COUNTED, "explain"], {"batch": "2"}, "batch='2': expected a number from 1 to"),
    (COUNTED, {"element_size": 2.0}, "element_size=2.0: expected a number from 1 to"),
    (COUNTED, {"convention": 5}, "convention=5: expected a string"),
    (COUNTED, {"convention": None}, "unknown convention"),
    ([*COUNTED, "receptive_field"], {"local": "yes"}, "local='yes': expected True or False"),
    (["receptive_field"], {"unit": "0,,0"}, "unit='0,,0': expected a position such as 3,4"),
    (["receptive_field"], {"unit": 1.5}, "unit=1.5: expected a position"),
    (["receptive_field"], {"unit": (0, True)}, "unit=(0, True): expected a position"),
    (["receptive_field"], {"at": 3}, "at=3: expected a string"),
    (["receptive_field"], {"origin": 3}, "origin=3: expected a string"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [(name, options, message) for names, options, message in BAD for name in names],
)
def test_one_message(function: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        FUNCTIONS[function]("3x3", **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("network", [5, None, b"7x7", ["7x7"], {"a": 1}, object, 7.5])
def test_what_names_no_network(function: str, network: Any) -> None:
    with pytest.raises(OptionError, match="expected a network, got "):
        FUNCTIONS[function](network)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"params": "<=1k"}, "unknown option 'params'"),
        ({"bach": 2}, "unknown option 'bach'\nhint: did you mean 'batch'?"),
        ({"require": 5}, "require=5: expected a list of strings"),
        ({"require": [5]}, "require=5: expected a list of strings"),
        ({"fail_on": {"macs": 1}}, "fail_on={'macs': 1}: expected a list of strings"),
        ({"lenient": "no"}, "lenient='no': expected True or False"),
        ({"profile": 1}, "profile=1: expected True or False"),
        ({"against": 3, "baseline": "b.json"}, "against=3: expected a string"),
        ({"config": 3}, "config=3: expected a file"),
        ({"device": 3}, "device=3: expected a string"),
        ({"baseline": 3}, "expected a network, got 3"),
    ],
)
def test_check(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.check("7x7", **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", [5, None, b"7x7", ["7x7"]])
def test_parse_wants_a_string(text: Any) -> None:
    with pytest.raises(ConvcalcError, match="expected a string, got "):
        convcalc.parse(text)


def test_what_is_meant_is_taken(tmp_path: Path) -> None:
    assert convcalc.analyze("3x3", padding=3).output == convcalc.analyze("3x3p3").output
    assert convcalc.analyze("3x3", padding=(1, 2)).output == convcalc.analyze("3x3p1x2").output
    assert convcalc.analyze("3x3", input=[2, 9, 9]).input == convcalc.Shape(2, (9, 9))
    corner = convcalc.receptive_field("3x3", unit=(0, 5))
    assert convcalc.receptive_field("3x3", unit="0,5") == corner
    assert convcalc.receptive_field("3", unit=0) == convcalc.receptive_field("3", unit=(0,))
    assert convcalc.check("3x3", require="params<=1G").passed
    assert not convcalc.check("3x3", baseline="1x1", fail_on="macs:1%").passed


def test_a_path_names_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"  # whatever its suffix
    path.write_text('[[stage]]\nname = "a"\nlayers = "3x3@8"\n', encoding="utf-8")
    for function in FUNCTIONS.values():
        function(path)
    assert convcalc.analyze(path).name == str(path)
    with pytest.raises(ConvcalcError, match="no such file"):
        convcalc.analyze(tmp_path / "7x7")
