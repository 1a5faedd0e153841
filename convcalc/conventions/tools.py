"""The table of the tools: what each counts, read off its source, named in `conventions`.

A network is taken as its torch modules: `3x3` as nn.Conv2d(..., padding=1), `maxpool3x3` as
nn.MaxPool2d(3), `up2` as nn.Upsample(scale_factor=2), a merge as + and *. Padding that torch cannot
write as a number (an even kernel's `same` at stride 1) is padding='same'; other padding that
differs before and after is a layer of its own before a convolution without.

    transposed  at its output (o), with all groups' channels (a), its groups divided out twice (g)
    same        padding='same' of even kernels: no rule (0), one row and column too few (-)

             per MAC  bias        transposed  same  batch
    fvcore         1  -           .           0     all
    ptflops        1  all         .           .     one sample
    thop           1  -           .           .     all
    torchinfo      1  all         o           .     all
    torchprofile   1  -           o, a        0     all
    calflops       2  convs'      g           -     all
    deepspeed      2  convs'      g           -     all
    torchscan      2  all         o           .     all
    flopth         1  convs'      o           .     one sample
    tf-profiler    2  all         o / stride  .     all
    flax           2  all         valid taps  .     all
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from convcalc.conventions.steps import CONVOLUTIONS, By, Each, Seen, Step, Tool
from convcalc.errors import LayerError, SymbolError
from convcalc.layers.grids import Resize
from convcalc.layers.padding import valid_taps
from convcalc.quantities import exact_quotient, floor_quotient, is_number, same_size

AT_OUTPUT = "counts transposed convolutions at their output"
NO_SAME = "no rule for padding='same'"
NO_WORD = "no rule for padding given as a word"
SHORT_SAME = "takes padding='same' of an even kernel as 1 row and column less"


# Convolutions


def _kernel(step: Step) -> int:
    return prod(step.get("kernel_size"))


def _is_same(step: Step) -> bool:
    """Can torch write this layer's padding only as 'same'?"""
    sides = step.get("sides")(step.inputs[0])
    return (
        step.get("padding") in (None, "same", "tfsame")
        and set(step.get("stride")) == {1}
        and any(before != after for before, after in sides)
    )


def _no_same(step: Step) -> Seen:
    if step.call is not None:  # a followed model's padding is what its code says
        return ((NO_WORD, 0),) if isinstance(step.get("padding"), str) else ()
    return ((NO_SAME, 0),) if _is_same(step) else ()


def _once_a_sample(step: Step) -> Seen:
    """torchinfo counts a linear layer's weights once a sample, at however many positions it is."""
    positions = floor_quotient(step.macs, _weights(step)) if step.macs else 1
    if same_size(positions, step.batch):
        return ()
    return (("counts a linear layer once a sample", _weights(step) * step.batch),)


def _bias_a_sample(step: Step) -> int:
    return exact_quotient(step.biases, step.output.positions)


def _weights(step: Step) -> int:
    """The weights of a linear layer."""
    return exact_quotient(step.macs, step.output.positions * step.batch)


def _no_3d(step: Step) -> Seen:
    return (("no rule for 3-D convolutions", 0),) if step.output.rank == 3 else ()


def _valid(step: Step) -> Seen:
    taps = step.operations.valid_taps
    if taps is None:
        raise SymbolError("products with padding depend on the sizes: they must be numbers")
    return (("leaves out products with padding", taps * step.batch),)


def _at_output(step: Step) -> Seen:
    """The kernel is applied at each position that comes out, not at each that goes in."""
    (shape,) = step.inputs
    pairs = exact_quotient(shape.channels, step.get("groups")) * step.output.channels
    return ((AT_OUTPUT, pairs * _kernel(step) * step.output.positions * step.batch),)


def _by_weight_shape(step: Step) -> Seen:
    """torchprofile takes a weight whose first size is the output's channels for a convolution's."""
    (shape,) = step.inputs
    groups, outputs = step.get("groups"), step.output.channels
    numeric = is_number(shape.channels) and is_number(outputs)
    equal = same_size(shape.channels, outputs)
    if groups == 1 or equal:
        return _at_output(step)
    if not numeric:
        raise SymbolError(
            "torchprofile counts a grouped transposed convolution by whether its channels "
            f"in and out are equal: {shape.channels} and {outputs} must be numbers"
        )
    everything = shape.channels * _kernel(step) * step.written
    return (*_at_output(step), ("and with all groups' channels", everything))


def _groups_twice(step: Step) -> Seen:
    """calflops and DeepSpeed divide what is already a group's share of the outputs by the groups,
    rounding down."""
    (shape,) = step.inputs
    groups = step.get("groups")
    if groups == 1:
        return ()
    share = floor_quotient(exact_quotient(step.output.channels, groups), groups)
    seen = _kernel(step) * shape.channels * share * shape.positions * step.batch
    return (("divides transposed convolutions by their groups twice", seen),)


