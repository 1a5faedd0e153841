"""The built-in networks against what is published of them, to the digit where there are digits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from math import prod
from typing import Any

import pytest

from convcalc import Report, analyze
from convcalc.analysis.report import LayerReport
from convcalc.networks import read_file, zoo_file, zoo_networks
from convcalc.quantities import Stride
from tests.truth.tables import load

ZOO: dict[str, dict[str, Any]] = load("zoo")
CLASSICS = load("classics")
DISTILL = load("receptive_field_distill")
INCEPTION = load("inception")
TORCHVISION = load("torchvision")
TORCHVISION_FIELDS = load("receptive_field_torchvision")

CALLED_IN_TORCHVISION = {"alexnet": "alexnet_torchvision", "googlenet": "googlenet_torchvision"}
"""The built-in networks that have another name than torchvision's."""


@lru_cache
def network(name: str, size: int | None = None) -> Report:
    """A built-in network at its own input, or at that of a square image."""
    return analyze(f"zoo:{name}", input=None if size is None else (3, size, size))


def stage(report: Report, name: str) -> list[LayerReport]:
    return [layer for layer in report.layers if layer.name.startswith(f"{name}/")]


def body(report: Report) -> list[LayerReport]:
    """The layers up to the last feature map."""
    return [layer for layer in report.layers if not layer.name.startswith("head/")]


def weighted(layers: Iterable[LayerReport]) -> list[LayerReport]:
    return [layer for layer in layers if layer.kind in ("conv", "dw", "fc")]


def weights(layers: Iterable[LayerReport]) -> int:
    """Params of convolutions and linear layers without the biases that each of them has."""
    return sum(layer.params - layer.output.channels for layer in weighted(layers))


def check_field(layer: LayerReport, size: int, stride: int, padding: int | None) -> None:
    field = layer.receptive_field
    assert field.size == (size, size)
    assert field.stride == (Stride(stride), Stride(stride))
    if padding is not None:
        assert field.padding == (padding, padding)


# Every network


def test_every_network_has_its_figures() -> None:
    assert sorted(ZOO) == zoo_networks()


@pytest.mark.parametrize("name", ZOO)
def test_figures(name: str) -> None:
    report, row = network(name), ZOO[name]
    assert str(report.input) == row["input"]
    assert report.params == row["params"]
    assert report.macs == row["macs"]
    assert str(report.output) == row["output"]


@pytest.mark.parametrize("name", ZOO)
def test_file_says_what_it_is(name: str) -> None:
    file = read_file(zoo_file(name))
    assert file.name and file.source and file.input is not None
    assert zoo_file(name).read_text(encoding="utf-8").startswith("# ")


# torchvision's own figures


def in_zoo(row: dict[str, Any]) -> str:
    name: str = row["model"]
    return CALLED_IN_TORCHVISION.get(name, name)


@pytest.mark.parametrize("row", TORCHVISION["rows"], ids=lambda row: row["model"])
def test_torchvision_table(row: dict[str, Any]) -> None:
    report, figures = network(in_zoo(row)), row["recomputed"]
    assert report.params == figures["params_without_aux"]
    assert report.macs == figures["conv_macs"] + figures["linear_macs"]
    assert round(report.macs / 1e9, 3) == row["gops_torchvision"]
    if figures["params"] == figures["params_without_aux"]:
        convolutions = [layer for layer in report.layers if layer.kind in ("conv", "dw")]
        if row["model"] != "convnext_tiny":  # there a 1x1 is called a linear layer
            assert len(convolutions) == figures["n_conv_layers"]
            out = sum(layer.activations for layer in convolutions)
            assert out == figures["conv_out_activations"]


