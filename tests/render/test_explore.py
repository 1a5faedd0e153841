"""The page of `convcalc explore`: its data, its drawing, and what foreign names can do to it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.api.explore import Scatter
from convcalc.errors import LimitError, OptionError, SourceError, SymbolError
from convcalc.graph import Graph
from convcalc.networks.sources import graphs_at
from convcalc.render.explore import to_dict
from convcalc.render.explore.layout import HEIGHT, WIDTH, layout
from convcalc.render.explore.scatter import scatter
from convcalc.render.numbers import si
from tests.cli.running import Program


class _Page(HTMLParser):
    """The elements of a page, with the text within scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def data_of(page: str) -> Any:
    return json.loads(_Page(page).texts["data"])


def graph_of(network: str) -> Graph:
    ((graph, *_),) = graphs_at([network])
    return graph


def test_the_page_holds_what_was_computed() -> None:
    found = convcalc.explore("7x1s2+1x7", "7x7s2", input="8x31x40")
    (first, second) = data_of(found.to_html())["networks"]
    report = convcalc.analyze("7x1s2+1x7", input="8x31x40")
    assert [layer["name"] for layer in first["layers"]] == [r.name for r in report.layers]
    assert first["totals"][1] == f"{report.params:,}"
    assert second["layers"][0]["seen"] == [[-3, 2, 7, 16], [-3, 2, 7, 20]]
    assert first["totals"][2] == "286.7 k"  # 2 * 8*8*7 * 16*20
    assert second["totals"][2] == "1.004 M\n3.50x more"  # 8*8*49 * 16*20


def intervals(axis: Any, units: int) -> list[list[int]]:
    """What the page's script makes of an axis."""
    if isinstance(axis[0], int):
        first, step, size, _ = axis
        return [[first + step * u, first + step * u + size - 1] for u in range(units)]
    return list(axis)


