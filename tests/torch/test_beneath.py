"""Scripted and traced code, vmap and other transforms: followed by the operators they run."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from convcalc.torch_bridge.importing.beneath import Beneath
from tests.torch.small import Doing, conv, example, torch_macs

pytestmark = pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated, and in many models


class Scripted(nn.Module):
    """Operators that decompose into others than Python's functions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.gn = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.GroupNorm(2, 8)
        self.fc, self.ln = nn.Linear(8, 8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.register_buffer("table", torch.rand(4, 4))
        self.register_buffer("places", torch.tensor([0, 2]))
        self.table: Tensor
        self.places: Tensor

    def forward(self, x: Tensor) -> Tensor:
        x = self.gn(F.relu6(self.bn(self.conv(x)), True))
        x = F.adaptive_avg_pool2d(F.max_pool2d(x, 2), (2, 2))
        x = F.pad(F.pad(x, [1, 1, 1, 1]), [1, 1, 0, 0], mode="reflect")
        x = F.pad(x, [1, 0, 0, 0], mode="replicate")
        x = F.gelu(F.interpolate(x, scale_factor=2.0, mode="bilinear"))
        tokens = self.ln(self.fc(x.flatten(2).transpose(1, 2)))
        tokens = F.scaled_dot_product_attention(tokens, tokens.log_softmax(-1), tokens)
        tokens = self.attention(tokens, tokens, tokens)[0]
        out: Tensor = tokens[:, :4].chunk(2, -1)[0] + self.table[self.places].mean()
        return out


def scripted(module: nn.Module) -> Any:
    return torch.jit.script(module)


def traced(module: nn.Module) -> Any:
    return torch.jit.trace(module, example("3x12x12"), check_trace=False)


@pytest.mark.parametrize(("make", "inside"), [(scripted, False), (traced, True)])
def test_a_module_is_followed_by_its_operators(make: Any, inside: bool) -> None:
    plain = Scripted().eval()
    module = make(plain)
    model = nn.Sequential(nn.Identity(), module) if inside else module
    report = convcalc.analyze(model, input="3x12x12")
    assert report.complete
    assert report.macs == torch_macs(plain, example("3x12x12"))
    assert report.params == sum(p.numel() for p in plain.parameters())
    assert report.output == convcalc.Shape(4, (4,))
    names = [layer.name for layer in report.layers]
    prefix = "1." if inside else ""
    assert {f"{prefix}conv", f"{prefix}bn", f"{prefix}fc"} <= set(names)
    model(example("3x12x12"))  # still runs


def test_fields_go_through_scripted_modules() -> None:
    plain = nn.Sequential(conv(padding=1, stride=2), nn.ReLU(), nn.MaxPool2d(2), conv(8, 4))
    there = convcalc.analyze(torch.jit.script(plain), input="3x16x16")
    here = convcalc.analyze(plain, input="3x16x16")
    assert there.receptive_field == here.receptive_field
    assert (there.flops, there.valid_macs) == (here.flops, here.valid_macs)


def test_a_frozen_module_has_no_parameters_left() -> None:
    frozen = torch.jit.freeze(torch.jit.script(Scripted().eval()))
    report = convcalc.analyze(frozen, input="3x12x12")
    assert (report.params, report.complete) == (0, True)
    assert report.macs == torch_macs(Scripted(), example("3x12x12"))


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > 0):
            x = x + 1
        return x


def test_a_scripted_branch_on_values_is_an_error_of_its_own() -> None:
    with pytest.raises(
        convcalc.ConvcalcError, match="depends on the values of its input"
    ) as raised:
        convcalc.analyze(torch.jit.script(Branches()), input="3x8x8")
    assert "TorchScript" not in str(raised.value)


class Misfit(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.matmul(x, x.flatten(1))


def test_an_error_of_scripted_code_is_quoted() -> None:
    with pytest.raises(convcalc.ConvcalcError, match="RuntimeError: mat1 and mat2 shapes"):
        convcalc.analyze(torch.jit.script(Misfit()), input="3x8x8")


def multiplied(x: Tensor, y: Tensor) -> Tensor:
    return torch.matmul(x, y)


def ensemble(model: Any, x: Tensor) -> Any:
    """Models of one shape at once, their weights stacked."""
    weights, buffers = torch.func.stack_module_state(list(model.members))

    def one(weights: Any, buffers: Any, x: Tensor) -> Any:
        return torch.func.functional_call(model.members[0], (weights, buffers), (x,))

    return torch.func.vmap(one, in_dims=(0, 0, None))(weights, buffers, x)


def alone(model: Any, x: Tensor) -> Any:
    """A convolution of each channel."""
    return torch.vmap(model.conv, in_dims=1, out_dims=1)(x.unsqueeze(2)).sum(1)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    FUNCTION = torch.jit.script(multiplied)
MEMBERS = nn.ModuleList(nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(48, 4))
                        for _ in range(3))  # fmt: skip
CALLS: dict[str, tuple[nn.Module, tuple[int | None, ...]]] = {
    "a scripted function": (Doing(lambda m, x: FUNCTION(m.conv(x), x), conv=conv(2, 2)),
                            (None, None)),
    "it alone": (Doing(lambda _, x: FUNCTION(x, x)), (None, None)),
    "vmap": (Doing(lambda _, x: torch.vmap(lambda one: one @ one)(x)), (None, None)),
    "a convolution in vmap": (Doing(lambda m, x: torch.vmap(m.conv)(x[None])[0], conv=conv(2, 2)),
                              (3, 3)),
    "a scripted function in vmap": (Doing(lambda _, x: torch.vmap(lambda a: FUNCTION(a, a))(x)),
                                    (None, None)),
    "each channel": (Doing(alone, conv=conv(1, 2)), (3, 3)),
    "an ensemble": (Doing(ensemble, members=MEMBERS), (None, None)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_transforms_and_scripted_functions_have_figures(name: str) -> None:
    model, field = CALLS[name]
    report = convcalc.analyze(model, input="2x6x6")
    output = model(example("2x6x6"))
    assert report.complete
    assert report.macs == torch_macs(model, example("2x6x6")) > 0
    assert report.params == sum(p.numel() for p in model.parameters())
    assert (report.output.channels, *report.output.spatial) == tuple(output.shape[1:]) or (
        name == "an ensemble"  # whose first axis is the members'
    )
    assert report.receptive_field.size == field


def test_an_operator_without_handler_is_named() -> None:
    model = Doing(lambda m, x: torch.func.grad(lambda a: m.pool(a).sum())(x), pool=nn.MaxPool2d(2))
    report = convcalc.analyze(model, input="2x6x6")
    assert not report.complete
    assert any("max_pool2d_with_indices_backward" in where for where in report.unknown)


def test_the_mode_beneath_does_not_import_the_compiler() -> None:
    """torch wraps a mode, at its first call, by what it imports its compiler for."""
    assert not hasattr(Beneath.__torch_dispatch__, "__wrapped__")


def test_what_nobody_shows_is_unknown_work() -> None:
    def hidden(_: Any, x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            return x @ x.mT

    report = convcalc.analyze(Doing(hidden), input="2x6x6")
    assert not report.complete
    assert "work that torch does not report" in report.unknown[0]
    assert "test_beneath.py" in report.unknown[0]
