"""`verify`: agreement on real networks, and proof that a wrong formula is called a disagreement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import convcalc
from convcalc.analysis.support import TooLarge
from convcalc.api.verify import (
    AGREES,
    BY_CONVENTION,
    DISAGREES,
    NOT_MEASURED,
    Row,
    Verification,
    fields,
)
from convcalc.cli.main import main
from convcalc.layers.channels import Take
from convcalc.layers.conv import Conv, ConvTranspose
from convcalc.layers.pool import MaxPool
from convcalc.quantities import AxisRead, OpCounts, Shape
from convcalc.torch_bridge import measure
from tests.torch.small import Doing

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


def test_a_map_without_a_unit_of_the_largest_field_shows_no_size() -> None:
    """Every third window of 2 reads two inputs; of one input there are the first two windows."""
    found = convcalc.verify("up3+2pvalid", input="1x1")
    assert not found.disagreements
    (row,) = [row for row in found.rows if row.quantity == "field size, axis 0"]
    assert row.verdict == "not measured"


def test_cut_field_is_not_called_measured() -> None:
    rows = {row.quantity: row for row in convcalc.verify("9x9", input="1x7x7").rows}
    assert rows["field size, axis 0"].verdict == NOT_MEASURED
    assert rows["support"].verdict == "agrees"


def row_of(found: Verification, quantity: str, by: str = "probe") -> Row:
    (row,) = [row for row in found.rows if (row.quantity, row.by) == (quantity, by)]
    return row


@pytest.mark.parametrize(
    ("spec", "measured", "reason"),
    [
        ("3x3+bn", "9,728", "+512: bn: 2 per element in"),
        ("up2", "1,024", "+1,024: up: in 2-D, 1 per element out, 4 if bilinear"),
        ("gn g2+gap", "1,536", "+1,280: gn: 5 per element in; +256: gap: 1 per element in"),
    ],
)
def test_fvcore_differs_by_convention_with_its_reason(
    spec: str, measured: str, reason: str
) -> None:
    found = row_of(convcalc.verify(spec.replace(" ", ""), input="4x8x8"), "MACs", "fvcore")
    assert (found.measured, found.verdict, found.reason) == (measured, BY_CONVENTION, reason)


def test_fvcore_counts_an_even_kernel_that_is_padded_apart() -> None:
    """padding='same', which fvcore has no rule for, is not how the module is built."""
    found = row_of(convcalc.verify("2x2", input="4x8x8"), "MACs", "fvcore")
    assert (found.measured, found.verdict) == ("4,096", AGREES)
    with_norm = row_of(convcalc.verify("2x2+bn", input="4x8x8"), "MACs", "fvcore")
    assert (with_norm.measured, with_norm.verdict) == ("4,608", BY_CONVENTION)


@pytest.mark.parametrize("extra", [-9_216, -1, 1, 511, 513])
def test_a_total_that_fvcores_rules_do_not_give_disagrees(
    monkeypatch: pytest.MonkeyPatch, extra: int
) -> None:
    planted = measure.FvcoreCounts(9_216 + extra, 256)
    monkeypatch.setattr(measure, "run_fvcore", lambda *_: planted)
    found = row_of(convcalc.verify("3x3+bn", input="4x8x8"), "MACs", "fvcore")
    assert (found.verdict, found.reason) == (DISAGREES, "9,728 expected by fvcore's rules")


def test_activations_that_padding_cuts_off_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch takes one amount for both sides: all 17 x 17 are written, then one side is cut off."""
    spec, size = "convt3x3s2p0:1@2", "2x8x8"
    found = row_of(convcalc.verify(spec, input=size), "activations", "fvcore")
    assert (found.analytic, found.measured, found.verdict) == ("512", "578", BY_CONVENTION)
    assert found.reason == "+66: written by transposed convolutions, then cropped by their padding"
    for wrong in (511, 512 + 65, 512 + 67):
        planted = measure.FvcoreCounts(2 * 2 * 9 * 64, wrong)
        monkeypatch.setattr(measure, "run_fvcore", lambda *_, planted=planted: planted)
        found = row_of(convcalc.verify(spec, input=size), "activations", "fvcore")
        assert (found.verdict, found.reason) == (DISAGREES, "")


