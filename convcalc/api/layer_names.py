"""Layers by the names that people know them by: the layer's own, its stage's, a framework's."""

from __future__ import annotations

import re

from convcalc.errors import OptionError, nearest
from convcalc.graph import Graph


def node_named(graph: Graph, name: str, option: str) -> int:
    """The node of that name, or the last one of a stage."""
    names = [node.name for node in graph.nodes]
    if name in names:
        return names.index(name)
    for index in range(len(names) - 1, -1, -1):
        if names[index].startswith((f"{name}/", f"{name}.")):
            return index
    for other in _also_known_as(name):
        for index in range(len(names) - 1, -1, -1):
            if names[index] == other or names[index].startswith(f"{other}/"):
                return index
    stages = list(dict.fromkeys(found.split("/")[0] for found in names if "/" in found))
    found = nearest(name, names + stages)
    listed = f"stages: {', '.join(stages[:20])}" if stages else "`convcalc show` lists the layers"
    raise OptionError(
        "no such layer",
        option=option,
        value=name,
        hint=f"did you mean {found!r}?" if found else listed,
    )


def _also_known_as(name: str) -> list[str]:
    """What frameworks and papers call stages: torchvision's layer2 and Caffe's res3 are conv3,
    conv4_3 is the third convolution of conv4, fc6 the first fully connected layer."""
    if found := re.fullmatch(r"layer([1-4])", name):
        return [f"conv{int(found[1]) + 1}"]
    if found := re.fullmatch(r"(?:res|block|stage|conv)_?([1-9])", name):
        return [f"conv{found[1]}", f"stage{found[1]}"]
    if found := re.fullmatch(r"(?:inception|block|mixed)_?([1-9][a-z])", name, re.IGNORECASE):
        return [found[1]]
    if found := re.fullmatch(r"conv([1-9])_([1-9])", name):
        return [f"conv{found[1]}/conv{found[2]}"]
    if found := re.fullmatch(r"fc([6-8])", name):
        return [f"head/fc{int(found[1]) - 5}", f"fc{int(found[1]) - 5}"]
    return []
