"""Parts of networks, taken out and replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcalc import ConvcalcError, analyze, search
from convcalc.api.export import export as export_text

SHARED = """
name = "two heads"
input = "8x16x16"
outputs = ["one", "two"]

[[stage]]
name = "stem"
layers = "3x3 + relu"

[[stage]]
name = "one"
layers = "$stem + 3x3 + 5x5"

[[stage]]
name = "two"
layers = "$stem + 3x3 + 5x5"
weights_of = "one"
"""


@pytest.fixture
def network(tmp_path: Path) -> str:
    path = tmp_path / "net.toml"
    path.write_text(SHARED, encoding="utf-8")
    return str(path)


def test_weights_that_are_shared_stay_so(network: str) -> None:
    found = search(network, at="stem/conv1", kernels="1,3", objectives="params,depth")
    graph = found.apply(1)
    before, after = analyze(network), analyze(graph)
    assert after.params == before.params - found.reference.params + found.front[0].report.params
    assert list(after.outputs) == ["one", "two"]


def test_a_part_whose_weights_are_used_elsewhere_is_refused(network: str) -> None:
    for at in ("one/conv1", "two/conv1"):
        with pytest.raises(ConvcalcError, match="its weights are used elsewhere too"):
            search(network, at=at)


def test_a_stage(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    text = SHARED.replace('outputs = ["one", "two"]', "").split('\n[[stage]]\nname = "two"')[0]
    path.write_text(text, encoding="utf-8")
    found = search(str(path), at="one", kernels="1,3,5,7", depth=2, objectives="macs,depth")
    assert found.reference.receptive_field.size == (7, 7)
    assert found.front[0].specs[0] == "1x7@8+7x1@8"
    assert "1x7@8 + 7x1@8" in export_text(found.apply(1))


def test_names_that_are_taken_are_left_alone() -> None:
    found = search("3x3+relu+3x3", at="conv1", input="4x9x9", kernels="1,3", objectives="macs")
    names = [node.name for node in found.apply(1).nodes]
    assert names == ["conv1_1", "conv1_2", "relu1", "conv2"]


def test_without_a_place_the_whole_is_replaced() -> None:
    found = search("7x7@64", kernels="1,7")
    assert [node.spec for node in found.apply(1).nodes] == ["1x7@64b1", "7x1@64b1"]
