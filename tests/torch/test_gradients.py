"""Derivatives within a forward pass: counted where torch.func's operators show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

import convcalc
from tests.torch.small import Doing, example

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # jvp

CONVS = nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1), nn.SiLU(), nn.Conv2d(4, 4, 3, 2, 1, groups=2), nn.ReLU(),
    nn.ConvTranspose2d(4, 2, 2, 2), nn.Softmax(1),
)  # fmt: skip
LINEAR = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3), nn.LogSoftmax(-1))

DERIVATIVES: dict[str, tuple[nn.Module, Callable[[nn.Module, Tensor], Tensor]]] = {
    "grad": (CONVS, lambda m, x: torch.func.grad(lambda y: m(y).square().sum())(x)),
    "vjp": (CONVS, lambda m, x: torch.func.vjp(m, x)[1](x)[0]),
    "jvp": (CONVS, lambda m, x: torch.func.jvp(m, (x,), (torch.ones_like(x),))[1]),
    "jacobian": (LINEAR, lambda m, x: torch.func.jacrev(m)(x[0, 0, 0])),
    "hessian": (LINEAR, lambda m, x: torch.func.hessian(lambda y: m(y).sum())(x[0, 0, 0])),
}


class Counted(TorchDispatchMode):
    """Adds up the FLOPs of operators; FlopCounterMode itself fails within torch.func.grad."""

    flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or it imports torch's compiler

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.flops += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_of_torch_func_are_counted(name: str) -> None:
    inside, function = DERIVATIVES[name]
    model = Doing(lambda m, x: function(m.inside, x), inside=inside)
    report = convcalc.analyze(model, input="2x6x6")
    with Counted() as counted:
        output = model(example("2x6x6"))
    assert report.complete
    assert report.macs == counted.flops // 2 > 0
    assert report.params == sum(p.numel() for p in model.parameters())
    if name in ("grad", "vjp", "jvp"):
        assert (report.output.channels, *report.output.spatial) == output.shape[1:]


def test_autograd_is_named_as_not_counted() -> None:
    def force(m: Any, x: Tensor) -> Any:
        with torch.enable_grad():
            x = x.requires_grad_()
            return torch.autograd.grad([m.conv(x).sum()], [x])[0] + x

    report = convcalc.analyze(Doing(force, conv=nn.Conv2d(2, 4, 3)), input="2x6x6")
    assert not report.complete
    assert "torch.autograd.grad (test_gradients.py" in report.unknown[0]
    assert report.macs == 4 * 16 * 18


def test_forward_mode_is_named_as_not_counted() -> None:
    def slope(m: Any, x: Tensor) -> Any:
        with forward_ad.dual_level():
            return forward_ad.unpack_dual(m.conv(forward_ad.make_dual(x, x.clone()))).tangent

    report = convcalc.analyze(Doing(slope, conv=nn.Conv2d(2, 4, 3)), input="2x6x6")
    assert "a forward-mode derivative" in report.unknown[0]


def test_backward_is_refused() -> None:
    def force(m: Any, x: Tensor) -> Any:
        with torch.enable_grad():
            m.conv(x).sum().backward()
            return x.grad

    with pytest.raises(convcalc.ConvcalcError, match=r"calls backward\(\)") as refused:
        convcalc.analyze(Doing(force, conv=nn.Conv2d(2, 4, 3)), input="2x6x6")
    assert "torch.func.grad" in str(refused.value.hint)
