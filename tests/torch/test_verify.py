"""`verify`: agreement on real networks, and proof that a wrong formula is called a disagreement."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

import convcalc
from convcalc.api.verify import BY_CONVENTION, DISAGREES, NOT_MEASURED
from convcalc.cli.main import main
from convcalc.layers.conv import Conv, ConvTranspose
from convcalc.layers.pool import MaxPool
from convcalc.quantities import AxisRead, OpCounts, Shape

NETWORKS = [
    ("7x7", "4x21x21"),
    ("7x1+1x7", "4x21x21"),
    ("add(7x1 | 1x7)", "4x21x21"),
    ("3*3x3d2", "2x33x33"),
    ("7x7s2@8+maxpool3x3s2p1+3x3", "3x65x65"),
    ("convt4x4s2p1@3+3x3", "4x11x11"),
    ("up2bilinear+3x3", "2x13x13"),
    ("cat(1x1@4 | 1x1@2+3x3@4 | maxpool3x3s1p1+1x1@2)+bn+relu", "4x15x15"),
    ("mul(id | gap+1x1@2+relu+1x1@4+sigmoid)", "4x9x9"),
    ("3x3s2@4+flatten+fc10+softmax", "3x9x9"),
    ("dw3x3s2+1x1@8+gng4+gelu", "4x12x12"),
    ("5d3+avgpool3", "2x60"),
    ("1x3x3@4+3x1x1@2", "2x7x9x9"),
]


@pytest.mark.parametrize(("spec", "size"), NETWORKS)
def test_networks_agree(spec: str, size: str) -> None:
    found = convcalc.verify(spec, input=size, layers=True)
    assert not found.disagreements, [str(row) for row in found.disagreements]
    quantities = {row.quantity for row in found.rows}
    assert {"output shape", "params", "MACs", "activations", "support"} <= quantities


def test_field_is_measured_where_the_border_allows() -> None:
    rows = {row.quantity: row for row in convcalc.verify("7x1+1x7", input="2x21x21").rows}
    assert rows["field size, axis 0"].measured == "7"
    assert rows["stride, axis 1"].measured == "1"
    assert rows["padding, axis 0"].measured == "3"
    assert rows["support"].measured == "49"
    assert rows["support at the corner"].measured == "16"


def test_cut_field_is_not_called_measured() -> None:
    rows = {row.quantity: row for row in convcalc.verify("9x9", input="1x7x7").rows}
    assert rows["field size, axis 0"].verdict == NOT_MEASURED
    assert rows["support"].verdict == "agrees"


def test_batch_norm_differs_by_convention_with_its_reason() -> None:
    rows = [r for r in convcalc.verify("3x3+bn", input="4x8x8").rows if r.by == "fvcore"]
    macs = next(row for row in rows if row.quantity == "MACs")
    assert macs.verdict == BY_CONVENTION
    assert macs.reason == "adds 2 per batch-norm output: 512"


def _wrong_params(self: Conv, inputs: Sequence[Shape], output: Shape) -> int:
    return 1


def _wrong_operations(self: Conv, inputs: Sequence[Shape], output: Shape) -> OpCounts:
    return OpCounts(taps=3, valid_taps=3)


def _wrong_reads(
    self: Conv, inputs: Sequence[Shape], output: Shape, which: int
) -> tuple[AxisRead, ...]:
    return (AxisRead(3, 1, -1),) * output.rank


def _wrong_output(self: Conv, inputs: Sequence[Shape]) -> Shape:
    return Shape(inputs[0].channels, tuple(size + 1 for size in inputs[0].spatial))


@pytest.mark.parametrize(
    ("kind", "method", "wrong", "spec", "quantity"),
    [
        (Conv, "params", _wrong_params, "3x3", "params"),
        (Conv, "operations", _wrong_operations, "3x3", "MACs"),
        (Conv, "reads", _wrong_reads, "5x5", "support"),
        (Conv, "reads", _wrong_reads, "5x5", "field size, axis 0"),
        (Conv, "output", _wrong_output, "3x3", "output shape"),
        (ConvTranspose, "reads", _wrong_reads, "convt4x4s2p1", "support"),
        (MaxPool, "reads", _wrong_reads, "maxpool5x5s1p2", "support"),
        (MaxPool, "output", _wrong_output, "maxpool3x3s1p1", "output shape"),
    ],
)
def test_a_planted_wrong_formula_disagrees(
    monkeypatch: pytest.MonkeyPatch,
    kind: type,
    method: str,
    wrong: object,
    spec: str,
    quantity: str,
) -> None:
    assert convcalc.verify(spec, input="2x17x17").agrees
    monkeypatch.setattr(kind, method, wrong)
    found = convcalc.verify(spec, input="2x17x17")
    assert quantity in {row.quantity for row in found.disagreements}


def test_command_exits_with_1_only_on_a_disagreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "3x3", "--input", "2x9x9", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["agrees"] is True
    monkeypatch.setattr(Conv, "params", _wrong_params)
    assert main(["verify", "3x3", "--input", "2x9x9"]) == 1
    assert DISAGREES in capsys.readouterr().out


def test_compare_verify_adds_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "3x3", "3x1+1x3", "--input", "2x9x9", "--verify"]) == 0
    assert "quantities at 2x9x9" in capsys.readouterr().out


def test_letters_need_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "3x3", "--input", "CxHxW"]) == 2
    assert "every size of CxHxW must be a number" in capsys.readouterr().err


def test_more_than_memory_is_refused_before_it_is_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["verify", "3x3", "--input", "64x999999x999999"]) == 2
    assert "3x3 at 64x999999x999999 needs at least" in capsys.readouterr().err


def test_module_bears_the_reports_names() -> None:
    spec, size = "add(7x1 | 1x7)+bn+relu", "4x9x9"
    module = convcalc.to_torch(spec, input=size)
    names = [layer.name for layer in convcalc.analyze(spec, input=size).layers]
    assert [name for name, _ in module.named_children()] == names
