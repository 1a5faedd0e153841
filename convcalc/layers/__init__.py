"""The kinds of layer. One class owns every fact about one kind; this tuple names them all."""

from __future__ import annotations

from convcalc.layers import activation as _activation
from convcalc.layers.attention import Attention
from convcalc.layers.base import MODIFIERS, Layer, Word
from convcalc.layers.channels import Shuffle, Take
from convcalc.layers.conv import Conv, ConvTranspose, Depthwise, Separable
from convcalc.layers.grids import PixelShuffle, PixelUnshuffle, Resize, Subsample
from convcalc.layers.linear import ChannelLinear, Dropout, Flatten, Identity, Linear, Softmax
from convcalc.layers.merge import Add, Concat, Divide, Merge, Multiply, Subtract
from convcalc.layers.norm import (
    Affine,
    BatchNorm,
    Bias,
    GlobalResponseNorm,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    RMSNorm,
)
from convcalc.layers.pool import AvgPool, GlobalAvgPool, MaxPool
from convcalc.layers.resample import Crop, Pad, Upsample
from convcalc.layers.reshape import Reshape

KINDS: tuple[type[Word], ...] = (
    Conv,
    Depthwise,
    Separable,
    ConvTranspose,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Linear,
    ChannelLinear,
    Attention,
    BatchNorm,
    LayerNorm,
    RMSNorm,
    GroupNorm,
    LocalResponseNorm,
    GlobalResponseNorm,
    Affine,
    Bias,
    _activation.ReLU,
    _activation.ReLU6,
    _activation.LeakyReLU,
    _activation.PReLU,
    _activation.CReLU,
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
    _activation.Abs,
    _activation.Clamp,
    _activation.Scale,
    Softmax,
    Dropout,
    Flatten,
    Upsample,
    Resize,
    Pad,
    Crop,
    Subsample,
    PixelShuffle,
    PixelUnshuffle,
    Reshape,
    Shuffle,
    Take,
    Identity,
)
"""Every kind that a specification writes as a word."""

MERGES: tuple[type[Merge], ...] = (Concat, Add, Multiply, Subtract, Divide)
"""The kinds that join branches."""

__all__ = ["KINDS", "MERGES", "MODIFIERS", "Layer", "Merge", "Word"]
