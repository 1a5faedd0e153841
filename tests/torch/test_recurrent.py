"""Recurrent layers against their own formulas, run step by step."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import convcalc
from tests.torch.small import Doing, torch_macs

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


class Unrolled(nn.Module):
    """The same weights, one step after the other, as torch's documentation writes them."""

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self.of = layers

    def direction(self, x: Tensor, layer: int, suffix: str) -> Tensor:
        weight = {name: getattr(self.of, f"{name}_l{layer}{suffix}") for name in
                  ("weight_ih", "weight_hh")}  # fmt: skip
        projection = getattr(self.of, f"weight_hr_l{layer}{suffix}", None)
        outputs = []
        hidden = x.new_zeros(x.shape[0], weight["weight_hh"].shape[1])
        for step in range(x.shape[1]):
            gates = F.linear(x[:, step], weight["weight_ih"])
            gates = gates + F.linear(hidden, weight["weight_hh"])
            hidden = gates[:, : self.of.hidden_size]  # which gate it is matters to no count
            if projection is not None:
                hidden = F.linear(hidden, projection)
            outputs.append(hidden)
        return torch.stack(outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in range(self.of.num_layers):
            both = ["", "_reverse"] if self.of.bidirectional else [""]
            x = torch.cat([self.direction(x, layer, suffix) for suffix in both], -1)
        return x


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(
    ("layers", "both", "bias"), list(product([1, 3], [False, True], [False, True]))
)
def test_layers(kind: str, layers: int, both: bool, bias: bool) -> None:
    options = {"bias": bias, "batch_first": True, "bidirectional": both}
    inside = getattr(nn, kind)(7, 5, layers, **options)
    model = Doing(lambda m, x: m.inside(x.mT)[0], inside=inside)
    report = convcalc.analyze(model, input="7x6")  # a sequence of 6 steps
    assert report.macs == torch_macs(Unrolled(inside), torch.rand(1, 6, 7))
    assert report.params == sum(p.numel() for p in inside.parameters())
    assert report.operations.bias_adds == (
        2 * GATES[kind] * 5 * 6 * layers * (1 + both) if bias else 0
    )
    assert report.output.elements == 6 * 5 * (1 + both)
    assert (report.complete, report.receptive_field.is_global) == (True, True)


@pytest.mark.parametrize("both", [False, True])
def test_projections(both: bool) -> None:
    inside = nn.LSTM(7, 5, 2, batch_first=True, proj_size=3, bidirectional=both)
    model = Doing(lambda m, x: m.inside(x.mT), inside=inside)
    report = convcalc.analyze(model, input="7x6")
    assert report.macs == torch_macs(Unrolled(inside), torch.rand(1, 6, 7))
    assert report.params == sum(p.numel() for p in inside.parameters())


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_states_have_torchs_sizes() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        found, (hidden, cell) = m.inside(x.transpose(1, 2))
        assert (found.shape, hidden.shape, cell.shape) == ((1, 6, 6), (4, 1, 3), (4, 1, 5))
        return m.other(found)[1]

    model = Doing(forward, inside=nn.LSTM(7, 5, 2, batch_first=True, proj_size=3,
                                          bidirectional=True), other=nn.GRU(6, 2))  # fmt: skip
    model(torch.rand(1, 7, 6))
    assert convcalc.analyze(model, input="7x6").complete


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells(kind: str) -> None:
    model = Doing(lambda m, x: m.cell(x), cell=getattr(nn, kind)(7, 5))
    report = convcalc.analyze(model, input="7")
    assert report.macs == torch_macs(model, torch.rand(1, 7)) == GATES[kind[:-4]] * 5 * 12
    assert report.params == sum(p.numel() for p in model.parameters())
    assert report.complete


@pytest.mark.parametrize("batch_first", [True, False])
def test_lengths_from_the_input_may_be_the_longest(batch_first: bool) -> None:
    def forward(m: Any, x: Tensor, lengths: Tensor) -> Any:
        x = x if batch_first else x.transpose(0, 1)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first, enforce_sorted=False)
        return pad_packed_sequence(m.inside(packed)[0], batch_first=True)[0]

    model = Doing(forward, inside=nn.GRU(7, 5, batch_first=batch_first))
    given = (torch.rand(3, 6, 7), torch.tensor([6, 6, 6]))
    report = convcalc.analyze(convcalc.from_torch(model, given))
    assert report.complete
    assert report.macs == 3 * 6 * 3 * 5 * 12
    assert model(*given).shape == (3, 6, 5)
    assert (report.output.channels, *report.output.spatial) == (6, 5)


@pytest.mark.parametrize("lengths", [(4, 2), (4, 1)])
def test_packed_sequences_count_the_steps_they_have(lengths: tuple[int, int]) -> None:
    """Steps that the samples do not have alike are counted with all samples together."""

    def forward(m: Any, x: Tensor) -> Any:
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True)
        out, _ = pad_packed_sequence(m.inside(packed)[0], batch_first=True)
        return out

    model = Doing(forward, inside=nn.LSTM(7, 5, batch_first=True))
    x = torch.rand(2, 6, 7)
    assert model(x).shape == (2, 4, 5)
    report = convcalc.analyze(convcalc.from_torch(model, x))
    assert report.complete
    assert report.macs == sum(lengths) * 4 * 5 * 12
    assert report.batch == (2 if sum(lengths) % 2 == 0 else 1)
