"""`convcalc explain`: accounts that add up, in every format."""

from __future__ import annotations

import csv
import io
import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc import Explanation, explain
from convcalc.api.explain import Account
from convcalc.conventions import CONVENTIONS
from convcalc.render.formats import FORMATS
from tests import needs
from tests.cli.conftest import program
from tests.cli.running import Program
from tests.laws import strategies as laws
from tests.torch.strategies import networks

__all__ = ["program"]


def of(explanation: Explanation, name: str) -> Account:
    """The account of one tool."""
    (account,) = (a for a in explanation.accounts if a.convention.name == name)
    return account


def reasons(explanation: Explanation, name: str) -> list[tuple[str, int]]:
    """The parts of one tool's account."""
    return [(part.reason, part.amount) for part in of(explanation, name).parts]


@given(st.integers(1, 3).flatmap(networks), st.integers(1, 3))
@laws.examples(50)
def test_the_parts_add_up(drawn: Any, batch: int) -> None:
    """MACs and parts are what `--convention` counts, for every tool, and so are the layers."""
    tree, shape = drawn
    explanation = explain(tree, input=shape, batch=batch)
    report = convcalc.analyze(tree, input=shape, batch=batch, convention="macs")
    macs = report.macs
    assert explanation.macs == macs == report.flops
    for account in explanation.accounts:
        name = account.convention.name
        if account.prints is None:
            assert account.failure
            assert name in ("flopth", "calflops", "deepspeed")
            continue
        report = convcalc.analyze(tree, input=shape, batch=batch, convention=name)
        assert report.convention == name
        assert report.flops == sum(layer.flops for layer in report.layers)
        assert account.prints == report.flops == macs + sum(part.amount for part in account.parts)
        assert account.difference == account.prints - macs
        assert all(part.amount != 0 for part in account.parts)
        assert explanation.is_macs(account) == (account.prints == macs)


def test_every_tool_has_an_account() -> None:
    names = [account.convention.name for account in explain("3x3").accounts]
    assert names == [name for name in CONVENTIONS if name != "macs"]


def test_the_accounts_of_a_convolution() -> None:
    explanation = explain("3x3@32", input="16x32x32")
    assert explanation.macs == 4_718_592
    assert reasons(explanation, "fvcore") == []
    assert reasons(explanation, "ptflops") == [("counts each bias as a MAC", 32_768)]
    assert reasons(explanation, "torch") == [("2 per MAC", 4_718_592)]
    assert reasons(explanation, "torchscan") == [
        ("2 per MAC", 4_718_592),
        ("1 fewer per output: k products, k-1 sums", -32_768),
        ("counts each bias", 32_768),
    ]


def test_the_accounts_of_what_tools_get_wrong() -> None:
    transposed = explain("convt4x4s2p1@32b0", input="16x32x32")
    assert reasons(transposed, "torchinfo") == [
        ("counts transposed convolutions at their output", 3 * 8_388_608)
    ]
    assert transposed.is_macs(of(transposed, "thop"))
    same = explain("4x4@32b0", input="16x32x32")
    assert reasons(same, "fvcore") == [("no rule for padding='same'", -8_388_608)]
    batch = explain("3x3b0", input="16x32x32", batch=4)
    assert reasons(batch, "flopth") == [
        ("counts one sample, whatever the batch", -3 * 16 * 16 * 9 * 1024)
    ]


def test_the_same_rule_of_several_kinds_is_one_part() -> None:
    parts = of(explain("1x1+relu+maxpool2x2+gap+relu", input="4x8x8"), "calflops").parts
    (rule,) = (part for part in parts if part.kinds)
    assert rule.kinds == ("relu", "maxpool", "gap")
    assert rule.amount == 256 + 256 + 64 + 4 + 0 - 0  # relu, maxpool, gap, relu


def test_a_network_without_parameters_fails_in_flopth() -> None:
    account = of(explain("relu"), "flopth")
    assert (account.prints, account.failure) == (
        None, "it needs a network with parameters",
    )  # fmt: skip


def test_notes_say_how_the_network_is_taken() -> None:
    assert any("padding='same'" in note for note in explain("3x3").notes)
    assert explain("3x3p1+1x1+4x4s2").notes == ()


def test_letters() -> None:
    pytest.importorskip("sympy")
    explanation = explain("3x3@8", input="CxHxW")
    assert str(of(explanation, "thop").prints) == "72*C*H*W"
    assert explanation.is_macs(of(explanation, "thop"))
    assert of(explanation, "flax").prints is None
    text = str(explanation)
    assert "x2: 2 per MAC" in text
    assert "+ 8·H·W: counts each bias" in text


# The command


