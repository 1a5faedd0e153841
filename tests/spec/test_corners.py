"""What few texts reach: each is read or refused with its place."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.errors import ConvcalcError, SpecError
from convcalc.layers.conv import Conv
from convcalc.networks.file import read_text
from convcalc.spec import Ref, Written, parse
from convcalc.spec.tree import words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat(1x1)*2", "unexpected '*'"),
        ("1x1@(8)q(2)", "unexpected 'q' in a layer"),
        ("999999999999x3", "exceeds the limit of 999,999,999"),
    ],
)
def test_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=r"\^") as caught:
        parse(text)
    assert message in str(caught.value)


def test_a_specification_is_a_string() -> None:
    with pytest.raises(SpecError, match="expected a string, got 3"):
        parse(3)  # type: ignore[arg-type]


def test_a_kernel_made_in_python_has_the_same_limits() -> None:
    with pytest.raises(SpecError, match="a kernel size exceeds the limit"):
        Conv((1_000_000_000,))


@pytest.mark.parametrize("name", ["pw", "rms", "step", "mha", "abs", "crelu", "resize", "clamp"])
def test_a_files_parameters_go_before_words_that_came_later(name: str) -> None:
    text = f"""
        input = "4x9x9"
        [blocks]
        "strip({name})" = "{name}x1@{name} + 1x{name}"
        [[stage]]
        name = "all"
        layers = "strip(3)"
    """
    report = convcalc.analyze(read_text(text, "net.toml").graph("net"))
    assert [layer.spec for layer in report.layers] == ["3x1@3", "1x3"]


@pytest.mark.parametrize("name", ["sub", "div", "pw", "rms"])
def test_a_files_blocks_go_before_words_that_came_later(name: str) -> None:
    text = f"""
        input = "4x9x9"
        [blocks]
        "{name}(k)" = "kxk@8"
        [[stage]]
        name = "all"
        layers = "{name}(5)"
    """
    report = convcalc.analyze(read_text(text, "net.toml").graph("net"))
    assert [layer.spec for layer in report.layers] == ["5x5@8"]


def test_a_file_without_layers() -> None:
    with pytest.raises(ConvcalcError, match="has no layers"):
        read_text('[[stage]]\nname = "a"\nlayers = "$input"', "net.toml").graph("net")


def test_stages_are_printed_as_they_are_written() -> None:
    assert str(Ref("c4")) == "$c4"
    step = Written(Conv((3,)), (Ref("a"), Ref("b")))
    assert str(step) == "3 of $a, $b"
    assert words(Ref("c4")) == []
