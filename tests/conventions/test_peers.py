"""Random networks, counted by the tools themselves, those of them that are installed."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.errors import ConvcalcError
from convcalc.graph import Graph
from convcalc.spec import Defaults, Tree, lower
from tests import needs
from tests.torch.strategies import networks

torch = pytest.importorskip("torch", reason="needs the extra torch")
nn = torch.nn

EXAMPLES = 25


def as_people_write(tree: Tree, shape: Any) -> Any:
    """The network's module with square kernels and scales in one number, padding='same' where
    torch can; None where `to_torch` needs layers more than people write, or none would run."""
    graph = lower(tree, Defaults())
    try:
        module = convcalc.to_torch(graph, input=shape)
        with torch.no_grad():
            module.eval()(torch.rand(2, shape.channels, *shape.spatial))
    except (ConvcalcError, RuntimeError, ValueError):
        return None
    if not _plain(graph, module):
        return None
    for child in module.modules():
        for field in ("kernel_size", "scale_factor"):
            values: Any = getattr(child, field, None)
            one = isinstance(values, tuple) and len(set(values)) == 1
            if one and not isinstance(child, (nn.modules.conv._ConvNd, nn.AvgPool1d)):
                setattr(child, field, values[0])
    return module


def _plain(graph: Graph, module: Any) -> bool:
    """Only layers that torch has: what is padded or cut beside them is counted with them."""
    for node, (_, child) in zip(graph.nodes, module.named_layers(), strict=True):
        if node.layer.word in ("convt", "maxpool", "avgpool") and isinstance(child, nn.Sequential):
            return False
        if node.layer.word in ("conv", "dw") and isinstance(child, nn.Sequential):
            layer: Any = node.layer
            if layer.padding in (None, "same", "tfsame") and set(layer.stride) == {1}:
                child[1].padding = "same"
                child[1]._reversed_padding_repeated_twice = [
                    n for pair in reversed(layer.sides(_shape_in(child))) for n in pair
                ]
                child[0] = nn.Identity()
    return True


def _shape_in(child: Any) -> Any:
    from convcalc.quantities import Shape

    return Shape(1, (1,) * len(child[1].kernel_size))  # `same` does not depend on the size


def _flop_counter(model: Any, data: Any) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(data)
    return int(counter.get_total_flops())


def _fvcore(model: Any, data: Any) -> int:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(model, data)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return int(analysis.total())


def _torchinfo(model: Any, data: Any) -> int:
    from torchinfo import summary

    return int(summary(model, input_data=data, verbose=0).total_mult_adds)


def _ptflops(backend: str) -> Callable[[Any, Any], int]:
    def run(model: Any, data: Any) -> int:
        from ptflops import get_model_complexity_info

        macs, _ = get_model_complexity_info(
            model, tuple(data.shape[1:]), as_strings=False, print_per_layer_stat=False,
            verbose=False, backend=backend,
        )  # fmt: skip
        return int(macs)

    return run


def _thop(model: Any, data: Any) -> int:
    from thop import profile

    return int(profile(model, inputs=(data,), verbose=False)[0])


def _torchprofile(model: Any, data: Any) -> int:
    from torchprofile import profile_macs

    macs: Any = profile_macs(model, data)
    return int(macs)


TOOLS: dict[str, tuple[str, Callable[[Any, Any], int]]] = {
    "torch": ("torch", _flop_counter),
    "fvcore": ("fvcore", _fvcore),
    "torchinfo": ("torchinfo", _torchinfo),
    "ptflops": ("ptflops", _ptflops("pytorch")),
    "ptflops-aten": ("ptflops", _ptflops("aten")),
    "thop": ("thop", _thop),
    "torchprofile": ("torchprofile", _torchprofile),
}
NEED_TORCHVISION = ("ptflops", "torchprofile")
"""They import it themselves, and not every build of it can be imported without help."""


def _installed(name: str) -> bool:
    package = TOOLS[name][0]
    return needs.installed(package) and (
        package not in NEED_TORCHVISION or needs.installed("torchvision")
    )


@pytest.mark.parametrize("name", TOOLS)
def test_the_tool_is_among_those_that_are_run(name: str) -> None:
    """One that is not installed is left out, and not silently."""
    if not _installed(name):
        pytest.skip(f"{TOOLS[name][0]} is not installed")


@settings(max_examples=EXAMPLES)
@given(st.integers(1, 3).flatmap(networks), st.integers(1, 2))
def test_tools_print_what_their_conventions_count(drawn: Any, batch: int) -> None:
    tree, shape = drawn
    module = as_people_write(tree, shape)
    assume(module is not None)
    data = torch.rand(batch, shape.channels, *shape.spatial)
    for name in filter(_installed, TOOLS):
        counted = convcalc.analyze(tree, input=shape, batch=batch, convention=name).flops
        assert (name, counted) == (name, _printed(name, deepcopy(module), data))


def _printed(name: str, module: Any, data: Any) -> int:
    """The number that a tool gives, without what it prints."""
    package, run = TOOLS[name]
    if package in NEED_TORCHVISION:
        from tests.torch.torchvision_shim import torchvision_models

        torchvision_models()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            return run(module, data)
        finally:
            logging.disable(logging.NOTSET)