def test_the_table(program: Program) -> None:
    ran = program("explain", "convt4x4s2p1@32g4", "--input", "16x32x32")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "torchprofile 33,554,432 MACs 16 x4: counts transposed" in lines
    assert "x4: and with all groups' channels" in lines
    assert "calflops-macs 524,288 MACs 0.2500 x1/4: divides transposed" in lines
    assert "fvcore 2,097,152 FLOPs 1 these are the MACs" in lines
    assert any(line.startswith("The MAC count at 16x32x32, batch 1 is 2,097,152: f")
               for line in lines)  # fmt: skip


@pytest.mark.parametrize("spec", ["3x3@8+bn+relu", "relu", "4x4+up2", "up2x3",
                                  "cat(3x3 | convt3x3p1g2)+gap+fc10+softmax"])  # fmt: skip
@pytest.mark.parametrize("form", FORMATS)
def test_every_format(program: Program, spec: str, form: str) -> None:
    ran = program("explain", spec, "--input", "16x32x32", "--format", form)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("\n")
    if form == "table":
        assert max(map(len, ran.out.splitlines())) <= 80


def test_json(program: Program) -> None:
    document = json.loads(program("explain", "3x3@32", "--input", "16x32x32",
                                  "--format", "json").out)  # fmt: skip
    assert document["schema_version"] == 1
    assert (document["command"], document["macs"]) == ("explain", 4_718_592)
    tools = {tool["tool"]: tool for tool in document["tools"]}
    assert tools["torchinfo"] == {
        "tool": "torchinfo",
        "prints": 4_751_360,
        "word": "mult-adds",
        "is_macs": False,
        "difference": 32_768,
        "terms": [{"reason": "counts each bias as a MAC", "kinds": [], "amount": 32_768,
                   "factor": None}],
        "failure": None,
        "source": "TylerYep/torchinfo torchinfo/layer_info.py 1.8.0",
        "rests_on": None,
    }  # fmt: skip
    assert tools["fvcore"]["is_macs"]
    assert tools["torch"]["terms"][0]["factor"] == "2"
    for tool in tools.values():
        assert tool["prints"] == 4_718_592 + sum(term["amount"] for term in tool["terms"])
    assert document == explain("3x3@32", input="16x32x32").to_dict()


def test_csv(program: Program) -> None:
    text = program("explain", "3x3@32", "--input", "16x32x32", "--format", "csv").out
    rows = {row["tool"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["calflops"]["prints"] == "9469952"
    assert rows["calflops"]["account"] == "x2: 2 per MAC; + 32,768: counts each bias"
    assert rows["thop"]["times_macs"] == "1"


def test_the_help_has_examples_that_work(program: Program) -> None:
    pytest.importorskip("sympy")
    ran = program("explain", "-h")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    examples = [line.strip() for line in ran.out.splitlines()
                if line.strip().startswith("convcalc ")]  # fmt: skip
    assert len(examples) >= 3
    for example in examples:
        assert program(*shlex.split(example)[1:]).code == 0, example


@pytest.mark.parametrize(
    "arguments",
    [("",), ("rleu",), ("3x3", "--batch", "0"), ("3x3", "--format", "jsn"), ("3x3g3",),
     ("3x3", "--input", "3x224"), ("7x7pvalid", "--input", "1x5x5")],
    ids=" ".join,
)  # fmt: skip
def test_bad_input_is_one_message(program: Program, arguments: tuple[str, ...]) -> None:
    ran = program("explain", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("error:") == 1


def test_the_convention_is_always_named(program: Program) -> None:
    ran = program("show", "3x3@32", "--input", "16x32x32", "--convention", "torchinfo")
    assert "FLOPs by torchinfo: each learned number once a sample" in " ".join(ran.out.split())
    assert "4.751 M FLOPs" in ran.out
    bad = program("show", "3x3", "--convention", "fvcor")
    assert bad.err.endswith("hint: did you mean 'fvcore'?\n")
    lost = program("show", "3x3+up2x3", "--convention", "deepspeed")
    assert (lost.code, lost.err.splitlines()[-1].strip()) == (2, "^^^^^")


def test_a_long_network_is_explained_at_once() -> None:
    explanation = explain("2500*(3x3+bn+relu+1x1)", input="8x8x8")
    assert len(explanation.report.layers) == 10_000
    assert explanation.is_macs(of(explanation, "calflops-macs"))


@needs.torch
def test_what_a_models_code_calls_has_no_rule_in_a_tool_of_modules() -> None:
    """A product of two activations: 4 x 5 by 5 x 4 for each of 2 channels."""
    import torch

    class Products(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ x.transpose(-1, -2)

    explanation = explain(convcalc.from_torch(Products(), input=(2, 4, 5)))
    assert explanation.report.macs == 2 * 4 * 5 * 4
    assert reasons(explanation, "calflops-macs") == [
        ("no rule for matmul as a model's code calls it", -160)
    ]
    assert reasons(explanation, "ptflops") == [
        ("hooks modules, and does not see functions that the model's own code calls", -160)
    ]
