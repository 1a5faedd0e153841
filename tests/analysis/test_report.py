"""Traffic, depth, batches, element sizes and conventions: a network's figures."""

from __future__ import annotations

import pytest

from convcalc import ConvcalcError, Shape, analyze, compare, parse
from convcalc.conventions import CONVENTIONS
from convcalc.graph import INPUT, Graph, Input, Node, Output
from convcalc.layers.activation import ReLU
from convcalc.layers.conv import Conv
from convcalc.layers.merge import Add
from convcalc.layers.traced import Traced
from tests.limits import Limit, cost

MAP = "4x6x5"  # 120 elements


def test_traffic_is_weights_inputs_and_outputs() -> None:
    # 3x3: 148 + 120 + 120; relu: 120 + 120; add: 120 + 120 + 120. Four bytes each.
    report = analyze("add(id | 3x3+relu)", input=MAP)
    by_name = {layer.name: layer.traffic_bytes for layer in report.layers}
    assert by_name == {"id1": 0, "conv1": 4 * 388, "relu1": 4 * 240, "add1": 4 * 360}
    assert report.traffic_bytes == 4 * (388 + 240 + 360)


def test_views_move_nothing() -> None:
    for spec in ("id", "dropout", "flatten", "take0-1"):
        assert analyze(spec, input=MAP).traffic_bytes == 0, spec


def test_weights_are_read_once_a_batch() -> None:
    report = analyze("3x3", input=MAP, batch=8, element_size=2)
    assert report.traffic_bytes == 2 * (148 + 8 * 240)
    assert report.params == 148
    assert report.macs == 8 * 16 * 9 * 30
    assert report.activations == 8 * 120


def test_intensity() -> None:
    # flops = 2*4320 + 120 bias adds; bytes 4*388
    report = analyze("3x3", input=MAP)
    assert report.intensity == (2 * 4320 + 120) / (4 * 388)
    assert analyze("id", input=MAP).intensity == 0.0


def test_activations_are_what_convolutions_and_linear_layers_write() -> None:
    # 8*30 by the 3x3, 8*30 by the depthwise, 10 by the fc; nothing by the rest.
    report = analyze("3x3@8+bn+relu+dw3x3+maxpool2x2+fc10+softmax", input=MAP)
    assert report.activations == 240 + 240 + 10
    assert [x.activations for x in report.layers] == [240, 0, 0, 240, 0, 10, 0]
    assert analyze("convt2x2s2@3", input=MAP).activations == 3 * 12 * 10


@pytest.mark.parametrize(
    ("spec", "depth", "nonlinearities"),
    [
        ("relu", 0, 1),
        ("7x7", 1, 0),
        ("7x1+relu+1x7+relu", 2, 2),
        ("sep3x3", 2, 0),
        ("maxpool2x2+bn+softmax+dropout+gap", 0, 0),
        ("fc10+relu+fc10", 2, 1),
        ("convt2x2s2", 1, 0),
        ("add(id | 3x3+relu+3x3)", 2, 1),
        # The deepest branch has the fewest activations: each figure has its own longest path.
        ("add(relu+relu | 3x3+3x3+3x3)", 3, 2),
        ("2*add(id | 3x3+relu)+3x3", 3, 2),
        ("cat(1x1 | 1x1+3x3 | 1x1+3x3+3x3 | maxpool3x3s1p1+1x1)", 3, 0),
        ("mul(id | gap+1x1+relu+1x1+sigmoid)", 2, 2),
    ],
)
def test_depth_and_nonlinearities(spec: str, depth: int, nonlinearities: int) -> None:
    report = analyze(spec)
    assert (report.depth, report.nonlinearities) == (depth, nonlinearities)


def test_conventions() -> None:
    # taps 4320, bias adds 120, compares 120
    flops = {name: analyze("3x3+relu", input=MAP, convention=name).flops for name in CONVENTIONS}
    assert flops["convcalc"] == 2 * 4320 + 120 + 120
    assert flops["macs"] == 4320
    assert flops["torch"] == 2 * 4320
    for name in CONVENTIONS:
        report = analyze("3x3+relu", input=MAP, convention=name)
        assert report.convention == name
        assert sum(layer.flops for layer in report.layers) == report.flops
        assert report.macs == 4320


def test_the_convention_does_not_touch_operations() -> None:
    reports = [analyze("3x3+bn", input=MAP, convention=name) for name in CONVENTIONS]
    assert len({report.operations for report in reports}) == 1