def _patched_sizes(step: Step) -> list[int]:
    """The output sizes as calflops and DeepSpeed work them out: by the formula of a convolution,
    also of a transposed one, with the smaller half of the padding on both sides."""
    (shape,) = step.inputs
    axes = zip(
        shape.spatial,
        step.get("sides")(shape),
        step.get("kernel_size"),
        step.get("stride"),
        step.get("dilation"),
        strict=True,
    )
    return [
        floor_quotient(size + 2 * before - dilation * (kernel - 1) - 1, stride) + 1
        for size, (before, _), kernel, stride, dilation in axes
    ]


def _short_same(step: Step) -> Seen:
    if not _is_same(step):
        return ()
    positions = prod(_patched_sizes(step))
    pairs = exact_quotient(step.macs, step.output.positions)
    return ((SHORT_SAME, pairs * positions),)


def _patched_bias(step: Step) -> int:
    if step.word in CONVOLUTIONS and not _is_same(step):
        return step.biases
    share = step.get("groups") if step.word == "convt" else 1
    channels = exact_quotient(step.output.channels, share)
    return channels * prod(_patched_sizes(step)) * step.batch


def _biases(step: Step) -> int:
    return step.biases


def _tf_transposed(step: Step) -> Seen:
    """Conv2DBackpropInput: the output's positions, divided by the strides."""
    if step.output.rank == 3:
        return _no_3d(step)
    ((reason, at_output),) = _at_output(step)
    return ((f"{reason}, divided by their strides",
             exact_quotient(at_output, prod(step.get("stride")))),)  # fmt: skip


# Pools, upsampling, norms


def _padded(step: Step) -> list[int]:
    """The sizes that an average pool moves over."""
    (shape,) = step.inputs
    return [
        size + before + after
        for size, (before, after) in zip(shape.spatial, step.get("sides")(shape), strict=True)
    ]


def _windows(step: Step) -> int:
    """Elements that average windows see, their padding included, and a division for each."""
    shape, (kernel, stride) = step.inputs[0], (step.get("kernel_size"), step.get("stride"))
    if not is_number(shape.elements):
        return _kernel(step) * step.written + step.written
    seen = [
        valid_taps(size, k, s, 1, 0, count)
        for size, k, s, count in zip(
            _padded(step), kernel, stride, step.output.spatial, strict=True
        )
    ]
    return shape.channels * prod(seen) * step.batch + step.written


def _one_side(step: Step) -> int:
    """torchscan takes the one number of a square kernel for its area."""
    kernel: tuple[int, ...] = step.get("kernel_size")
    return kernel[0] if len(set(kernel)) == 1 else prod(kernel)


def _scales(step: Step, tool: str) -> tuple[int, ...]:
    """The scale of an upsampling, in one number where it is one.

    Raises:
        LayerError: the tool fails on a scale for each axis.
    """
    scales: tuple[int, ...] = step.get("scale_factor")
    if len(set(scales)) > 1 and len(scales) != step.batch:
        raise LayerError(f"{tool} fails on a scale for each axis (TypeError)")
    return scales


def _calflops_up(step: Step) -> int:
    if isinstance(step.layer, Resize):  # the sizes that it was given
        return step.output.positions
    _scales(step, "calflops")
    return step.read


def _deepspeed_up(step: Step) -> int:
    if isinstance(step.layer, Resize):
        return step.output.positions
    scales = _scales(step, "DeepSpeed")
    factor: int = prod(scales) if len(set(scales)) > 1 else scales[0] ** step.batch
    return step.read * factor


def _neighbours(step: Step) -> int:
    """Local response norm is a square, an average pool over padded channels, a product, a sum."""
    padded: int = step.inputs[0].channels + step.get("channels") - 1
    return 3 * step.read + padded * step.output.positions * step.batch


def _others(step: Step) -> int:
    """Every operation of the vector but transcendental ones."""
    return (step.operations.others - step.operations.transcendentals) * step.batch


def _each_merge(step: Step) -> int:
    return (len(step.inputs) - 1) * step.written


IN, IN_2, IN_4, IN_5 = (Each(read=count) for count in (1, 2, 4, 5))
OUT = Each(written=1)
TWICE = Each(read=2, why="by its hook and again by its patched function")
MERGED = By(_each_merge, "1 per element and further branch")
LRN = By(_neighbours, "its squares, average pool, product and sum")
VECTOR = By(_others, "each operation but exp and log")
PARAMS = By(
    lambda step: step.layer.params(step.inputs, step.output) * step.batch,
    "each learned number once per sample",
)

MODULES = frozenset({"linear"})
PRODUCTS = frozenset({"linear", "matmul", "mm", "bmm", "addmm", "baddbmm"})