def test_without_fvcore_its_row_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "run_fvcore", lambda *_: None)
    found = convcalc.verify("3x3", input="2x9x9")
    row = row_of(found, "MACs", "fvcore")
    assert (row.analytic, row.measured, row.verdict) == ("2,916", "-", NOT_MEASURED)
    assert row.reason == "fvcore is not installed: pip install 'convcalc[torch]'"
    assert found.agrees


def test_a_set_that_is_only_contained_disagrees_where_exact_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wider(*_: object) -> tuple[AxisRead, ...]:
        return (AxisRead(5, 1, -2), AxisRead(3, 1, -1))

    monkeypatch.setattr(Conv, "reads", wider)
    found = convcalc.verify("3x3", input="2x17x17")
    row = row_of(found, "support")
    assert (row.analytic, row.measured, row.verdict) == ("15", "9", DISAGREES)
    assert row.reason == "unit 8x8: other positions"
    assert row_of(found, "field size, axis 0").verdict == DISAGREES
    assert row_of(found, "field size, axis 1").verdict == AGREES


def test_a_bound_that_is_called_one_differs_by_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the concatenation, only the channels of the 1x1 are kept."""
    spec, size = "cat(1x1@2 | 5x5@2)+take0-1", "2x17x17"
    found = convcalc.verify(spec, input=size)
    row = row_of(found, "support")
    assert (row.analytic, row.measured, row.verdict) == ("25", "1", BY_CONVENTION)
    assert row.reason == "unit 8x8: an upper bound (channels are not tracked separately)"
    size_row = row_of(found, "field size, axis 0")
    assert (size_row.analytic, size_row.measured, size_row.verdict) == ("5", "1", BY_CONVENTION)
    monkeypatch.setattr(Conv, "reads", _wrong_reads)  # less than a bound must hold
    monkeypatch.setattr(Take, "drops_channels", True)
    smaller = row_of(convcalc.verify("cat(5x5@2 | 1x1@2)+take0-1", input=size), "support")
    assert (smaller.analytic, smaller.measured, smaller.verdict) == ("9", "25", DISAGREES)


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
    assert "quantities agree at 2x9x9" in capsys.readouterr().out


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


# Units and borders


def verdicts(found: Verification, by: str = "probe") -> dict[str, tuple[str, str]]:
    return {row.quantity: (row.measured, row.verdict) for row in found.rows if row.by == by}


def test_a_unit_that_just_fits_is_clear_of_the_border_and_alone() -> None:
    found = verdicts(convcalc.verify("7x5pvalid", input="2x7x6"))
    assert found["field size, axis 0"] == ("7", AGREES)
    assert found["stride, axis 0"] == ("-", NOT_MEASURED)  # the output has no second row
    assert "padding, axis 0" not in found
    assert found["stride, axis 1"] == ("1", AGREES)  # two columns, of which the second is asked
    assert found["padding, axis 1"] == ("0", AGREES)


def test_neighbours_that_a_border_cuts_do_not_show_the_stride() -> None:
    found = convcalc.verify("7x7s3", input="2x10x10")  # units at -3, 0, 3 and 6
    assert verdicts(found)["stride, axis 0"] == ("3", AGREES)
    found = convcalc.verify("9x9s3p3", input="2x10x10")  # -3, 0 and 3: only one is whole
    assert verdicts(found)["field size, axis 0"] == ("9", AGREES)
    assert row_of(found, "stride, axis 0").reason == (
        "no two units of the same phase are clear of the border"
    )


def test_a_map_between_may_cut_what_the_input_does_not() -> None:
    """The 5x5 reads padding of the cropped map, though all of its hull lies inside the input."""
    found = convcalc.verify("crop4+5x5", input="2x11x11")
    assert row_of(found, "field size, axis 0").verdict == NOT_MEASURED
    assert row_of(found, "support").verdict == AGREES


def test_a_vector_has_no_field_to_probe() -> None:
    found = convcalc.verify("fc5+relu", input="8")
    assert {row.by for row in found.rows} == {"torch", "FlopCounterMode", "fvcore"}


def test_a_set_that_is_too_large_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TooLarge

    monkeypatch.setattr(fields, "positions_read", refuse)
    found = convcalc.verify("3x3", input="2x9x9")
    for quantity in ("support", "support at the corner", "field size, axis 0"):
        assert row_of(found, quantity).verdict == NOT_MEASURED
    assert row_of(found, "support").reason == "the set is too large"


def test_every_layer_has_its_rows() -> None:
    found = convcalc.verify("3x3@4+bn", input="2x9x9", layers=True).rows
    of_layers = [(r.layer, r.quantity, r.measured, r.by) for r in found if r.layer]
    assert of_layers == [
        ("conv1", "output shape", "4x9x9", "torch"),
        ("conv1", "params", "76", "torch"),
        ("conv1", "MACs", "5,832", "FlopCounterMode"),
        ("bn1", "output shape", "4x9x9", "torch"),
        ("bn1", "params", "8", "torch"),
        ("bn1", "MACs", "0", "FlopCounterMode"),
    ]


def test_progress_says_what_is_done() -> None:
    said: list[str] = []
    convcalc.verify("3x3", input="2x9x9", progress=said.append)
    assert said == ["3x3: running the module", "3x3: tracing with fvcore",
                    "3x3: probing the receptive field"]  # fmt: skip


# Models that were followed


def test_a_model_is_held_against_what_torch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)  # a unit that its activation stops has no gradient
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.ReLU())
    said: list[str] = []
    found = convcalc.verify(model, input="2x9x9", progress=said.append)
    assert said == ["Sequential: running the module"]
    assert [tuple(row) for row in found.rows] == [
        ("Sequential", None, "output elements", "196", "196", "torch", AGREES, ""),
        ("Sequential", None, "params", "76", "76", "torch", AGREES, ""),
        ("Sequential", None, "MACs", "3,528", "3,528", "FlopCounterMode", AGREES, ""),
        ("Sequential", None, "support at the corner", "9", "9", "probe", AGREES, "unit 0x0"),
        ("Sequential", None, "support", "9", "9", "probe", AGREES, "unit 3x3"),
    ]
    monkeypatch.setattr(Conv, "operations", _wrong_operations)
    assert [row.quantity for row in convcalc.verify(model, input="2x9x9").disagreements] == ["MACs"]


@pytest.mark.parametrize("kernel", [(3, 1, -1), (7, 1, -3)])
def test_a_models_field_that_is_not_what_it_reads_disagrees(
    monkeypatch: pytest.MonkeyPatch, kernel: tuple[int, int, int]
) -> None:
    """Fewer positions than have a gradient, or more than a NaN comes from."""
    torch.manual_seed(0)  # a unit that its activation stops has no gradient
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 5, padding=2), torch.nn.ReLU())
    assert convcalc.verify(model, input="2x15x15").agrees
    monkeypatch.setattr(Conv, "reads", lambda *_: (AxisRead(*kernel), AxisRead(5, 1, -2)))
    wrong = convcalc.verify(model, input="2x15x15").disagreements
    assert [row.quantity for row in wrong] == ["support at the corner", "support"]


def test_a_models_field_before_its_head() -> None:
    body = torch.nn.Conv2d(2, 4, 3), torch.nn.MaxPool2d(2)
    model = torch.nn.Sequential(*body, torch.nn.Flatten(), torch.nn.Linear(36, 3))
    rows = convcalc.verify(model, input="2x8x8").rows
    found = {row.quantity: (row.analytic, row.verdict) for row in rows if row.by == "probe"}
    assert found == {
        "support at the corner before the head (1)": ("16", AGREES),
        "support before the head (1)": ("16", AGREES),
    }


def test_constants_of_a_forward_pass_are_no_traceback() -> None:
    model = Doing(
        lambda m, x: torch.cat([m.conv(x), torch.zeros(1, 4, *x.shape[2:])], 1),
        conv=torch.nn.Conv2d(3, 4, 3, padding=1),
    )
    assert convcalc.verify(model, input="3x9x9").agrees
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())


class Spectrum(torch.nn.Module):
    """An operation that is not followed, in front of a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.conv(torch.special.bessel_j0(x))
        return found


