"""One network for a terminal: a row for each layer, where the work is, what a unit sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convcalc.analysis.report import LayerReport, Report
from convcalc.analysis.stages import STAGE, parts_of
from convcalc.graph import BranchPath
from convcalc.networks.sources import is_file
from convcalc.quantities import ReceptiveField, is_number
from convcalc.render import numbers
from convcalc.render.below import assumed, incomplete, outputs
from convcalc.render.columns import chosen
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.spans import Spans, spans

MAX_ROWS = 400
"""Layers that a table shows: half of them from the beginning, half from the end."""

BAR = 10
"""Columns of the bar of a share."""

HEAVY = 5
"""The heaviest layers are bold until they make half of the MACs, at most so many."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"

_HINT = "--columns chooses"

DEFAULT = ("spec", "output", "params", "macs", "percent", "share", "field")

_LABELS = {
    "macs": "MACs",
    "valid_macs": "valid MACs",
    "on_padding": "padding",
    "flops": "FLOPs",
    "percent": "%",
    "share": "",
    "nonlinearities": "non-linear",
}
_DROPS = {"valid_macs": 5, "share": 4, "spec": 3, "output": 2, "on_padding": 2, "percent": 1}
_LEFT = ("spec", "kind", "inputs", "share")


def report_page(
    report: Report, columns: Sequence[str] = (), sort: str | None = None, title: bool = True
) -> Page:
    """A row for each layer, the totals, and what an output unit sees.

    Args:
        columns: their names; none for the usual ones.
        sort: a figure by which the layers are sorted, the largest first.

    Raises:
        OptionError: a column or figure that there is not.
    """
    names = chosen(columns, tuple(COLUMNS), "columns")
    if not names:
        names = [*DEFAULT, *(["time"] if report.time is not None else [])]
        if numbers.is_padded(report):
            names[names.index("macs") + 1 : names.index("macs") + 1] = ["valid_macs", "on_padding"]
    table = layer_table(report, names, sort, keep=bool(columns))
    if title:
        table.title = title_of(report)
    parts: list[Any] = [table, *_ends(report), Blank()]
    parts.append(Paragraph.of(" ".join(_sentences(report))))
    parts += outputs([report])
    if not report.complete:
        parts.append(incomplete(report))
    return Page([*parts, assumed(report)])


def _sentences(report: Report) -> list[str]:
    found = [
        f"{numbers.si(report.flops)} FLOPs, {numbers.si(report.activations)} activations, "
        f"{numbers.si(report.traffic_bytes, 'B')} of traffic; depth {report.depth}, "
        f"{report.nonlinearities} non-linear.",
        _seen(report.receptive_field),
    ]
    if (before := report.field_before_head) is not None:
        size = f"{numbers.field_size(before)} at stride {numbers.field_stride(before)}"
        found.append(f"Before the head it is {size}.")
    if any(layer.kind == STAGE for layer in report.layers):
        found.append("Stages are folded: --stage NAME or --depth 2 unfolds them.")
    return found


def _ends(report: Report) -> list[Any]:
    """The inputs, and what each output sees of them, where there are several inputs."""
    if len(report.inputs) < 2:
        return []
    inputs = ", ".join(f"{name} {numbers.shape(shape)}" for name, shape in report.inputs.items())
    outputs = []
    for name, output in report.outputs.items():
        seen = [
            numbers.field_size(field) + (f" of {given}" if len(report.inputs) > 1 else "")
            for given, field in output.receptive_fields.items()
        ]
        outputs.append(
            f"{name} {numbers.shape(output.shape)} (sees {', '.join(seen) or 'nothing'})"
        )
    return [Blank(), Paragraph.of(f"Input: {inputs}. Outputs: {'; '.join(outputs)}.")]


def _seen(field: ReceptiveField) -> str:
    """What an output unit sees, in a sentence."""
    if not field.size:
        return "The input has no positions."
    if all(size is None for size in field.size):
        return "An output unit sees the whole input."
    size = f"{numbers.field_size(field)} positions at stride {numbers.field_stride(field)}"
    if field.density is not None and field.density < 1:
        return f"An output unit's field is {size}; it reads {numbers.field_support(field)}."
    causal = ", none of them beyond its own (causal)" if field.causal else ""
    return f"An output unit sees {size}{causal}."


