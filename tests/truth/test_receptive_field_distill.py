"""The tables of Araujo, Norris & Sim (Distill 2019): size, stride and padding at every endpoint.

The longest path of each network is written as a series: SAME is `ptfsame`, VALID `pvalid`, a pair
of amounts is explicit padding. A padding that the table leaves open depends on the input's size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from convcalc import Report, analyze
from convcalc.quantities import Stride
from tests.truth.tables import load

DISTILL = load("receptive_field_distill")
PATHS: dict[str, Any] = DISTILL["longest_paths"]
ENDPOINTS = DISTILL["endpoints"]
ANY_SIZES = (224, 321)
"""What stands for "any input" in rows that give no resolution."""


def word(kernel: int, stride: int, padding: Any) -> str:
    side = {"SAME": "tfsame", "VALID": "valid"}.get(str(padding))
    if side is None:
        before, after = padding
        side = f"{before}:{after}"
    return f"{kernel}x{kernel}s{stride}p{side}"


@lru_cache
def longest_path(net: str, size: int) -> Report:
    spec = "+".join(word(*layer[1:]) for layer in PATHS[net]["longest_path"])
    return analyze(spec, input=(1, size, size))


def check(report: Report, index: int, size: int, stride: int, padding: int | None) -> None:
    field = report.layers[index].receptive_field
    assert field.size == (size, size)
    assert field.stride == (Stride(stride), Stride(stride))
    if padding is not None:
        assert field.padding == (padding, padding)


def sizes(resolution: str | int | None) -> tuple[int, ...]:
    return ANY_SIZES if resolution in (None, "None") else (int(str(resolution)),)


CHECKS = [(net, at, size) for net in PATHS for at in PATHS[net]["check"] for size in sizes(at)]


@pytest.mark.parametrize(("net", "resolution", "size"), CHECKS)
def test_longest_path(net: str, resolution: str, size: int) -> None:
    check(longest_path(net, size), -1, *PATHS[net]["check"][resolution]["table"])


@pytest.mark.parametrize("net", PATHS)
def test_a_padding_left_open_depends_on_the_size(net: str) -> None:
    left_open = PATHS[net]["check"]["None"]["table"][2] is None
    paddings = {longest_path(net, size).receptive_field.padding for size in ANY_SIZES}
    assert (len(paddings) > 1) == left_open


@pytest.mark.parametrize("row", DISTILL["rows"], ids=lambda row: row["net"])
def test_summary_table_at_224(row: dict[str, Any]) -> None:
    figures = row["rf"], row["effective_stride"], row["effective_padding"]
    check(longest_path(row["net"], 224), -1, *figures)


def test_every_network_of_the_summary_has_a_path() -> None:
    assert {row["net"] for row in DISTILL["rows"]} == set(PATHS)


def index_of(net: str, endpoint: str) -> int:
    """The layer of the path that an endpoint names: `Conv2d_3_pointwise` is pw3."""
    name = endpoint.split("/")[-1]
    if name.endswith("_pointwise"):
        name = f"pw{name.split('_')[1]}"
    return [layer[0] for layer in PATHS[net]["longest_path"]].index(name)


@pytest.mark.parametrize(
    "row", ENDPOINTS, ids=lambda row: f"{row['endpoint'].replace('/', '.')}-{row['resolution']}"
)
def test_endpoint(row: dict[str, Any]) -> None:
    index = index_of(row["net"], row["endpoint"])
    for size in sizes(row["resolution"]):
        check(longest_path(row["net"], size), index, row["rf"], row["stride"], row["padding"])


def test_worked_example_of_two_layers() -> None:
    """Kernel 3, stride 3, padding 1 both sides; then kernel 2: unit 0 sees positions -1 to 4."""
    example = DISTILL["worked_examples"][0]
    (kernel1, stride1, before, after), (kernel2, stride2, *_) = example["layers"]
    first, second = f"{kernel1}s{stride1}p{before}:{after}", f"{kernel2}s{stride2}p0"
    for spec, begin, end in zip(
        (second, f"{first}+{second}"), example["u"][1:], example["v"][1:], strict=True
    ):
        field = analyze(spec, input="1x30").receptive_field
        assert field.padding == (-begin,)
        assert field.size == (end - begin + 1,)
    assert field.stride == (Stride(3),)