def test_a_model_with_unknown_work_is_not_said_to_disagree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    macs = convcalc.verify(Spectrum(), input="2x9x9").rows[2]
    assert macs.verdict == AGREES
    monkeypatch.setattr(Conv, "operations", _wrong_operations)
    macs = convcalc.verify(Spectrum(), input="2x9x9").rows[2]
    assert (macs.analytic, macs.measured, macs.verdict) == ("3", "3,528", NOT_MEASURED)
    assert macs.reason.startswith("special_bessel_j0 (test_verify.py:")


class Two(torch.nn.Module):
    """Takes an image and numbers of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table = torch.nn.Conv2d(3, 4, 3), torch.nn.Embedding(5, 4)

    def forward(self, image: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.conv(image) * self.table(rows)[..., None, None]
        return found


def test_a_model_of_several_inputs_runs_with_all_of_them() -> None:
    graph = convcalc.from_torch(Two(), (torch.rand(1, 3, 9, 9), torch.tensor([3])))
    assert [one.dtype for one in graph.inputs] == ["", "int64"]
    assert [one.is_number for one in graph.inputs] == [False, True]
    said = convcalc.analyze(Two(), input=["image=3x9x9", "rows=:int64"])
    assert (said.macs, said.output) == (convcalc.analyze(graph).macs, Shape(4, (7, 7)))
    found = convcalc.verify(graph)
    assert found.agrees
    assert [row.quantity for row in found.rows] == ["output elements", "params", "MACs"]


def test_inputs_in_a_container_cannot_be_made() -> None:
    model = Doing(lambda m, pair: m.conv(pair[0]) + pair[1], conv=torch.nn.Conv2d(2, 2, 1))
    graph = convcalc.from_torch(model, ([torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4)],))
    with pytest.raises(convcalc.ConvcalcError, match="parts of the arguments"):
        convcalc.verify(graph)


def test_a_model_that_does_not_run_is_quoted() -> None:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        if x.device.type == "cpu":
            raise RuntimeError("not today")
        y: torch.Tensor = m.conv(x)
        return y

    model = Doing(forward, conv=torch.nn.Conv2d(2, 2, 1))
    with pytest.raises(convcalc.ConvcalcError, match="the forward pass fails: RuntimeError: not t"):
        convcalc.verify(model, input="2x4x4")


def test_a_model_too_large_is_not_run_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.api.verify.models.MAX_MACS", 100)
    row = convcalc.verify(torch.nn.Conv2d(2, 2, 3), input="2x9x9").rows[-1]
    assert (row.quantity, row.verdict) == ("support", NOT_MEASURED)


NAMED = """
import torch
from torch import nn

class Plain(nn.Conv2d):
    def __init__(self):
        super().__init__(2, 4, 3)

class Constants(Plain):
    def forward(self, x):
        y = super().forward(x)
        return torch.cat([y, torch.zeros(1, 4, *y.shape[2:])], 1)
"""


def test_a_model_named_on_the_command_line_has_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was followed without them."""
    file = tmp_path / "plain_model.py"
    file.write_text(NAMED)
    for name in ("Plain", "Constants"):
        assert main(["verify", f"{file}:{name}", "--input", "2x9x9"]) == 0
        assert "support at the corner" in capsys.readouterr().out
