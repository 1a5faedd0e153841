"""What is counted: one exact operation vector and the kind of layer in, each tool's number out.

A MAC is the same everywhere; FLOPs are not, so they are never printed without the name of their
convention. The first three count by the operation vector alone. The others reproduce, right or
wrong, what a tool prints for the torch module of the same network; their rules stand in
`conventions.tools`, each read off the source that is named here and held against what the tool
printed. They are loaded when one of them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convcalc.errors import OptionError, nearest, shorten
from convcalc.layers import Layer
from convcalc.layers.base import Call
from convcalc.quantities import OpCounts, Shape

if TYPE_CHECKING:
    from convcalc.conventions.steps import Step, Term

DEFAULT = "convcalc"

Counter = Callable[[Layer, Sequence[Shape], Shape, OpCounts, int, Call | None], int]
"""From a layer, its inputs, its output, its operations for one sample, the samples, and how a torch
model calls it."""


class Convention(NamedTuple):
    """A way to count, in words; `vector` where the operation vector is enough to know."""

    name: str
    meaning: str
    word: str = "FLOPs"
    """What the tool calls its number."""
    source: str = ""
    """Where its rules stand: repository, file, version."""
    rests_on: str = ""
    """What it rests on, where that is less than the tool's own numbers."""
    vector: Callable[[OpCounts], int] | None = None

    def counter(self) -> Counter:
        """The function that counts a layer."""
        if self.vector is not None:
            vector = self.vector
            return lambda _layer, _inputs, _output, ops, batch, _call: vector(ops) * batch
        from convcalc.conventions.steps import Step, total
        from convcalc.conventions.tools import TOOLS

        tool = TOOLS[self.name]
        return lambda *step: total(tool, Step(*step))

    def terms(self, step: Step) -> tuple[Term, ...]:
        """What this convention's number is more or less than the layer's MACs, and why."""
        from convcalc.conventions.steps import terms, vector_terms
        from convcalc.conventions.tools import TOOLS

        if self.vector is not None:
            return vector_terms(self.name, step)
        return terms(TOOLS[self.name], step)


_FVCORE = "facebookresearch/fvcore fvcore/nn/jit_handles.py, flop_count.py 0.1.5.post20221221"
_PTFLOPS = "sovrasov/flops-counter.pytorch ptflops/{}.py 0.7.5"
_CALFLOPS = "MrYxJ/calculate-flops.pytorch calflops/pytorch_ops.py 0.3.2"
_DEEPSPEED = "microsoft/DeepSpeed deepspeed/profiling/flops_profiler/profiler.py 0.16.5"
_TORCHSCAN = "frgfm/torch-scan torchscan/modules/{}.py 0.2.0"

CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "convcalc",
            "2 x MACs + every other operation (bias, norm, activation, pooling, merge)",
            vector=lambda ops: 2 * ops.macs + ops.others,
        ),
        Convention(
            "macs",
            "one FLOP a MAC, nothing else, as most papers' tables",
            "MACs",
            vector=lambda ops: ops.macs,
        ),
        Convention(
            "torch",
            "2 x MACs, nothing else, as torch.utils.flop_counter.FlopCounterMode",
            source="pytorch/pytorch torch/utils/flop_counter.py 2.13",
            vector=lambda ops: 2 * ops.macs,
        ),
        Convention(
            "fvcore",
            "MACs, norms, 2-D upsampling and 2-D global pooling, as FlopCountAnalysis",
            source=_FVCORE,
        ),
        Convention(
            "ptflops",
            "MACs, biases, norms; activations, pools and upsampling mostly twice, one sample",
            "Mac",
            _PTFLOPS.format("pytorch_ops"),
        ),
        Convention(
            "ptflops-aten",
            "MACs and biases, one sample, as ptflops with backend='aten'",
            "Mac",
            _PTFLOPS.format("aten_ops"),
        ),
        Convention(
            "thop",
            "MACs, norms, average pools, linear upsampling, softmax, as thop.profile",
            "MACs",
            "ultralytics/thop thop/vision/basic_hooks.py, calc_func.py 2.2.3",
        ),
        Convention(
            "torchinfo",
            "each learned number once a sample, a convolution's once an output position",
            "mult-adds",
            "TylerYep/torchinfo torchinfo/layer_info.py 1.8.0",
        ),
        Convention(
            "torchprofile",
            "MACs, norms, average pools, bilinear upsampling and products, as profile_macs",
            "MACs",
            "zhijian-liu/torchprofile torchprofile/handlers.py 0.1.0",
        ),
        Convention(
            "calflops",
            "2 x MACs, convolutions' biases, norms, activations, pools, as calculate_flops",
            source=_CALFLOPS,
        ),
        Convention("calflops-macs", "the MACs of calflops, as calculate_flops", "MACs", _CALFLOPS),
        Convention(
            "deepspeed",
            "2 x MACs, convolutions' biases, norms, activations, pools, as get_model_profile",
            source=_DEEPSPEED,
        ),
        Convention(
            "deepspeed-macs", "the MACs of DeepSpeed, as get_model_profile", "MACs", _DEEPSPEED
        ),
        Convention(
            "torchscan",
            "2 a MAC less one an output, biases, some activations, pools and norms",
            source=_TORCHSCAN.format("flops"),
        ),
        Convention(
            "torchscan-macs",
            "the MACs of torch-scan, with batch norm and pools",
            "MACs",
            _TORCHSCAN.format("macs"),
        ),
        Convention(
            "flopth",
            "MACs, convolutions' biases, norms, 2-D pools, some activations, one sample",
            source="vra/flopth flopth/helper.py 0.1.6",
        ),
        Convention(
            "timm",
            "as fvcore, which timm's published GMACs are counted by",
            "MACs",
            "huggingface/pytorch-image-models benchmark.py, profile_fvcore",
            "its source: benchmark.py asks fvcore (or DeepSpeed, where that is installed)",
        ),
        Convention(
            "tf-profiler",
            "2 x MACs, biases, pools, softmax and merges, as tf.compat.v1.profiler",
            source="tensorflow/tensorflow python/profiler/internal/flops_registry.py, "
            "python/ops/nn_ops.py",
            rests_on="its source, not its numbers: every layer is taken as TensorFlow's own "
            "operation of that name, norms and activations have none with a rule",
        ),
        Convention(
            "flax",
            "2 x valid MACs and the other operations but exp, log and the like, as XLA counts",
            source="google/flax flax/linen/summary.py 0.12.8, jax 0.10.2 on a CPU",
            rests_on="its numbers for single layers of flax.linen; upsampling, local response "
            "norm, mish and merges by the operation vector",
        ),
    )
}


def convention(name: str) -> Convention:
    """The convention of that name.

    Raises:
        OptionError: there is none.
    """
    if name not in CONVENTIONS:
        found = nearest(name, list(CONVENTIONS))
        raise OptionError(
            f"unknown convention {shorten(name, 20)!r}: expected one of {', '.join(CONVENTIONS)}",
            hint=f"did you mean {found!r}?" if found else None,
        )
    return CONVENTIONS[name]