@pytest.mark.parametrize("row", TORCHVISION_FIELDS["rows"], ids=lambda row: row["model"])
def test_field_measured_in_torchvision(row: dict[str, Any]) -> None:
    """Measured without the gates of squeeze-and-excite, which see the whole map."""
    report = analyze(f"zoo:{in_zoo(row)}", local=True)
    last = body(report)[-1]
    check_field(last, row["rf"][0], row["stride"][0], row["padding"][0])
    assert last.receptive_field.aligned and last.receptive_field.exact


def test_torchvision_prints_params_with_the_auxiliary_head_for_inception_only() -> None:
    rows = {row["model"]: row for row in TORCHVISION["rows"]}
    assert network("inception_v3_aux").params == rows["inception_v3"]["num_params"]
    assert network("googlenet_torchvision").params == rows["googlenet"]["num_params"]


@pytest.mark.parametrize("name", [name for name in ZOO if "giga_macs_torchvision" in ZOO[name]])
def test_giga_macs_that_torchvision_prints(name: str) -> None:
    assert round(network(name).macs / 1e9, 3) == ZOO[name]["giga_macs_torchvision"]


# The Distill article: fields at 224 and 321, where the padding depends on the size

DISTILL_NETS = ["vgg_16", "mobilenet_v1", "resnet_v1_50", "inception_v2", "inception_v3"]
"""Its alexnet_v2 has other filters than the networks built in."""


def of_distill(net: str, size: int) -> Report:
    return network(net.replace("vgg_", "vgg"), size)


@pytest.mark.parametrize("size", [224, 321])
@pytest.mark.parametrize("net", DISTILL_NETS)
def test_field_before_the_head(net: str, size: int) -> None:
    expected = DISTILL["longest_paths"][net]["check"][str(size)]["table"]
    check_field(body(of_distill(net, size))[-1], *expected)


@pytest.mark.parametrize("name", [name for name in ZOO if "giga_flops_distill_at_224" in ZOO[name]])
def test_flops_of_the_summary(name: str) -> None:
    """Without the head, by TensorFlow's profiler: two for a MAC, one for each element with a bias
    or an offset, and the window of each pooled element."""
    flops = 0
    for layer in body(network(name, 224)):
        flops += 2 * layer.macs
        if layer.kind == "bn":
            flops += layer.output.elements
        elif layer.kind in ("conv", "dw"):
            flops += layer.operations.bias_adds
        elif layer.kind in ("maxpool", "avgpool"):
            window = re.search(r"(\d+)x(\d+)", layer.spec)
            assert window is not None
            flops += layer.output.elements * prod(map(int, window.groups()))
    assert flops / 1e9 == pytest.approx(ZOO[name]["giga_flops_distill_at_224"], abs=0.005)


def endpoint_layer(report: Report, endpoint: str) -> LayerReport:
    """The layer that an endpoint names: `vgg_16/conv3/conv3_2`, `Conv2d_4_pointwise`."""
    name = endpoint.split("/")[-1]
    if (pool := re.fullmatch(r"pool(\d)", name)) is not None:
        wanted = f"conv{pool[1]}/maxpool1"
    elif (conv := re.fullmatch(r"conv(\d)_(\d)", name)) is not None:
        wanted = f"conv{conv[1]}/conv{conv[2]}"
    else:
        number = int(name.split("_")[1])
        return [layer for layer in report.layers if layer.kind == "conv"][number]
    (found,) = [layer for layer in report.layers if layer.name == wanted]
    return found


ENDPOINTS = [row for row in DISTILL["endpoints"] if row["net"] in ("vgg_16", "mobilenet_v1")]


@pytest.mark.parametrize(
    "row", ENDPOINTS, ids=lambda row: f"{row['endpoint'].replace('/', '.')}-{row['resolution']}"
)
def test_field_at_an_endpoint(row: dict[str, Any]) -> None:
    for size in (224, 321) if row["resolution"] is None else (row["resolution"],):
        layer = endpoint_layer(of_distill(row["net"], size), row["endpoint"])
        check_field(layer, row["rf"], row["stride"], row["padding"])