def title_of(report: Report) -> str:
    """The name, and what a file calls itself."""
    if report.reading != report.name and is_file(report.name):
        return f"{report.name}: {report.reading}"
    return report.name


# The table


def layer_table(
    report: Report, names: Sequence[str], sort: str | None = None, keep: bool = False
) -> Table:
    """A row for each layer and one for the total, stages named once.

    Args:
        keep: the columns were asked for: the last are left out first.
    """
    shown = []
    for number, name in enumerate(names):
        drop = number if keep else _DROPS.get(name, 0)
        flexible = "cut" if name in ("spec", "inputs", "kind") else ""
        if not is_number(report.input.elements) and name not in _LEFT:
            flexible = "wrap"
        justify = "left" if name in _LEFT else "right"
        shown.append(
            Column(_LABELS.get(name, name), justify, flexible, least=16, drop=drop)  # type: ignore[arg-type]
        )
    table = Table("", [Column("layer", "left"), *shown], hint=_HINT)
    layers = _sorted(report.layers, sort)
    heavy = _heaviest(layers, report.macs)
    cells = [_CELLS[name] for name in names]
    stage = ""
    open_branch: BranchPath = ()
    hidden = len(layers) - MAX_ROWS
    for index, layer in enumerate(layers):
        if hidden > 0 and MAX_ROWS // 2 <= index < MAX_ROWS // 2 + hidden:
            if index == MAX_ROWS // 2:
                table.add_row("...", f"{hidden:,} more layers: --format csv lists all")
            continue
        parts = parts_of(layer.name)
        within = parts[0] if len(parts) > 1 and layer.kind != STAGE and sort is None else ""
        if within and within != stage:
            table.add_row(spans((within, "bold")))
        stage = within
        style = "bold" if index in heavy else "" if layer.macs or layer.kind == STAGE else "dim"
        name = layer.name[len(within) + 1 :] if within else layer.name
        branch = () if sort else layer.branch
        rails = _rails(branch, open_branch, layer.name) if sort is None else ""
        table.add_row(
            spans("  " if within else "", (rails, "dim"), (name, style)),
            *(_in_style(cell(report, layer), style) for cell in cells),
        )
        open_branch = branch
    table.add_section()
    totals = [_TOTALS[name](report) if name in _TOTALS else "" for name in names]
    table.add_row(spans(("total", "bold")), *(spans((text, "bold")) for text in totals))
    return table


def _in_style(text: str | Spans, style: str) -> Spans:
    return spans((text, style)) if isinstance(text, str) else text


def _sorted(layers: Sequence[LayerReport], sort: str | None) -> list[LayerReport]:
    """The layers, the largest figure first."""
    if sort is None:
        return list(layers)
    (name,) = chosen([sort], tuple(_FIGURES), "sort")
    return sorted(layers, key=lambda layer: -_number(getattr(layer, _FIGURES[name])))


def _number(value: Any) -> float:
    return float(value) if is_number(value) and value is not None else 0.0


def _heaviest(layers: Sequence[LayerReport], total: Any) -> set[int]:
    """The layers that make half of the MACs, at most HEAVY."""
    if not is_number(total) or not total or len(layers) < 4:
        return set()
    found: set[int] = set()
    left = total / 2
    for index in sorted(range(len(layers)), key=lambda i: -layers[i].macs)[:HEAVY]:
        if left <= 0 or not layers[index].macs:
            break
        found.add(index)
        left -= layers[index].macs
    return found


def _rails(branch: BranchPath, before: BranchPath, name: str) -> str:
    """The rails of the branches that a layer lies in."""
    rails = ""
    for depth, (_, number) in enumerate(branch):
        opens = branch[: depth + 1] != before[: depth + 1]
        rails += ("┌" if number == 1 else "├") + "╴" if opens else "│ "
    if len(before) > len(branch) and before[len(branch)][0] == name:
        rails += "└╴"
    return rails


def bar(share: float, room: int = BAR) -> str:
    """A bar of so many columns, in eighths."""
    eighths = round(8 * room * min(max(share, 0.0), 1.0))
    full, rest = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


