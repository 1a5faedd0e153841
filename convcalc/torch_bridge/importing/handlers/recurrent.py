"""Recurrent layers and cells: the products of every step, whatever kernel torch fuses them into.

One step of a cell with G gates multiplies the input and the hidden state by G matrices each; a
projection multiplies the hidden state once more (LSTM with proj_size). Biases, gates and the update
are counted one by one, as the formulas in torch's documentation have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import _VF, Tensor

from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing.handlers.common import HANDLERS, handles, parted, value_of
from convcalc.torch_bridge.importing.layout import vector_dims
from convcalc.torch_bridge.importing.recorder import Handler, Recorder


class Cell(NamedTuple):
    """A kind of recurrent cell."""

    gates: int
    functions: int
    """Sigmoids and hyperbolic tangents per hidden unit and step, one operation each."""
    multiplies: int
    adds: int
    """Of the update, per hidden unit and step."""


CELLS = {
    "lstm": Cell(4, 5, 3, 1),  # i, f, g, o and tanh(c); f*c + i*g, o*tanh(c)
    "gru": Cell(3, 3, 3, 3),  # r, z, n; r*(...), (1-z)*n + z*h
    "rnn_tanh": Cell(1, 1, 0, 0),
    "rnn_relu": Cell(1, 1, 0, 0),
}


def step_counts(name: str, inputs: int, hidden: int, projected: int, biases: int) -> OpCounts:
    """The cost of one step of one sample.

    Args:
        inputs: input features.
        hidden: hidden units.
        projected: units after the projection; equal to `hidden` without one.
        biases: bias vectors of `gates * hidden`: 2, or 0.
    """
    cell = CELLS[name]
    taps = cell.gates * hidden * (inputs + projected)
    if projected != hidden:
        taps += hidden * projected
    return OpCounts(
        taps, taps, bias_adds=biases * cell.gates * hidden, multiplies=cell.multiplies * hidden,
        adds=cell.adds * hidden + cell.gates * hidden, transcendentals=cell.functions * hidden,
    )  # fmt: skip


def _layered(name: str) -> Handler:
    """One or more layers, possibly bidirectional, over a sequence or packed sequences."""

    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        packed = isinstance(args[0], Tensor) and isinstance(args[2], (tuple, list))
        if packed:  # data, batch_sizes, hx, params, has_biases, layers, dropout, train, both
            batch_sizes, hx, params, has_biases, layers, _, _, both = args[:8]
        else:  # input, hx, params, has_biases, layers, dropout, train, both, batch_first
            hx, params, has_biases, layers, _, _, both = args[:7]
        first = hx[0] if isinstance(hx, (tuple, list)) else hx
        hidden = int(params[0].shape[0]) // CELLS[name].gates
        out_units = int(first.shape[-1])
        directions = 2 if both else 1
        steps = _steps(input)
        if packed and not rec.together:  # counts are of one sample
            steps, left = divmod(steps, int(batch_sizes[0]))
            if left:
                rec.note_unknown(f"{name} over packed sequences of different lengths")
        counts = OpCounts()
        features = int(input.shape[-1])
        for _ in range(int(layers)):
            each = step_counts(name, features, hidden, out_units, 2 if has_biases else 0)
            counts = counts + each * (steps * directions)
            features = out_units * directions
        given = [input, *(hx if isinstance(hx, (tuple, list)) else [hx])]
        sources, others = parted(rec, given)
        size = (*tuple(map(int, input.shape[:-1])), out_units * directions)
        out = rec.traced(name, sources, vector_dims(size), counts, weights=[*params, *others],
                         dtype=input.dtype)  # fmt: skip
        states = [int(layers) * directions, *map(int, first.shape[1:])]
        last = _state(rec, out, states)
        if name != "lstm":
            return out, last
        return out, last, _state(rec, out, [*states[:-1], hidden])

    return handler


def _steps(input: Tensor) -> int:
    """The number of steps over all samples."""
    steps = 1
    for n in input.shape[:-1]:
        steps *= int(n)
    return steps


def _state(rec: Recorder, out: Tensor, size: Sequence[int]) -> Tensor:
    return rec.traced("state", [value_of(rec, out)], vector_dims(size), dtype=out.dtype,
                      moves_data=False)  # fmt: skip


for _name in CELLS:
    HANDLERS[getattr(_VF, _name)] = _layered(_name)
    HANDLERS[getattr(torch, _name)] = _layered(_name)


def _cell(name: str) -> Handler:
    def handler(
        rec: Recorder, input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor,
        b_ih: Tensor | None = None, b_hh: Tensor | None = None,
    ) -> Any:  # fmt: skip
        states = list(hx) if isinstance(hx, (tuple, list)) else [hx]
        hidden = int(w_hh.shape[1])
        biases = sum(bias is not None for bias in (b_ih, b_hh))
        counts = step_counts(name, int(input.shape[-1]), hidden, hidden, biases) * _steps(input)
        sources, others = parted(rec, [input, *states])
        weights = [w for w in (w_ih, w_hh, b_ih, b_hh) if w is not None]
        size = tuple(map(int, states[0].shape))
        out = rec.traced(f"{name} cell", sources, vector_dims(size), counts,
                         weights=[*weights, *others], dtype=input.dtype)  # fmt: skip
        return (out, _state(rec, out, size)) if name == "lstm" else out

    return handler


for _name, _function in (("lstm", "lstm_cell"), ("gru", "gru_cell"),
                         ("rnn_tanh", "rnn_tanh_cell"), ("rnn_relu", "rnn_relu_cell")):  # fmt: skip
    HANDLERS[getattr(_VF, _function)] = _cell(_name)
    HANDLERS[getattr(torch, _function)] = _cell(_name)


@handles(torch._pack_padded_sequence)
def _pack(rec: Recorder, input: Tensor, lengths: Tensor, batch_first: bool) -> Any:
    """Pack samples of different lengths; lengths that are an input may be the longest possible."""
    if rec.value(lengths) is not None or lengths.is_meta:
        samples, steps = input.shape[:2] if batch_first else (input.shape[1], input.shape[0])
        lengths = torch.tensor([int(steps)] * int(samples))
    total = int(lengths.sum())
    longest = int(lengths.max())
    batch_sizes = torch.tensor([int((lengths > step).sum()) for step in range(longest)])
    size = (total, *tuple(map(int, input.shape[2:])))
    out = rec.traced("pack", [value_of(rec, input)], vector_dims(size), moves_data=False)
    return out, rec.made(batch_sizes)


@handles(torch._VF._pad_packed_sequence)
def _unpack(rec: Recorder, data: Tensor, batch_sizes: Tensor, batch_first: bool,
            padding_value: float, total_length: int) -> Any:  # fmt: skip
    longest = max(int(batch_sizes.numel()), int(total_length or 0))
    batch = int(batch_sizes[0])
    rest = tuple(map(int, data.shape[1:]))
    size = (batch, longest, *rest) if batch_first else (longest, batch, *rest)
    out = rec.traced("unpack", [value_of(rec, data)], vector_dims(size))
    lengths = [int((batch_sizes > sample).sum()) for sample in range(batch)]
    return out, rec.made(torch.tensor(lengths))
