"""Layers and stages by the names that people know them by."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.analysis.layer_names import Layer, find_layers, layers_of, stage_named
from convcalc.errors import OptionError
from convcalc.graph import Graph
from convcalc.networks.sources import to_graph
from convcalc.spec import Defaults


def graph_of(network: str) -> Graph:
    return to_graph(network, Defaults())


@pytest.mark.parametrize(
    ("network", "name", "first", "last"),
    [
        ("zoo:resnet50", "conv4", "conv4/conv1", "conv4/relu18"),
        ("zoo:resnet50", "layer2", "conv3/conv1", "conv3/relu12"),
        ("zoo:resnet50", "res3", "conv3/conv1", "conv3/relu12"),
        ("zoo:resnet50", "conv3_x", "conv3/conv1", "conv3/relu12"),
        # He et al., Table 1: conv3_x has four blocks
        ("zoo:resnet50", "conv3_1", "conv3/conv1", "conv3/relu3"),
        ("zoo:resnet50", "conv3_4", "conv3/id3", "conv3/relu12"),
        ("zoo:resnet50", "conv3_block4_out", "conv3/id3", "conv3/relu12"),
        ("zoo:resnet50", "res3d", "conv3/id3", "conv3/relu12"),
        ("zoo:resnet101", "res4b22", "conv4/id22", "conv4/relu69"),
        ("zoo:resnet_v1_50", "layer2", "block2/conv1", "block2/relu12"),
        ("zoo:resnet18", "conv1_1", "conv1/conv1", "conv1/conv1"),
        ("zoo:vgg16", "conv4_3", "conv4/conv3", "conv4/conv3"),
        ("zoo:vgg16", "block4_conv3", "conv4/conv3", "conv4/conv3"),
        ("zoo:vgg16", "block5", "conv5/conv1", "conv5/maxpool1"),
        ("zoo:vgg16", "fc6", "head/fc1", "head/fc1"),
        ("zoo:alexnet", "fc8", "head/fc3", "head/fc3"),
        ("zoo:ssd300_vgg16", "conv4_3", "conv4_3/conv1", "conv4_3/relu3"),
        ("zoo:googlenet", "inception4a", "4a/conv1", "4a/cat1"),
        ("zoo:inception_v3", "mixed_5b", "Mixed_5b/conv1", "Mixed_5b/cat1"),
        ("zoo:convnext_tiny", "res3", "res3/ln1", "res3/add3"),
        ("zoo:vgg16[..conv5]+3x3@512", "conv4_3", "vgg16/conv4/conv3", "vgg16/conv4/conv3"),
        ("zoo:vgg16[..conv5]+3x3@512", "conv1", "conv1", "conv1"),
        ("zoo:vgg16[..conv5]+3x3@512", "vgg16/conv2", "vgg16/conv2/conv1", "vgg16/conv2/maxpool1"),
        ("zoo:resnet18[..conv4]+3x3", "layer1", "resnet18/conv2/maxpool1", "resnet18/conv2/relu4"),
        ("zoo:fpn_resnet50", "conv4", "c4/resnet50/conv4/conv1", "c4/resnet50/conv4/relu18"),
    ],
)
def test_names(network: str, name: str, first: str, last: str) -> None:
    graph = graph_of(network)
    inside = find_layers(layers_of(graph), name, "at").inside
    assert graph.nodes[inside[-1]].name == last
    assert graph.nodes[inside[0]].name == first


STAGES = "stages: conv1, conv2, conv3, conv4, conv5, head"


@pytest.mark.parametrize(
    ("network", "name", "hint"),
    [
        ("zoo:vgg16", "layer2", STAGES),  # which has no layer2
        ("zoo:vgg16", "res3", STAGES),
        ("zoo:vgg16", "conv4_4", STAGES),
        ("zoo:vgg16", "qqqq", STAGES),
        ("zoo:resnet50", "conv3_5", STAGES),  # it has four blocks
        ("zoo:resnet50", "block2", STAGES),  # TensorFlow's is conv3, Keras's none
        ("zoo:resnet50", "fc6", STAGES),
        ("zoo:vgg16", "conv6", f"did you mean 'conv5'? ({STAGES})"),
        ("zoo:vgg16[..conv2]+3x3", "layer1", "stages: vgg16/conv1, vgg16/conv2"),
        ("7x1+1x7", "conv4", "did you mean 'conv2'?"),
        ("7x1+1x7", "qqqq", "`convcalc show` lists the layers"),
        ("add(zoo:resnet18 | zoo:resnet18)", "layer1",
         "it may be resnet18/conv2, resnet18_2/conv2"),
    ],
)  # fmt: skip
def test_names_without_a_meaning(network: str, name: str, hint: str) -> None:
    with pytest.raises(OptionError) as caught:
        find_layers(layers_of(graph_of(network)), name, "at")
    assert caught.value.hint == hint


def test_stages() -> None:
    layers = layers_of(graph_of("zoo:resnet18[..conv3]+3x3"))
    assert stage_named(layers, "layer2") == "resnet18/conv3"
    for name in ("conv1_1", "resnet18/conv1/conv1"):
        with pytest.raises(OptionError, match="no such stage"):
            stage_named(layers, name)
    with pytest.raises(OptionError, match="this network has no stages"):
        stage_named(layers_of(graph_of("7x1+1x7")), "conv1")


def test_modules_of_a_torch_model() -> None:
    names = ["stem", "layer1.0.conv", "layer1.0.relu", "layer1.1.conv", "layer2.0.conv"]
    layers = [Layer(name) for name in names]
    assert find_layers(layers, "layer1", "at").inside == [1, 2, 3]
    assert find_layers(layers, "layer1.0", "at").inside == [1, 2]
    with pytest.raises(OptionError, match="hint: stages: layer1, layer2"):
        find_layers(layers, "qqqq", "at")


def test_every_command_knows_them() -> None:
    assert convcalc.rf("zoo:resnet50", at="conv3_4").field.size == (91, 91)
    found = convcalc.search("zoo:vgg16", at="conv4_3", depth=1, input="3x32x32")
    assert found.reference.params == 512 * 9 * 512 + 512
