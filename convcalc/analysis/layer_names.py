"""Layers and stages by the names that people know them by.

A layer's own name and its stage's come first. Then those of frameworks and papers, where the
network has what they name: torchvision's `layer2` and Caffe's `res3` are the stage conv3 of a
ResNet, `conv3_4` is its fourth block, and of VGG the fourth convolution; `fc6` is VGG's first
fully connected layer. Those of a network within the network are found as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from convcalc.errors import OptionError, nearest
from convcalc.graph import BranchPath, Graph
from convcalc.layers import KINDS
from convcalc.layers.activation import Activation

SHOWN = 20
"""Stages that a hint lists."""

_ENDS_A_BLOCK = {kind.word for kind in KINDS if issubclass(kind, Activation)} | {
    "bn",
    "ln",
    "gn",
    "dropout",
}
"""What belongs to the sum before it."""


class Layer(NamedTuple):
    """What is asked of a layer."""

    name: str
    branch: BranchPath = ()

    @property
    def short(self) -> str:
        """Its name within its stage."""
        return self.name.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """Its word, which its name begins with."""
        return self.short.rstrip("0123456789").rstrip("_")


class Found(NamedTuple):
    """A layer, a block or a stage, and its layers by number."""

    name: str
    inside: Sequence[int]
    is_stage: bool = False


Stages = Mapping[str, Sequence[int]]
"""The layers of each stage, by number."""


def layers_of(graph: Graph) -> list[Layer]:
    """The layers of a graph."""
    return [Layer(node.name, node.branch) for node in graph.nodes]


def find_layers(layers: Sequence[Layer], name: str, option: str) -> Found:
    """The layer, block or stage that a name means.

    Raises:
        OptionError: there is none, or there are several.
    """
    names = [layer.name for layer in layers]
    if name in names:
        return Found(name, (names.index(name),))
    networks = _networks(names)
    for prefix, stages in networks.items():
        if name.startswith(prefix) and name[len(prefix) :] in stages:
            return Found(name, stages[name[len(prefix) :]], is_stage=True)
    found: list[Found] = []
    for prefix, stages in networks.items():
        one = _Network(layers, stages).find(name)
        if one is not None:
            found.append(one._replace(name=prefix + one.name))
            if not prefix:
                break
    if not found:
        raise _unknown(names, networks, name, option)
    if len(found) > 1:
        raise OptionError(
            "expected one layer or stage",
            option=option,
            value=name,
            hint=f"it may be {', '.join(one.name for one in found[:SHOWN])}",
        )
    return found[0]


def stage_named(layers: Sequence[Layer], name: str) -> str:
    """The whole name of a stage.

    Raises:
        OptionError: there is none, or there are several.
    """
    names = [layer.name for layer in layers]
    networks = _networks(names)
    if not networks[""]:
        raise OptionError(
            "this network has no stages",
            option="stage",
            value=name,
            hint="stages are those of a network file",
        )
    found = find_layers(layers, name, "stage")
    if not found.is_stage:
        raise _unknown(names, networks, name, "stage")
    return found.name


def _networks(names: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """The stages of the network, and of the networks within it, by what their names begin with."""
    found: dict[str, dict[str, list[int]]] = {"": {}}
    for number, name in enumerate(names):
        parts = re.split("([/.])", name)
        for end in range(0, len(parts) - 1, 2):
            stages = found.setdefault("".join(parts[:end]), {})
            stages.setdefault(parts[end], []).append(number)
    return found


def _unknown(
    names: Sequence[str], networks: Mapping[str, Stages], name: str, option: str
) -> OptionError:
    """The error for a name that means nothing."""
    stages = list(networks[""])
    if not any("." in known for known in names):  # of networks within, the stages
        stages = [stage for known in names if (stage := known.rpartition("/")[0])]
    stages = list(dict.fromkeys(stages))
    is_foreign = any(re.fullmatch(pattern, name, re.IGNORECASE) for pattern in _MEANINGS)
    known = [*stages, *networks[""], *(names if option != "stage" else ())]
    near = None if is_foreign else nearest(name, known)
    listed = ", ".join(stages[:SHOWN]) + (", ..." if len(stages) > SHOWN else "")
    hint = f"stages: {listed}" if stages else "`convcalc show` lists the layers"
    if near is not None:
        hint = f"did you mean {near!r}?" + (f" ({hint})" if stages else "")
    what = "stage" if option == "stage" else "layer"
    return OptionError(f"no such {what}", option=option, value=name, hint=hint)


class _Network:
    """A network's stages, as frameworks and papers call them."""

    def __init__(self, layers: Sequence[Layer], stages: Stages) -> None:
        self.layers = layers
        self.stages = stages

    def find(self, name: str) -> Found | None:
        """What is called so; None if the network has no such thing."""
        if name in self.stages:
            return self.stage(name)
        for pattern, meaning in _MEANINGS.items():
            if found := re.fullmatch(pattern, name, re.IGNORECASE):
                one = meaning(self, *found.groups())
                return one if one is None or one.is_stage else one._replace(name=name)
        return None

    def stage(self, name: str) -> Found | None:
        """A stage by its own name."""
        return Found(name, self.stages[name], is_stage=True) if name in self.stages else None

    def residual(self, number: int) -> str:
        """The name of a ResNet's stage, conv2 to conv5, also block1 to block4; "" for others."""
        names = (f"conv{number}", f"block{number - 1}")
        return next((name for name in names if self.blocks(name)), "")

    def blocks(self, stage: str) -> list[Found]:
        """The residual blocks of a stage, each with what follows its sum."""
        numbers = self.stages.get(stage, ())
        depth = min((len(self.layers[number].branch) for number in numbers), default=0)
        found: list[Found] = []
        for at, last in enumerate(numbers):
            layer = self.layers[last]
            if layer.kind != "add" or len(layer.branch) > depth:
                continue
            inside = [
                number
                for number in numbers
                if layer.name in (merge for merge, _ in self.layers[number].branch)
            ]
            inside.append(last)
            for number in numbers[at + 1 :]:
                if self.layers[number].kind not in _ENDS_A_BLOCK:
                    break
                inside.append(number)
            found.append(Found(layer.name, inside))
        return found

    def convolution(self, stage: str, number: int) -> Found | None:
        """A convolution of a stage, counted from 1."""
        for index in self.stages.get(stage, ()):
            if self.layers[index].short == f"conv{number}":
                return Found(self.layers[index].name, (index,))
        return None