def test_the_readme_example() -> None:
    report = analyze("7x1+1x7", input="64x56x56")
    assert (report.params, report.macs, report.receptive_field.size) == (57472, 179830784, (7, 7))
    # 2 * (64*64*7 + 64); 2 * 64*64*7 * 56*56
    assert report.params == 2 * (64 * 64 * 7 + 64)
    assert report.macs == 2 * 64 * 64 * 7 * 56 * 56


def test_inputs_in_every_form() -> None:
    for size in ("4x6x5", (4, 6, 5), [4, 6, 5], Shape(4, (6, 5)), "4×6×5"):
        assert analyze("3x3", input=size).input == Shape(4, (6, 5))


@pytest.mark.parametrize(
    ("spec", "shape"),
    [("7x7", "64x56x56"), ("7", "64x56"), ("3x3x3", "64x8x56x56"), ("relu", "64x56x56"),
     ("relu+maxpool3", "64x56"), ("fc10", "64x56x56"), ("add(id | dw5)", "64x56")],
)  # fmt: skip
def test_default_input_follows_the_kernels(spec: str, shape: str) -> None:
    report = analyze(spec)
    assert str(report.input) == shape
    assert report.assumed[0] == f"input {shape} (default)"


def test_trees_and_graphs_are_networks_too() -> None:
    text = analyze("7x1+1x7")
    assert analyze(parse("7x1+1x7")) == text
    graph = Graph((Node("a", Conv((3, 3)), (INPUT,), "3x3"), Node("b", ReLU(), (0,), "relu"),
                   Node("c", Add(), (0, 1, INPUT), "add")), "mine", "a graph")  # fmt: skip
    report = analyze(graph, input="4x6x5")
    assert (report.name, report.reading) == ("mine", "a graph")
    assert report.params == 148
    assert report.layers[2].inputs == ("a", "b", "input")
    assert report.operations.adds == 240


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        (Node("a", ReLU(), (0,), "relu"),),
        (Node("a", ReLU(), (INPUT,), "relu"), Node("a", ReLU(), (0,), "relu")),
        (Node("a", ReLU(), (-2,), "relu"),),
    ],
)
def test_a_graph_is_validated(nodes: tuple[Node, ...]) -> None:
    with pytest.raises(ValueError, match=r"node"):
        Graph(nodes, "", "")


def test_several_outputs() -> None:
    nodes = (Node("a", Conv((3, 3), 8, stride=(2, 2)), (INPUT,), "3x3s2@8"),
             Node("b", Conv((5, 5), 2), (INPUT,), "5x5@2"),
             Node("c", Conv((3, 3)), (0,), "3x3"))  # fmt: skip
    outputs = (Output("coarse", 2), Output("fine", 1), Output("same", INPUT))
    graph = Graph(nodes, "pyramid", "", outputs=outputs)
    report = analyze(graph, input="4x12x10")
    shapes = {name: str(output.shape) for name, output in report.outputs.items()}
    assert shapes == {"coarse": "8x6x5", "fine": "2x12x10", "same": "4x12x10"}
    assert {name: output.receptive_field.size for name, output in report.outputs.items()} == {
        "coarse": (7, 7), "fine": (5, 5), "same": (1, 1)}  # fmt: skip
    assert report.output == report.outputs["coarse"].shape
    assert report.receptive_field == report.outputs["coarse"].receptive_field
    assert report.receptive_field.support == 49
    assert report.depth == 2
    assert report.inputs == {"input": Shape(4, (12, 10))}
    document = report.to_dict()["networks"][0]
    assert document["inputs"] == {"input": {"channels": 4, "spatial": [12, 10]}}
    assert [output["name"] for output in document["outputs"]] == ["coarse", "fine", "same"]
    fine = document["outputs"][1]
    assert fine["output"] == {"channels": 2, "spatial": [12, 10]}
    assert fine["receptive_field"] == fine["receptive_fields"]["input"]
    assert fine["receptive_field"]["support"] == 25
    assert document["receptive_field"] == document["outputs"][0]["receptive_field"]


@pytest.mark.parametrize("outputs", [(Output("a", 1),), (Output("a", 0), Output("a", 0))])
def test_outputs_are_validated(outputs: tuple[Output, ...]) -> None:
    with pytest.raises(ValueError, match="output"):
        Graph((Node("a", ReLU(), (INPUT,), "relu"),), "", "", outputs=outputs)


def test_comparison() -> None:
    comparison = compare("7x7", "7x1+1x7", "7x7", input="64x56x56")
    assert comparison.baseline is comparison.reports[0]
    half = comparison.relative(comparison.reports[1], "params")
    assert half == 57472 / 200768
    assert comparison.relative(comparison.reports[2], "macs") == 1.0


