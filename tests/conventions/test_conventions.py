"""The table of conventions: whole, exact, and red where a rule is wrong. What the tools really
printed is `tests/truth/test_what_tools_print.py`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from convcalc import ConvcalcError, analyze
from convcalc.conventions import CONVENTIONS, convention
from convcalc.conventions.tools import IN, IN_5, TOOLS
from convcalc.errors import LayerError, OptionError, SymbolError
from convcalc.layers import KINDS, MERGES
from convcalc.spec import Tree
from tests.truth import test_what_tools_print as truth

OWN = {"convcalc", "macs", "torch"}

NAMES = ("convcalc", "macs", "torch", "fvcore", "ptflops", "ptflops-aten", "thop", "torchinfo",
         "torchprofile", "calflops", "deepspeed", "torchscan", "flopth", "timm", "tf-profiler",
         "flax")  # fmt: skip


def count(spec: str | Tree, name: str, input: Any = "16x32x32", **options: Any) -> int:  # noqa: A002
    """The FLOPs of a network by a convention."""
    return analyze(spec, input=input, convention=name, **options).flops


def test_the_names() -> None:
    assert set(NAMES) <= CONVENTIONS.keys()
    assert CONVENTIONS.keys() - set(NAMES) == {"calflops-macs", "deepspeed-macs", "torchscan-macs"}
    assert TOOLS.keys() == CONVENTIONS.keys() - OWN
    assert all(name == entry.name for name, entry in CONVENTIONS.items())


def test_each_names_its_source_and_what_it_counts() -> None:
    assert all(entry.meaning and entry.word for entry in CONVENTIONS.values())
    assert all(entry.source for name, entry in CONVENTIONS.items() if name not in OWN)
    assert {name for name, entry in CONVENTIONS.items() if entry.rests_on} == {
        "timm", "tf-profiler", "flax",
    }  # fmt: skip


def test_rules_are_for_kinds_that_there_are() -> None:
    words = {kind.word for kind in (*KINDS, *MERGES)}
    functions = {"mean"}  # that a model's own code calls
    assert {word for tool in TOOLS.values() for word in tool.others} <= words | functions


def test_the_rules_are_loaded_when_they_are_asked_for() -> None:
    """A quick command has no use for them."""
    code = (
        "import sys\nfrom convcalc.cli.main import main\nmain(['compare', '7x7', '7x1+1x7'])\n"
        "assert 'convcalc.conventions' in sys.modules\n"
        "assert 'convcalc.conventions.tools' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_unknown_one_names_the_nearest() -> None:
    with pytest.raises(
        OptionError, match=r"unknown convention 'fvcor': expected one of convcalc, macs"
    ):
        convention("fvcor")
    with pytest.raises(OptionError) as caught:
        analyze("3x3", convention="torchinf")
    assert caught.value.hint == "did you mean 'torchinfo'?"


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_kind_is_counted_in_every_rank(name: str) -> None:
    """No kind makes a convention fail; no tool counts what moves nothing, but for one."""
    for kind in KINDS:
        for shape in ("8x9x7", "8x9", "8x4x4x4", "8"):
            try:
                analyze(kind.example, input=shape)
            except ConvcalcError:
                continue
            found = count(kind.example, name, shape)
            assert isinstance(found, int)
            assert found >= 0
            if kind.word in ("flatten", "take", "crop", "pad", "shuffle"):
                assert found == 0
            if kind.word == "dropout":  # torch-scan: a random number for each
                assert (found > 0) == (name == "torchscan")


SCALED = ("torch", "fvcore", "torchinfo", "thop", "torchprofile", "calflops", "timm", "tf-profiler")


@pytest.mark.parametrize("spec", ["3x3@8+relu", "convt4x4s2p1@8g2+ln", "bn+gap+fc10", "dw5x5b0"])
def test_the_batch(spec: str) -> None:
    for name in SCALED:
        assert count(spec, name, batch=3) == 3 * count(spec, name)
    for name in ("ptflops", "ptflops-aten", "flopth"):
        assert count(spec, name, batch=3) == count(spec, name)


# What is not in the table of printed numbers


@pytest.mark.parametrize(
    ("spec", "input", "expected"),
    [
        # relu6 is a Hardtanh: of ptflops, only the hook sees it
        ("relu6", "6x10x8", {"ptflops": 480, "calflops": 0, "torchscan": 960, "flopth": 480}),
        ("silu", "6x10x8", {"ptflops": 480, "calflops": 480, "flopth": 0}),
        ("leakyrelu", "6x10x8", {"ptflops": 480, "torchscan": 1920, "torchprofile": 480}),
        ("prelu", "6x10x8", {"thop": 480, "torchinfo": 1, "ptflops": 960, "torchprofile": 0}),
        ("softmax", "6x10x8", {"thop": 1360, "ptflops": 480, "tf-profiler": 2400, "flax": 1840}),
        ("lrn5", "6x10x8", {"ptflops": 2240, "calflops": 2240, "torchprofile": 1440}),
        ("affine", "6x10x8", {"torchinfo": 12, "torchprofile": 480, "fvcore": 0}),
        ("affine1", "6x10x8", {"torchinfo": 2, "torchprofile": 480, "fvcore": 0}),
        ("scale", "6x10x8", {"torchinfo": 0, "torchprofile": 480, "fvcore": 0}),
        ("bias", "6x10x8", {"torchinfo": 6, "torchprofile": 0, "fvcore": 0}),
        ("grn", "6x10x8", {"torchinfo": 12, "torchprofile": 961, "fvcore": 0}),
        ("avgpool3x3s2p1", "6x10x8", {"thop": 1200, "torchscan": 480, "torchprofile": 120}),
        ("avgpool3x2", "6x10x8", {"thop": 504, "torchscan": 504, "torchprofile": 72}),
        ("gap", "6x10", {"fvcore": 0, "ptflops": 120, "thop": 66, "flopth": 0, "torchscan": 60}),
        ("up2bilinear", "6x10", {"fvcore": 0, "thop": 600, "torchprofile": 0, "flopth": 20}),
        ("up2bilinear", "6x3x5x4", {"thop": 89280, "ptflops": 5760, "deepspeed": 720}),
        ("mul(id | relu | relu)", "6x10x8", {"torchprofile": 960, "fvcore": 0, "thop": 0}),
        ("add(id | relu)", "6x10x8", {"torchprofile": 0, "tf-profiler": 480, "flax": 960}),
        # an even kernel's `same` at a stride is padding before a convolution: nothing is missed
        ("4x4s2b0", "6x10x8", {"fvcore": 11520, "torchprofile": 11520, "calflops-macs": 11520}),
        ("4x4p1:2b0", "6x10x8", {"fvcore": 46080, "torchprofile": 46080}),
        ("4x4b0", "6x10x8", {"fvcore": 0, "torchprofile": 0, "calflops-macs": 36288}),
        # XLA leaves out products with padding
        ("3x3@8b0", "6x10x8", {"flax": 59136, "tf-profiler": 69120}),
        ("4x4@8s2p1b0", "6x10x8", {"flax": 24192}),
        ("convt4x4s2p1@8", "6x10x8", {"flax": 112000, "tf-profiler": 125440}),
        ("bn", "6x10x8", {"flax": 1452}),
        ("ln", "6x10x8", {"flax": 3680}),
        ("gng3", "6x10x8", {"flax": 2901}),
        ("3x3x3@8b0", "6x3x5x4", {"tf-profiler": 0, "fvcore": 77760}),
    ],
)
def test_single_layers(spec: str, input: str, expected: dict[str, int]) -> None:  # noqa: A002
    """Numbers printed by the tools of the versions that `CONVENTIONS` names, for the modules of
    `to_torch` (flax: for flax.linen's), but those of tf-profiler, which follow from its source."""
    assert {name: count(spec, name, input) for name in expected} == expected


def test_deepspeed_raises_the_scale_to_the_batch() -> None:
    found = [count("up3", "deepspeed", "2x4x4", batch=batch) for batch in (1, 2, 3)]
    assert found == [32 * 3, 64 * 9, 96 * 27]
    assert count("up3", "calflops", "2x4x4", batch=3) == 96


def test_deepspeed_and_calflops_fail_on_a_scale_for_each_axis() -> None:
    with pytest.raises(LayerError, match="DeepSpeed fails on a scale for each axis") as caught:
        count("3x3+up2x3", "deepspeed")
    assert caught.value.span is not None
    with pytest.raises(LayerError, match="calflops fails"):
        count("up2x3", "calflops")
    assert count("up2x3", "deepspeed", "2x4x4", batch=2) == 64 * 6


# Letters


SYMBOLIC = (
    "3x3@8+bn+relu",
    "dw3x3+1x1",
    "convt4x4s2p1@8+gng4",
    "maxpool2x2+avgpool3x3s1p1",
    "4x4@8",
    "add(id | 3x3g2)+gap+fc10",
    "ln+softmax+up2bilinear",
    "convt4x4s2p1g2",
)


@pytest.mark.parametrize("spec", SYMBOLIC)
@pytest.mark.parametrize("name", [name for name in CONVENTIONS if name != "flax"])
def test_letters_are_what_their_numbers_are(spec: str, name: str) -> None:
    pytest.importorskip("sympy")
    letters: Any = count(spec, name, "CxHxW")
    for channels, height, width in ((32, 12, 10), (64, 7, 9), (2, 8, 8)):
        values = {"C": channels, "H": height, "W": width}
        put_in = letters
        if not isinstance(letters, int):
            put_in = letters.subs({s: values[s.name] for s in letters.free_symbols})
        assert put_in == count(spec, name, (channels, height, width))


def test_letters_where_numbers_are_needed_are_one_error() -> None:
    pytest.importorskip("sympy")
    with pytest.raises(SymbolError, match="products with padding depend on the sizes"):
        count("3x3", "flax", "CxHxW")
    with pytest.raises(SymbolError, match="C and 8 must be numbers"):
        count("convt2x2s2@8g2", "torchprofile", "CxHxW")


# A wrong rule is seen

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("fvcore", {"others": {**TOOLS["fvcore"].others, "bn": IN_5}}, "BatchNorm2d(16) eval"),
    ("fvcore", {"conv": TOOLS["thop"].conv}, "Conv2d k4 padding=same nobias"),
    ("thop", {"others": {**TOOLS["thop"].others, "relu": IN}}, "ReLU"),
    ("thop", {"transposed": TOOLS["torchinfo"].transposed}, "ConvT2d 16>32 k4 s2 p1 nobias"),
    ("ptflops", {"one_sample": False}, "same, batch 4"),
    ("ptflops", {"conv_bias": None}, "Conv2d 16>32 k3 p1 bias"),
    ("torchinfo", {"anything": None}, "GroupNorm(4,16)"),
    (
        "torchprofile",
        {"transposed": TOOLS["torchinfo"].transposed},
        "ConvT2d 16>32 k4 s2 g4 nobias",
    ),
    ("calflops", {"per_mac": 1}, "Linear 64>128 bias"),
    ("deepspeed", {"transposed": TOOLS["thop"].transposed}, "ConvT2d depthwise 16 k4 s2"),
    ("torchscan", {"less_first": False}, "Conv2d 16>32 k3 p1 nobias"),
    ("torchscan-macs", {"fixed": 0}, "ConvT2d 16>32 k4 s2 p1 bias"),
    ("flopth", {"fc_bias": TOOLS["ptflops"].fc_bias}, "Linear 64>128 bias"),
]


@pytest.mark.parametrize(("name", "change", "row"), WRONG)
def test_a_wrong_rule_is_seen(
    monkeypatch: pytest.MonkeyPatch, name: str, change: dict[str, Any], row: str
) -> None:
    truth.test_the_row_is_reproduced(row)
    monkeypatch.setitem(TOOLS, name, replace(TOOLS[name], **change))
    with pytest.raises(AssertionError):
        truth.test_the_row_is_reproduced(row)