# The columns


_FIGURES = {
    "params": "params",
    "macs": "macs",
    "valid_macs": "valid_macs",
    "flops": "flops",
    "activations": "activations",
    "traffic": "traffic_bytes",
    "memory": "traffic_bytes",
    "depth": "depth",
}
"""What layers are sorted by, and the attribute that holds it."""


def _count(value: Any, exact: bool = False) -> str:
    if is_number(value) and not value:
        return ""
    return numbers.grouped(value) if exact else numbers.si(value)


def _share(report: Report, layer: LayerReport) -> Spans:
    if not is_number(report.macs) or not report.macs or not layer.macs:
        return ()
    return spans((bar(layer.macs / report.macs), "cyan"))


def _input(report: Report, layer: LayerReport) -> str:
    shapes = {other.name: other.output for other in report.layers}
    shapes |= dict(report.inputs)
    known = [numbers.shape(shapes[name]) for name in layer.inputs if name in shapes]
    return ", ".join(known)


def _kernel(report: Report, layer: LayerReport) -> str:
    node = report.graph and next((n for n in report.graph.nodes if n.name == layer.name), None)
    size = getattr(node.layer, "kernel_size", None) if node else None
    return "x".join(map(str, size)) if isinstance(size, tuple) else ""


def _trainable(report: Report, layer: LayerReport) -> str:
    """The params that training changes: those of a torch model that are not frozen."""
    module = report.graph.module if report.graph is not None else None
    if module is None:
        return _count(layer.params, exact=True)
    try:
        own = module.get_submodule(layer.name.replace("/", "."))
    except AttributeError:
        return _count(layer.params, exact=True)
    return _count(sum(p.numel() for p in own.parameters() if p.requires_grad), exact=True)


_CELLS: dict[str, Callable[[Report, LayerReport], str | Spans]] = {
    "kind": lambda _, layer: layer.kind,
    "spec": lambda _, layer: layer.spec,
    "inputs": lambda _, layer: ", ".join(layer.inputs),
    "input": _input,
    "output": lambda _, layer: numbers.shape(layer.size),
    "kernel": _kernel,
    "params": lambda _, layer: _count(layer.params, exact=True),
    "trainable": _trainable,
    "macs": lambda _, layer: _count(layer.macs),
    "percent": lambda report, layer: numbers.percent(layer.macs, report.macs) if layer.macs else "",
    "share": _share,
    "valid_macs": lambda _, layer: _count(layer.valid_macs),
    "on_padding": lambda _, layer: numbers.on_padding(layer),
    "flops": lambda _, layer: _count(layer.flops),
    "activations": lambda _, layer: _count(layer.activations),
    "traffic": lambda _, layer: numbers.si(layer.traffic_bytes, "B") if layer.traffic_bytes else "",
    "field": lambda _, layer: numbers.marked_field(layer.receptive_field),
    "stride": lambda _, layer: numbers.field_stride(layer.receptive_field),
    "depth": lambda _, layer: str(layer.depth),
    "time": lambda _, layer: numbers.brief_time(layer.time) if layer.time is not None else "",
}
COLUMNS = tuple(_CELLS)
"""What `--columns` takes."""

_TOTALS: dict[str, Callable[[Report], str]] = {
    "output": lambda report: numbers.shape(report.output),
    "params": lambda report: numbers.grouped(report.params),
    "macs": lambda report: numbers.si(report.macs),
    "percent": lambda report: "100.0" if report.macs and is_number(report.macs) else "",
    "valid_macs": lambda report: numbers.si(report.valid_macs),
    "on_padding": lambda report: numbers.on_padding(report),
    "flops": lambda report: numbers.si(report.flops),
    "activations": lambda report: numbers.si(report.activations),
    "traffic": lambda report: numbers.si(report.traffic_bytes, "B"),
    "field": lambda report: numbers.marked_field(report.receptive_field),
    "stride": lambda report: numbers.field_stride(report.receptive_field),
    "depth": lambda report: str(report.depth),
    "time": lambda report: numbers.predicted(report.time) if report.time is not None else "",
}