def test_stride_at_the_end_of_a_stage_widens_the_field() -> None:
    fields = [body(network(name))[-1].receptive_field for name in ("resnet_v1_50", "resnet50")]
    assert [field.size for field in fields] == [(483, 483), (427, 427)]
    assert network("resnet_v1_50").params == network("resnet50").params


def test_inception_v2_has_the_variables_of_slim() -> None:
    """slim counts offset, moving mean and moving variance of each batch norm, and no scale."""
    layers = body(network("inception_v2"))
    norms = sum(layer.output.channels for layer in layers if layer.kind == "bn")
    others = sum(layer.params for layer in layers if layer.kind != "bn")
    assert others + 3 * norms == ZOO["inception_v2"]["variables_slim"]


# LeNet-5

LENET = {row["n"].split()[0]: row for row in CLASSICS["lenet5"]["layers"]}
# Table I: three maps in a row, four in a row, four with a gap, all.
C3_LINKS = [
    *[sorted((first + i) % 6 for i in range(3)) for first in range(6)],
    *[sorted((first + i) % 6 for i in range(4)) for first in range(6)],
    [0, 1, 3, 4],
    [1, 2, 4, 5],
    [0, 2, 3, 5],
    [0, 1, 2, 3, 4, 5],
]


def connections(layers: Iterable[LayerReport]) -> int:
    """Multiply-accumulates and biases; a subsampling unit has its four inputs and a bias."""
    total = 0
    for layer in layers:
        total += layer.macs + layer.operations.bias_adds
        if layer.kind == "avgpool":
            total += 4 * layer.output.elements
    return total


@pytest.mark.parametrize("name", ["C1", "S2", "C3", "S4", "C5", "F6"])
def test_lenet5_layer(name: str) -> None:
    row, layers = LENET[name], stage(network("lenet5"), name)
    assert sum(layer.params for layer in layers) == row["params"]
    assert connections(layers) == row["connections"]
    assert layers[-1].output.channels == row.get("maps", row.get("units"))
    if "size" in row:
        assert layers[-1].output.spatial == (row["size"],) * 2


def test_lenet5_connections() -> None:
    """The fixed output units are not built in."""
    total = CLASSICS["lenet5"]["total_connections"]
    assert connections(network("lenet5").layers) + LENET["OUT"]["connections"] == total


def test_lenet5_maps_that_c3_reads() -> None:
    layers = {layer.name: layer for layer in stage(network("lenet5"), "C3")}

    def maps(name: str) -> list[int]:
        """The maps of S2 that a layer of C3 puts together."""
        layer = layers.get(name)
        if layer is None:
            return list(range(6))
        if layer.kind == "take":
            first, last = map(int, layer.spec.removeprefix("take").split("-"))
            return list(range(first, last + 1))
        return [number for part in layer.inputs for number in maps(part)]

    found = [maps(layer.inputs[0]) for layer in layers.values() if layer.kind == "conv"]
    assert found == C3_LINKS


# AlexNet


def test_alexnet_layers() -> None:
    rows = CLASSICS["alexnet"]["grouped_layers"]
    layers = weighted(network("alexnet").layers)
    assert [(x.params, x.macs) for x in layers] == [(row["params"], row["macs"]) for row in rows]
    assert [x.output.spatial for x in layers[:5]] == [(row["out"],) * 2 for row in rows[:5]]


