"""The kinds of layer. One class owns every fact about one kind; this tuple names them all."""

from __future__ import annotations

from convcalc.layers import activation as _activation
from convcalc.layers.base import MODIFIERS, Layer, Word
from convcalc.layers.channels import Shuffle, Take
from convcalc.layers.conv import Conv, ConvTranspose, Depthwise, Separable
from convcalc.layers.linear import Dropout, Flatten, Identity, Linear, Softmax
from convcalc.layers.merge import Add, Concat, Merge, Multiply
from convcalc.layers.norm import Affine, BatchNorm, GroupNorm, LayerNorm, LocalResponseNorm
from convcalc.layers.pool import AvgPool, GlobalAvgPool, MaxPool
from convcalc.layers.resample import Crop, Pad, Upsample

KINDS: tuple[type[Word], ...] = (
    Conv,
    Depthwise,
    Separable,
    ConvTranspose,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Linear,
    BatchNorm,
    LayerNorm,
    GroupNorm,
    LocalResponseNorm,
    Affine,
    _activation.ReLU,
    _activation.ReLU6,
    _activation.LeakyReLU,
    _activation.PReLU,
    _activation.ELU,
    _activation.SELU,
    _activation.GELU,
    _activation.SiLU,
    _activation.Mish,
    _activation.Hardswish,
    _activation.Sigmoid,
    _activation.Hardsigmoid,
    _activation.Tanh,
    _activation.Softplus,
    _activation.Softsign,
    Softmax,
    Dropout,
    Flatten,
    Upsample,
    Pad,
    Crop,
    Shuffle,
    Take,
    Identity,
)
"""Every kind that a specification writes as a word."""

MERGES: tuple[type[Merge], ...] = (Concat, Add, Multiply)
"""The kinds that join branches."""

__all__ = ["KINDS", "MERGES", "MODIFIERS", "Layer", "Merge", "Word"]