def _resnet_stage(network: _Network, number: int) -> Found | None:
    return network.stage(network.residual(number))


def _block(network: _Network, stage: int, number: int) -> Found | None:
    blocks = network.blocks(network.residual(stage))
    return blocks[number - 1] if 0 < number <= len(blocks) else None


def _plain_stage(network: _Network, number: int) -> Found | None:
    """A stage of VGG, which Keras calls block3."""
    return None if network.residual(number) else network.stage(f"conv{number}")


def _convolution(network: _Network, stage: int, number: int) -> Found | None:
    """A convolution of VGG; of a ResNet, a block."""
    if network.residual(stage):
        return _block(network, stage, number)
    return network.convolution(f"conv{stage}", number)


def _module(network: _Network, name: str) -> Found | None:
    """A module of GoogLeNet or Inception, 4a or Mixed_5b."""
    return network.stage(name.lower()) or network.stage(f"Mixed_{name.lower()}")


def _fully_connected(network: _Network, number: int) -> Found | None:
    """One of the three layers at the end of VGG and AlexNet, fc6 to fc8."""
    found = [i for i in network.stages.get("head", ()) if network.layers[i].kind == "fc"]
    if len(found) != 3:
        return None
    index = found[number - 6]
    return Found(network.layers[index].name, (index,))


_MEANINGS: dict[str, Callable[[_Network, str, str], Found | None]] = {
    "layer([1-4])()": lambda network, n, _: _resnet_stage(network, int(n) + 1),
    "res_?([2-5])()": lambda network, n, _: _resnet_stage(network, int(n)),
    "conv([1-5])_x()": lambda network, n, _: network.stage(f"conv{n}"),
    "conv([1-9])_([1-9][0-9]?)": lambda network, n, k: _convolution(network, int(n), int(k)),
    "conv([2-5])_block([1-9][0-9]?)(?:_out)?": lambda network, n, k: _block(
        network, int(n), int(k)
    ),
    "res([2-5])([a-z])": lambda network, n, k: _block(network, int(n), ord(k.lower()) - 96),
    "res([2-5])b([1-9][0-9]?)": lambda network, n, k: _block(network, int(n), int(k) + 1),
    "block_?([1-5])()": lambda network, n, _: _plain_stage(network, int(n)),
    "block([1-5])_conv([1-9])": lambda network, n, k: network.convolution(f"conv{n}", int(k)),
    "(?:inception|mixed)_?([1-9][a-z])()": lambda network, name, _: _module(network, name),
    "fc([6-8])()": lambda network, n, _: _fully_connected(network, int(n)),
}
"""Names by torchvision, Caffe, Keras and in papers, with what they mean; two groups each."""