def test_alexnet_neurons_differ_because_conv1_is_55x55() -> None:
    """Printed for conv1: 253,440 = 55*48*96. With 55*55*96 the sum is the abstract's 650,000."""
    printed = [253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    ours = [layer.activations for layer in weighted(network("alexnet").layers)]
    assert ours == [55 * 55 * 96, *printed[1:]]
    assert network("alexnet").activations == 659_272
    assert sum(printed) == 622_312


# VGG, Network in Network


@pytest.mark.parametrize(("column", "name"), [("A", 11), ("B", 13), ("D", 16), ("E", 19)])
def test_vgg_params(column: str, name: int) -> None:
    assert network(f"vgg{name}").params == CLASSICS["vgg"]["params"][column]


def test_network_in_network_figure_is_half_of_its_flops() -> None:
    """222.97 M is FLOPs/2: two for a MAC, one for each relu, and the window of each pooled
    element (8x8 for the last)."""
    report = network("nin_cifar10")
    relu = sum(layer.output.elements for layer in report.layers if layer.kind == "relu")
    pooled = 9 * 96 * 16**2 + 9 * 192 * 8**2 + 64 * 10
    assert (relu, pooled) == (631_424, 332_416)
    printed = CLASSICS["nin"]["cifar10"]
    assert report.params == printed["params"]
    assert f"{(report.macs + (relu + pooled) / 2) / 1e6:.2f}M" == printed["macs"]


# GoogLeNet

ROWS: list[dict[str, Any]] = INCEPTION["googlenet_table1"]["rows"]
PRINTED_OTHERWISE = {"conv1": {"paper_params", "paper_ops"}, "4c": {"paper_params"},
                     "5a": {"paper_params", "paper_ops"}}  # fmt: skip
"""The columns that do not follow from the filter counts: the file's comments say why."""


def stage_of(row: dict[str, Any]) -> str:
    words: list[str] = row["block"].split()
    return {"inception": words[-1], "linear": "head"}.get(words[0], words[0])


@pytest.mark.parametrize("row", ROWS, ids=stage_of)
def test_googlenet_row(row: dict[str, Any]) -> None:
    layers = stage(network("googlenet"), stage_of(row))
    assert weights(layers) == row["weights_recomputed"]
    assert sum(layer.macs for layer in layers) == row["macs_recomputed"]
    if "cout" in row:
        assert str(layers[-1].output) == "{cout}x{grid}x{grid}".format(**row)


@pytest.mark.parametrize("row", ROWS, ids=stage_of)
def test_googlenet_columns_of_the_paper(row: dict[str, Any]) -> None:
    """Within 2.5%, where K is 1,024, but for the columns that the file names."""
    layers = stage(network("googlenet"), stage_of(row))
    ours = {
        "paper_params": weights(layers) / 1024,
        "paper_ops": sum(layer.macs for layer in layers) / 1e6,
    }
    differ = {key for key in ours if abs(ours[key] / float(row[key][:-1]) - 1) > 0.025}
    assert differ == PRINTED_OTHERWISE.get(stage_of(row), set())


def test_googlenet_whole() -> None:
    report, table = network("googlenet"), INCEPTION["googlenet_table1"]
    assert weights(report.layers) == table["total_weights_recomputed"]
    assert report.macs == table["total_macs_recomputed"]
    assert report.depth == 22  # "22 layers when counting only layers with parameters"
    check_field(body(report)[-1], 715, 32, None)


# Inception-v3 with 7x7 for 1x7 and 7x1


def test_symmetric_inception_by_arithmetic() -> None:
    """Channels a -> b -> c of each pair: 7ab + 7bc weights and b batch norms against 49ac, all at
    17x17; the first pair of each branch but the last has as many channels between as behind."""
    pairs = [(192, 192, 192)]  # in the module that reduces 17x17
    for c in (128, 160, 160, 192):
        pairs += [(c, c, 192), (c, c, c), (c, c, 192)]
    more = sum(49 * a * c - 7 * a * b - 7 * b * c for a, b, c in pairs)
    norms = sum(2 * b for _, b, _ in pairs)
    factorised, whole = network("inception_v3"), network("inception_v3_symmetric")
    assert whole.params == factorised.params + more - norms
    assert whole.macs == factorised.macs + more * 17**2
    assert body(whole)[-1].receptive_field.size == body(factorised)[-1].receptive_field.size
    assert whole.depth == factorised.depth - 1 - 4 * 2
