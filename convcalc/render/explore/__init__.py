"""The page of `convcalc explore`: one file that needs no server and makes no network requests.

`page.html`, `page.css` and `page.js` are combined with the data. The page's security policy lets no
other script run, and data reaches the page as text only, so that names from a file cannot inject
markup.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from convcalc.analysis import LayerReport, Report
from convcalc.analysis.figures import COSTS
from convcalc.api.explore import Exploration, ExploredNetwork, LayerView, Line
from convcalc.errors import shorten
from convcalc.render import numbers
from convcalc.render.explore.layout import layout
from convcalc.render.explore.pictures import Picture, picture
from convcalc.render.explore.scatter import scatter

AxisData = int | list[int] | list[list[int] | None]


def to_html(exploration: Exploration) -> str:
    """The whole page."""
    from convcalc import __version__

    reports = [network.report for network in exploration.networks]
    script = _read("page.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    headings = ["network", *(figure.label for figure in COSTS), "depth", "field"]
    return Template(_read("page.html")).substitute(
        title=escape(_title(exploration, [shorten(report.name, 40) for report in reports])),
        hash=f"sha256-{digest}",
        style=_read("page.css"),
        headings="".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings),
        footer=escape(f"convcalc {__version__}; {'; '.join(reports[0].assumed)}"),
        data=_as_script(to_dict(exploration)),
        script=script,
    )


def _title(exploration: Exploration, names: list[str]) -> str:
    if exploration.scatter is not None:
        return f"What can stand in the place of {names[0]}"
    more = len(names) - 3
    return " and ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def to_dict(exploration: Exploration) -> dict[str, Any]:
    """The data of the page."""
    base = exploration.networks[0].report
    return {
        "networks": [_network(network, base) for network in exploration.networks],
        "scatter": exploration.scatter and scatter(exploration.scatter),
    }


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _as_script(document: Any) -> str:
    """JSON escaped for embedding: nothing in it can close the element that holds it."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _network(network: ExploredNetwork, base: Report) -> dict[str, Any]:
    report, drawing = network.report, layout(network.graph)
    pictures: dict[Picture, int] = {}
    painted: dict[int, Picture | None] = {}  # layers share views
    layers = []
    for layer, seen, (x, y) in zip(report.layers, network.layers, drawing.places, strict=True):
        if id(seen.view) not in painted:
            painted[id(seen.view)] = picture(seen.view)
        shown = painted[id(seen.view)]
        layers.append(
            {
                "name": layer.name,
                "spec": layer.spec,
                "output": str(layer.output),
                "spatial": list(layer.output.spatial),
                "share": _percent(layer.macs, report.macs),
                "depth": round(layer.depth / max(report.depth, 1), 3),
                "x": x,
                "y": y,
                "seen": list(map(_axis, seen.lines, report.input.spatial)),
                "moves": [line.axis for line in seen.lines],
                "picture": -1 if shown is None else pictures.setdefault(shown, len(pictures)),
                "facts": _facts(layer, report, seen),
            }
        )
    return {
        "name": report.name,
        "input": {"spatial": list(report.input.spatial), "text": str(report.input)},
        "totals": _totals(report, base),
        "start": _start(report),
        "graph": {"width": drawing.width, "height": drawing.height, "edges": drawing.edges},
        "layers": layers,
        "pictures": list(pictures),
    }


def _percent(share: int, whole: int) -> float:
    return round(100 * share / whole, 1) if whole else 0


def _start(report: Report) -> int:
    """The layer shown first: the last one whose units see less than the whole input."""
    for index in range(len(report.layers) - 1, 0, -1):
        sizes = zip(report.layers[index].receptive_field.size, report.input.spatial, strict=True)
        if all(size is not None and size < extent for size, extent in sizes):
            return index
    return 0


def _totals(report: Report, base: Report) -> list[str]:
    """The cells of a network's row: figures, each above its ratio to the first network's."""
    cells = [report.name]
    for figure in COSTS:
        text = numbers.figure(figure, figure.of(report))
        if report is not base and (first := figure.of(base)):
            text += f"\n{numbers.relation(figure, figure.of(report) / first)}"
        cells.append(text)
    return [*cells, str(report.depth), numbers.field_size(report.receptive_field)]


def _facts(layer: LayerReport, report: Report, seen: LayerView) -> list[list[str]]:
    """The named facts shown about a layer."""
    field = layer.receptive_field
    facts = [
        ["layer", layer.spec],
        ["reads", ", ".join(layer.inputs)],
        ["field", numbers.field_size(field)],
        ["stride", numbers.field_stride(field)],
    ]
    if seen.view.read is not None:
        facts.append(["positions read", f"{seen.view.read:,}"])
    facts += [
        ["params", numbers.grouped(layer.params)],
        ["MACs", f"{numbers.si(layer.macs)} ({_percent(layer.macs, report.macs)}%)"],
        ["traffic", numbers.si(layer.traffic_bytes, "B")],
    ]
    return [fact for fact in facts if fact[1] not in ("", "0", "0 (0.0%)")]


def _axis(of: Line, extent: int) -> AxisData:
    """What each unit sees along an axis, as `seen` in page.js reads it."""
    line = of.seen
    if set(line) == {(0, extent - 1)}:
        return 0
    middle = len(line) // 2
    for unit in range(middle, len(line) - 1):  # the even part, from any two neighbours on
        here, beside = line[unit], line[unit + 1]
        if here is None or beside is None:
            continue
        step, size = beside[0] - here[0], here[1] - here[0] + 1
        first = here[0] - unit * step
        even = [(first + step * u, first + step * u + size - 1) for u in range(len(line))]
        if all(part == _cut(whole, extent) for part, whole in zip(line, even, strict=True)):
            return [first, step, size, len(line)]
        break
    return [None if part is None else list(part) for part in line]


def _cut(part: tuple[int, int], extent: int) -> tuple[int, int] | None:
    low, high = max(part[0], 0), min(part[1], extent - 1)
    return (low, high) if low <= high else None