@pytest.mark.parametrize(
    "network", ["3x3s2+3x3d2", "convt4x4s2p1+3x3", "add(up2+3x3s2|5x5)", "3s2+5", "1x3x3+3x1x1s2"]
)
def test_every_unit_sees_what_rf_says(network: str) -> None:
    found = convcalc.explore(
        network, input={"3s2+5": "2x19", "1x3x3+3x1x1s2": "2x7x9x8"}.get(network, "2x16x17")
    )
    shown = to_dict(found)["networks"][0]
    last = shown["layers"][-1]
    for axis, (data, units) in enumerate(zip(last["seen"], last["spatial"], strict=True)):
        for unit, (low, high) in enumerate(intervals(data, units)):
            at = [size // 2 for size in last["spatial"]]
            at[axis] = unit
            view = convcalc.receptive_field(
                network, unit=tuple(at), input=found.networks[0].report.input
            )
            extent = view.input.spatial[axis]
            assert view.region[axis] == (max(low, 0), min(high, extent - 1))


def test_pictures_say_how_much_each_cell_counts() -> None:
    (shown,) = to_dict(convcalc.explore("3x3+3x3", "add(7x1|1x7)", input="1x20x20"))["networks"][:1]
    square = shown["layers"][1]
    rows, columns, text = shown["pictures"][square["picture"]]
    values = [int(digit, 36) for digit in text]
    assert (rows, columns) == (5, 5)
    weights = [a * b for a in (1, 2, 3, 2, 1) for b in (1, 2, 3, 2, 1)]
    assert values == [max(1, round(35 * weight / 9)) for weight in weights]
    assert shown["layers"][0]["picture"] == -1  # a plain convolution reads all alike


def test_a_cross_is_drawn_as_a_cross() -> None:
    (shown,) = to_dict(convcalc.explore("add(7x1|1x7)", input="1x20x20"))["networks"]
    rows, columns, text = shown["pictures"][shown["layers"][-1]["picture"]]
    read = {(i // columns, i % columns) for i, digit in enumerate(text) if digit != "0"}
    assert (rows, columns) == (7, 7)
    assert read == {(i, 3) for i in range(7)} | {(3, i) for i in range(7)}


def test_padding_within_the_network_is_not_seen() -> None:
    (shown,) = to_dict(convcalc.explore("3s2+3d2", input="1x8"))["networks"]
    assert shown["layers"][1]["seen"] == [[[0, 5], [1, 7], [0, 5], [1, 7]]]


@pytest.mark.parametrize("network", ["zoo:inception_v3", "zoo:googlenet", "zoo:resnet50"])
def test_no_two_boxes_overlap_and_lines_point_down(network: str) -> None:
    graph = graph_of(network)
    drawing = layout(graph)
    for (x, y), (u, v) in combinations(drawing.places, 2):
        assert abs(x - u) >= WIDTH or abs(y - v) >= HEIGHT
    assert all(0 <= x <= drawing.width - WIDTH for x, _ in drawing.places)
    assert all(0 <= y <= drawing.height - HEIGHT for _, y in drawing.places)
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            assert source < 0 or drawing.places[source][1] < drawing.places[index][1]


def test_branches_lie_side_by_side() -> None:
    graph = graph_of("1x1+cat(3x3|5x5+add(1x3|3x1)|id)+3x3")
    across = [x for x, _ in layout(graph).places]
    columns = dict(zip([node.spec for node in graph.nodes], across, strict=True))
    left, right = across[1], columns["id"]  # the last 3x3 has the same spec as the first branch
    inner = columns["1x3"], columns["3x1"]
    assert inner[0] + inner[1] == 2 * columns["5x5"]
    assert left < inner[0] < inner[1] < right
    assert across[0] == across[-1] == (left + right) // 2


def test_a_hostile_name_stays_a_name() -> None:
    name = "</script><script>f()</script><img src=x onerror=alert(1)><!--&amp;\u2028"
    page = convcalc.explore(replace(graph_of("3x3"), name=name)).to_html()
    parsed = _Page(page)
    assert "img" not in {tag for tag, _ in parsed.elements}
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert data_of(page)["networks"][0]["name"] == name


def test_the_page_asks_no_network_for_anything() -> None:
    page = convcalc.explore("3x3").to_html()
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|fetch\(|XMLHttpRequest", page)
    policy = next(a for t, a in _Page(page).elements if a.get("http-equiv"))
    assert str(policy["content"]).startswith("default-src 'none'; ")


def test_the_policy_lets_only_the_pages_script_run() -> None:
    from base64 import b64encode
    from hashlib import sha256

    parsed = _Page(convcalc.explore("3x3").to_html())
    digest = b64encode(sha256(parsed.texts["script"].encode()).digest()).decode()
    policy = next(a for t, a in parsed.elements if a.get("http-equiv"))
    assert f"script-src 'sha256-{digest}'" in str(policy["content"])


def test_the_command_writes_the_page(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "net.html"
    assert program("explore", "7x7", "7x1+1x7", "--output", str(file)) == (0, "", "")
    assert len(data_of(file.read_text(encoding="utf-8"))["networks"]) == 2
    code, page, _ = program("explore", "7x7")
    assert code == 0 and page.startswith("<!doctype html>")


def test_the_front_of_a_search_is_drawn_as_it_is() -> None:
    result = convcalc.search("5x5@4", input="4x9x9", objectives="macs,span")
    data = data_of(convcalc.explore(result).to_html())
    drawn = data["scatter"]
    names = ["5x5@4", *(row.specs[0] for row in result.front)]
    assert [network["name"] for network in data["networks"]] == names
    assert (drawn["x"]["label"], drawn["y"]["label"]) == ("span", "MACs")
    known: list[Any] = [result.figures, *(row.figures for row in result.front)]
    for point, figures in zip(drawn["points"], known, strict=True):
        assert point["text"] == f"{si(figures['macs'])} MACs, {si(figures['span'])} span"
    for axis, name in (("x", "span"), ("y", "macs")):
        by_place = sorted(zip((p[axis] for p in drawn["points"]), known, strict=True),
                          key=lambda pair: pair[0])  # fmt: skip
        assert [f[name] for _, f in by_place] == sorted(f[name] for f in known)


def test_the_axes_of_a_front() -> None:
    even = scatter(Scatter("params", "macs", ((10, 100), (20, 1_000), (30, 100_000), None)))
    assert [point and point["x"] for point in even["points"]] == [0.06, 0.5, 0.94, None]
    assert [point and point["y"] for point in even["points"]] == [0.06, 0.3533, 0.94, None]
    assert even["x"]["ticks"] == [
        [0.06, "10"],
        [0.28, "15"],
        [0.5, "20"],
        [0.72, "25"],
        [0.94, "30"],
    ]
    assert [text for _, text in even["y"]["ticks"]] == ["100", "1 k", "10 k", "100 k"]
    alone = scatter(Scatter("params", "macs", ((7, 0),)))
    assert alone["points"][0]["x"] == alone["points"][0]["y"] == 0.5


def test_one_objective_is_drawn_against_params() -> None:
    result = convcalc.search("3x3@4", input="4x9x9", objectives="depth")
    found = convcalc.explore(result).scatter
    assert found is not None and (found.x, found.y) == ("params", "depth")
    with pytest.raises(OptionError, match="explored alone"):
        convcalc.explore(result, "3x3")


def test_search_writes_the_page_too(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "front.html"
    ran = program("search", "3x3@4", "--input", "4x9x9", "--explore", str(file))
    assert (ran.code, ran.err) == (0, f"wrote {file}\n")
    assert data_of(file.read_text(encoding="utf-8"))["scatter"]["points"]


def test_what_cannot_be_explored_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="2,001 layers: one page shows at most 2,000"):
        convcalc.explore("2001*3x3")
    with pytest.raises(LimitError, match="13 networks: one page holds at most 12"):
        convcalc.explore(*["3x3"] * 13)
    with pytest.raises(SymbolError, match="every size of"):
        convcalc.explore("3x3", input="CxHxW")
    with pytest.raises(SourceError, match="cannot write"):
        convcalc.explore("3x3", output=tmp_path / "no" / "net.html")


def test_notebooks_show_the_page_in_a_frame() -> None:
    frame = convcalc.explore("3x3")._repr_html_()
    (element,) = _Page(frame).elements
    assert element[0] == "iframe" and element[1]["sandbox"] == "allow-scripts"
    assert str(element[1]["srcdoc"]).startswith("<!doctype html>")
