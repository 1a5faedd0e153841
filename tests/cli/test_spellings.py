"""What people type first who come from torch, Keras, papers and other tools: each gets a hint whose
text, put in its place, works.
"""

from __future__ import annotations

import re
import shlex

import pytest

from tests.cli.running import Program

NETWORKS = [
    # names of networks
    "resnet50", "ResNet-50", "vgg-16", "VGG16", "mobilenetv2", "MobileNet_V2", "zoo:resnet-50",
    "zoo:rsnet50", "inceptionv3", "GoogLeNet",
    # torch
    "Conv2d(64,7)", "Conv2d(3, 64, 7)", "nn.Conv2d(3, 64, kernel_size=7)",
    "torch.nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)", "Conv1d(64, 32, 5, dilation=2)",
    "nn.Conv2d(64, 64, (7, 1), groups=64, padding='same')", "nn.MaxPool2d(3, 2, 1)",
    "MaxPool2d(2)", "AvgPool", "BatchNorm", "BatchNorm2d(64)", "GroupNorm(32, 64)", "LayerNorm",
    "Linear(10)", "nn.Linear(512, 10)", "linear10", "ReLU()", "nn.GELU()", "LeakyReLU", "SiLU",
    "Identity", "Dropout(0.5)", "AdaptiveAvgPool2d((1, 1))", "AdaptiveAvgPool2d", "GAP",
    "ConvTranspose2d(64, 64, 4, 2, 1)", "ConvTranspose2d", "Upsample(scale_factor=2)",
    "nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())", "[Conv2d(64, 3), ReLU()]",
    "Conv2d(64, 3) + ReLU()", "3x3+conv2d(64,64,7)", "relu + nn.Conv2d(64, 64, 7) + 3x3",
    # Keras
    "MaxPool2D", "MaxPooling2D(pool_size=2)", "AveragePooling2D", "GlobalAveragePooling2D",
    "Conv2D(64, 3, strides=2, activation='relu')", "DepthwiseConv2D(3)", "SeparableConv2D(64, 3)",
    "UpSampling2D", "UpSampling2D((2,2))", "ZeroPadding2D", "Dense(10)", "BatchNormalization",
    "Flatten", "Softmax",
    # papers, and guesses
    "kernel_size=3", "kernel_size=3, stride=2, padding=1", "conv3x3,stride=2", "3x3stride2",
    "3x3pad1", "3x3dilation2", "3x3groups4", "3x3s2p1c64", "3x3/2", "3x3-64", "64@3x3", "k3s2",
    "3x3, 64", "[3x3, 64] x 3", "3x3 -> 1x1", "3x3 | 1x1", "3x3 1x1", "3x3relu",
    "concat(3x3, 1x1)", "torch.cat(3x3, 1x1)", "sum(3x3 | 1x1)", "batchnorm", "7x7 @64",
]  # fmt: skip

LINES = [
    "show 3x3 --input-size 3x224x224", "show 3x3 --input_size 3x224x224", "show 3x3 --in 3x8x8",
    "show 3x3 --input 3,224,224", "show 3x3 --input (3,224,224)", "show 3x3 --batch_size 4",
    "show 3x3 --batchsize 4", "show 3x3 --fmt json", "show 3x3 -f json", "show 3x3 --json",
    "show 3x3 --format md", "show 3x3 --format yaml", "show 3x3 --no_bias",
    "show 3x3 --no-biases", "show 3x3 --columns flop", "show 3x3 --columns parameters",
    "show 3x3 --columns 'Input Shape'", "show 3x3 --columns mult_adds", "show 3x3 --sort mac",
    "show 3x3 --sort-by macs", "show 3x3 --convention ptflop", "show 3x3 --level 1",
    "compare 3x3", "diff 3x3 1x1", "summary 3x3", "receptive-field 7x7", "receptive_field 7x7",
    "flops 3x3", "list", "help", "version", "7x7 7x1+1x7", "zoo resnet-50",
    "rf 7x7 --layer conv1", "rf 7x7 --at conv2", "rf 7x7 --unit 1x1", "rf 7x7 --unit (1,1)",
    "check 7x7 --budget macs<=1G", "check 7x7 --limit macs<=1G", "profil 7x7 --help",
    "explain 3x3 --input-shape 3x8x8",
]  # fmt: skip


def hint_of(error: str) -> str:
    found = re.findall(r"^hint: (.*)", error, re.MULTILINE)
    assert len(found) == 1, error
    return str(found[0])


def text_of(hint: str) -> str:
    """What the hint says to write."""
    found = re.search(r"(?:write|did you mean|for example|\w:|':) (.*)", hint)
    assert found is not None, hint
    text = re.split(r", which|; |\? `|\?$", found[1])[0]
    return text.strip("'")


@pytest.mark.parametrize("network", NETWORKS)
def test_networks(program: Program, network: str) -> None:
    ran = program("show", network)
    assert (ran.code, ran.out) == (2, "")
    again = program("show", text_of(hint_of(ran.err)))
    assert again.code == 0, again.err


@pytest.mark.parametrize("line", LINES)
def test_command_lines(program: Program, line: str) -> None:
    words = shlex.split(line)
    ran = program(*words)
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert "usage: " not in ran.err or "hint: " in ran.err
    written = text_of(hint_of(ran.err))
    if written.startswith("convcalc "):
        corrected = shlex.split(written)[1:]
    elif written.startswith("--"):
        wrong = next(word for word in words if word[0] == "-" and word != "--help")
        corrected = [part for word in words for part in
                     (written.split() if word == wrong else [word])]  # fmt: skip
    elif words[0] in ("profil",):
        corrected = [written, *words[1:]]
    else:
        corrected = [*words[:-1], written]
    again = program(*corrected)
    assert again.code == 0, (corrected, again.err)


def test_there_are_enough_of_them() -> None:
    assert len(set(NETWORKS)) >= 60 and len(set(LINES)) >= 40


@pytest.mark.parametrize("option", ["stride", "dilation", "groups", "kernel-size", "filters"])
def test_what_stands_in_a_layer(program: Program, option: str) -> None:
    hint = hint_of(program("show", "3x3", f"--{option}", "2").err)
    layer = hint.removeprefix("write it in the layer: ")
    assert program("show", layer).code == 0


@pytest.mark.parametrize("network", ["model.onnx", "x.py", "torchvision.models.resnet50"])
def test_what_is_no_network_says_what_to_name(program: Program, network: str) -> None:
    ran = program("show", network)
    assert ran.code == 2
    assert ":" in hint_of(ran.err)


@pytest.mark.parametrize(
    "text", ["Conv2d()x", "Unheard(3)", "Conv2d(3, 4, '7')", "Conv2d(3, 4, -7)", "nn.Sequential()",
             "AdaptiveAvgPool2d(7)", "Conv2d(*a, **b)", "f()(3)", "Upsample(None)", "lambda: 3",
             "Conv2d(3, 8, 3, stride=-1)", "Conv2d(3, 8, 3, padding='odd')" ]
)  # fmt: skip
def test_what_is_not_understood_gets_no_wrong_hint(program: Program, text: str) -> None:
    ran = program("show", text)
    assert ran.code == 2
    assert "hint: write 3" not in ran.err or program("show", text_of(hint_of(ran.err))).code == 0