def test_ratios_to_nothing() -> None:
    comparison = compare("relu", "3x3", "bn")
    assert comparison.relative(comparison.reports[1], "macs") is None  # against 0
    assert comparison.relative(comparison.reports[2], "macs") == 1.0  # 0 against 0


@pytest.mark.parametrize("name", ["batch", "element_size"])
@pytest.mark.parametrize("value", [0, -1, 1_000_000_000, 1.5])
def test_amounts_are_checked(name: str, value: float) -> None:
    with pytest.raises(ConvcalcError) as caught:
        analyze("3x3", **{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == f"{name}={value}: expected a number from 1 to 999,999,999"


def test_no_network_and_no_text() -> None:
    with pytest.raises(ConvcalcError, match=r"^expected a network\nhint: for example 7x1\+1x7$"):
        compare()
    with pytest.raises(ConvcalcError, match=r"expected a network, got 7\n"):
        analyze(7)


def test_huge_networks_are_exact() -> None:
    report = analyze("3x3@999999999", input="999999999x1x1")
    assert report.params == 9 * 999_999_999**2 + 999_999_999
    assert report.valid_macs == 999_999_999**2


def test_work_grows_with_the_layers_and_no_faster() -> None:
    """Counted in calls of functions, which are the same on any machine."""
    calls = []
    for repeats in (50, 100, 200):
        with cost(Limit(calls=0)) as spent:
            analyze(f"{repeats}*(3x3+relu+add(id | 1x1))", input="8x16x16")
        calls.append(spent.calls)
    assert calls[2] - calls[1] <= 2.2 * (calls[1] - calls[0])


def test_ten_thousand_layers_are_analysed() -> None:
    report = analyze("5000*(3x3+relu)", input="8x16x16")
    assert (report.depth, report.nonlinearities, len(report.layers)) == (5000, 5000, 10_000)
    assert report.receptive_field.size == (10_001, 10_001)
    assert report.receptive_field.support == 10_001**2


def test_two_inputs_are_seen_each_for_itself() -> None:
    """conv3(x) + conv5(y), and a second output of y alone."""
    nodes = (
        Node("a", Conv((3, 3)), (-1,), "3x3"),
        Node("b", Conv((5, 5), stride=(2, 2)), (-2,), "5x5s2"),
        Node("sum", Add(), (0, 1), "add"),
        Node("constant", Traced("constant", Shape(4, (6, 5)), reading=()), (), "constant"),
        Node("late", Add(), (2, 3), "add"),
    )
    graph = Graph(
        nodes, "two", "two inputs", Shape(4, (6, 5)),
        inputs=(Input("x", Shape(4, (6, 5))), Input("y", Shape(4, (12, 10)))),
        outputs=(Output("late", 4), Output("b", 1), Output("constant", 3), Output("y", -2)),
    )  # fmt: skip
    report = analyze(graph)
    assert report.inputs == {"x": Shape(4, (6, 5)), "y": Shape(4, (12, 10))}
    late, b, constant, y = report.outputs.values()
    assert {name: field.size for name, field in late.receptive_fields.items()} == {
        "x": (3, 3), "y": (5, 5),
    }  # fmt: skip
    assert late.receptive_field == report.receptive_field == late.receptive_fields["x"]
    assert {name: field.size for name, field in b.receptive_fields.items()} == {"y": (5, 5)}
    assert [str(stride) for stride in b.receptive_field.stride] == ["2", "2"]
    assert constant.receptive_fields == {} and constant.receptive_field.size == ()
    assert y.receptive_field.size == (1, 1) and y.shape == Shape(4, (12, 10))
    sizes = {layer.name: layer.receptive_field.size for layer in report.layers}
    assert sizes == {"a": (3, 3), "b": (5, 5), "sum": (3, 3), "constant": (), "late": (3, 3)}
    assert report.layers[1].inputs == ("y",)


def test_a_report_in_a_python_session() -> None:
    report = analyze("7x1+1x7", input="64x56x56")
    assert repr(report) == (
        "<Report '7x1+1x7': 57472 params, 179830784 MACs at 64x56x56, output 64x56x56>"
    )
    lines = report.to_markdown().splitlines()
    assert lines[0].startswith("| layer | spec | output | params ")
    assert len([line for line in lines if line.startswith("| conv")]) == 2


def test_the_share_of_taps_on_padding() -> None:
    report = analyze("3x3+relu", input="2x4x4")
    conv, relu = report.layers
    assert conv.on_padding == report.on_padding == 1 - 100 / 144  # 10 of 12 along each axis
    assert relu.on_padding is None
    assert analyze("3x3", input="CxHxW").on_padding is None
    assert analyze("3x3", input="Cx9x9").on_padding is None