# The tools


FVCORE = Tool(
    conv=_no_same,
    others={
        "bn": IN_2,
        "gn": IN_5,
        "ln": IN_5,
        "gap": Each(read=1, ranks=(2,)),
        "up": By(
            lambda step: (
                0
                if step.output.rank != 2
                else step.written * (4 if step.get("mode") == "bilinear" else 1)
            ),
            "in 2-D, 1 per element out, 4 if bilinear",
        ),
    },
    steps=PRODUCTS | {"einsum"},
)

PTFLOPS = Tool(
    conv_bias=_biases,
    fc_bias=_biases,
    bias="counts each bias as a MAC",
    others={
        **dict.fromkeys(("relu", "prelu", "elu", "gelu", "maxpool", "avgpool", "gap"), TWICE),
        **dict.fromkeys(("relu6", "leakyrelu", "silu", "softmax", "ln"), IN),
        "bn": IN_2,
        "gn": IN_2,
        "lrn": LRN,
        "up": Each(written=2, why=TWICE.why),
    },
    steps=PRODUCTS,
    one_sample=True,
    hooks=PRODUCTS,
    functions={
        **dict.fromkeys(
            ("relu", "prelu", "elu", "relu6", "gelu", "silu", "maxpool", "avgpool", "gap",
             "softmax"),
            IN,
        ),
        **dict.fromkeys(("up", "torch.add", "torch.mul"), OUT),
    },
)  # fmt: skip

PTFLOPS_ATEN = Tool(
    conv_bias=_biases,
    fc_bias=_biases,
    bias="counts each bias as a MAC",
    steps=PRODUCTS,
    one_sample=True,
)

THOP = Tool(
    others={
        **dict.fromkeys(("bn", "gn", "ln", "rms"), IN_4),
        "prelu": IN,
        "softmax": Each(written=3, positions=-1),
        "avgpool": By(_windows, "1 per element of a window + 1 per element out"),
        "gap": Each(read=1, written=1),
        "up": By(
            lambda step: (
                0
                if step.get("mode") == "nearest"
                else step.written * {1: 5, 2: 11, 3: 31}[step.output.rank]
            ),
            "5, 11 or 31 per element out in 1-D, 2-D or 3-D, 0 if nearest",
        ),
    },
    steps=PRODUCTS | {"einsum", "attention"},
    hooks=PRODUCTS | {"einsum", "scaled_dot_product_attention", "__matmul__"},
)

TORCHINFO = Tool(
    transposed=_at_output,
    fc=_once_a_sample,
    hooks=frozenset(),
    blind=frozenset({"MultiheadAttention"}),
    conv_bias=_biases,
    fc_bias=_bias_a_sample,
    bias="counts each bias as a MAC",
    anything=PARAMS,
    steps=MODULES,
)

TORCHPROFILE = Tool(
    conv=_no_same,
    transposed=_by_weight_shape,
    others={
        **dict.fromkeys(("bn", "gn", "ln", "avgpool", "gap", "leakyrelu", "affine", "scale"), OUT),
        "grn": By(
            lambda step: 2 * step.written + step.batch,
            "1 per element out and product, and of its mean",
        ),
        "lrn": Each(written=3),
        "mean": OUT,
        "mul": MERGED,
        "up": By(
            lambda step: (
                4 * step.written if step.get("mode") == "bilinear" and step.output.rank == 2 else 0
            ),
            "4 per element out if bilinear in 2-D",
        ),
    },
    steps=PRODUCTS | {"einsum", "attention", "lstm"},
)

CALFLOPS_MACS = Tool(conv=_short_same, transposed=_groups_twice, steps=MODULES)

_ACTIVATIONS = ("relu", "leakyrelu", "prelu", "elu", "gelu", "silu", "softmax")

_PATCHED = {
    **dict.fromkeys((*_ACTIVATIONS, "maxpool", "avgpool", "gap"), IN),
    "bn": IN_2,
    "gn": IN_5,
    "ln": IN_5,
    **dict.fromkeys(("up", "torch.add"), OUT),
}
"""What calflops and DeepSpeed count of functions: they put their own in place of torch's."""

CALFLOPS = Tool(
    per_mac=2,
    conv=_short_same,
    transposed=_groups_twice,
    conv_bias=_patched_bias,
    others={
        **dict.fromkeys((*_ACTIVATIONS, "maxpool", "avgpool", "gap"), IN),
        "bn": IN_2,
        "gn": IN_5,
        "ln": IN_5,
        "lrn": LRN,
        "up": By(_calflops_up, "1 per element in"),
    },
    steps=MODULES,
    functions=_PATCHED,
)

DEEPSPEED_MACS = replace(CALFLOPS_MACS, steps=MODULES | {"matmul", "attention"})

DEEPSPEED = Tool(
    per_mac=2,
    conv=_short_same,
    transposed=_groups_twice,
    conv_bias=_patched_bias,
    others={
        **CALFLOPS.others,
        "up": By(_deepspeed_up, "per element in, the scale to the power of the batch"),
    },
    steps=DEEPSPEED_MACS.steps,
    functions=_PATCHED,
)

_TORCHSCAN_POOLS = {
    "maxpool": By(
        lambda step: (_one_side(step) - 1) * step.written,
        "a square kernel's side - 1 per element out",
    ),
    "avgpool": By(
        lambda step: (_one_side(step) - 1 + step.output.rank) * step.written,
        "a square kernel's side - 1 + axes per element out",
    ),
    "gap": By(
        lambda step: step.read + (step.output.rank - 1) * step.written,
        "1 per element in + axes - 1 per element out",
    ),
}

TORCHSCAN = Tool(
    per_mac=2,
    transposed=_at_output,
    conv_bias=_biases,
    fc_bias=_biases,
    less_first=True,
    fixed=8,
    others={
        **_TORCHSCAN_POOLS,
        "relu": IN,
        "relu6": IN_2,
        "leakyrelu": IN_4,
        "sigmoid": IN_4,
        "elu": Each(read=6),
        "tanh": Each(read=6),
        "dropout": IN,
        "bn": Each(read=4, channels=2),
        "ln": Each(read=8, positions=2),
    },
    steps=MODULES,
)

TORCHSCAN_MACS = Tool(
    transposed=_at_output, fixed=4, others={**_TORCHSCAN_POOLS, "bn": IN_2}, steps=MODULES
)

FLOPTH = Tool(
    transposed=_at_output,
    conv_bias=_biases,
    bias="counts each bias as a MAC",
    others={
        **dict.fromkeys(
            ("relu", "relu6", "prelu", "elu", "leakyrelu", "gelu", "selu", "hardswish",
             "hardsigmoid", "tanh", "ln"),
            IN,
        ),
        **dict.fromkeys(("maxpool", "avgpool", "gap"), Each(read=1, ranks=(2,))),
        "bn": IN_2,
        "gn": IN_2,
        "up": Each(positions=1),
    },
    one_sample=True,
    once=True,
    blind=frozenset({"MultiheadAttention"}),
    hooks=frozenset(),
    functions={},
)  # fmt: skip

TF_PROFILER = Tool(
    per_mac=2,
    conv=_no_3d,
    transposed=_tf_transposed,
    conv_bias=_biases,
    fc_bias=_biases,
    others={
        **dict.fromkeys(
            ("maxpool", "avgpool"),
            By(
                lambda step: 0 if step.output.rank == 3 else _kernel(step) * step.written,
                "in 1-D and 2-D, its kernel per element out",
            ),
        ),
        "gap": IN,
        "softmax": IN_5,
        **dict.fromkeys(("add", "mul", "sub", "div"), MERGED),
        "affine": By(lambda step: step.written + step.biases, "1 per element out, 2 with bias"),
        **dict.fromkeys(("bias", "scale"), OUT),
    },
    steps=PRODUCTS,
)

FLAX = Tool(
    per_mac=2,
    conv=_valid,
    transposed=_valid,
    conv_bias=_biases,
    fc_bias=_biases,
    others={
        "relu6": IN_2,
        **dict.fromkeys(("leakyrelu", "prelu", "sigmoid", "softsign"), Each(read=3)),
        **dict.fromkeys(("elu", "silu", "hardsigmoid"), IN_4),
        "hardswish": IN_5,
        **dict.fromkeys(("selu", "softplus"), Each(read=6)),
        "gelu": Each(read=8),
        "bn": Each(read=3, channels=2),
        "ln": Each(read=7, positions=4),
        "gn": By(
            lambda step: (
                6 * step.read + (3 * step.get("groups") + 2 * step.output.channels) * step.batch
            ),
            "6 per element in + 3 per group + 2 per channel",
        ),
        "softmax": Each(read=4, positions=-1),
        "dropout": Each(),
    },
    anything=VECTOR,
    steps=PRODUCTS | {"einsum", "attention"},
)

TOOLS = {
    "fvcore": FVCORE,
    "ptflops": PTFLOPS,
    "ptflops-aten": PTFLOPS_ATEN,
    "thop": THOP,
    "torchinfo": TORCHINFO,
    "torchprofile": TORCHPROFILE,
    "calflops": CALFLOPS,
    "calflops-macs": CALFLOPS_MACS,
    "deepspeed": DEEPSPEED,
    "deepspeed-macs": DEEPSPEED_MACS,
    "torchscan": TORCHSCAN,
    "torchscan-macs": TORCHSCAN_MACS,
    "flopth": FLOPTH,
    "timm": FVCORE,
    "tf-profiler": TF_PROFILER,
    "flax": FLAX,
}
