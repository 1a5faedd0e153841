"""Tables for a terminal, with rich. A user's text is never read as rich's markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from convcalc.analysis.figures import COSTS, NUMBERS, Figure, present
from convcalc.analysis.predicted import PredictedTime
from convcalc.analysis.report import LayerReport, Report
from convcalc.analysis.stages import STAGE
from convcalc.api.compare import Comparison
from convcalc.conventions import CONVENTIONS
from convcalc.networks.sources import is_file
from convcalc.quantities import ReceptiveField, is_number
from convcalc.render import numbers
from convcalc.render.display import Text

MAX_ROWS = 400
"""Layers that a table shows: half of them from the beginning, half from the end."""

_RATIO = "dim"
_BETTER = "green"
_WORSE = "yellow"


def comparison_table(comparison: Comparison, layers: bool = False) -> RenderableType:
    """What the variants cost, what a unit of each sees, and what follows."""
    symbolic = not is_number(comparison.baseline.input.elements)
    tables = [_symbolic_costs(comparison) if symbolic else _costs(comparison), _views(comparison)]
    if layers:
        tables += [_layers(report) for report in comparison.reports]
    spaced: list[RenderableType] = [part for table in tables for part in (table, Text(""))]
    spaced += _outputs(comparison.reports)
    spaced += [_incomplete(report) for report in comparison.reports if not report.complete]
    return Group(*spaced, _points(comparison), _assumed(comparison.baseline))


def report_table(report: Report) -> RenderableType:
    """A row for each layer, and the totals."""
    said = Text(
        f"\n{numbers.si(report.flops)} FLOPs, {numbers.si(report.activations)} activations, "
        f"{numbers.si(report.traffic_bytes, 'B')} of traffic; depth {report.depth}, "
        f"{report.nonlinearities} non-linear. {_seen(report.receptive_field)}"
    )
    if (before := report.field_before_head) is not None:
        size = f"{numbers.field_size(before)} at stride {numbers.field_stride(before)}"
        said.append(f" Before the head it is {size}.")
    if any(layer.kind == STAGE for layer in report.layers):
        said.append(" Stages are folded: --stage NAME or --depth 2 unfolds them.")
    parts: list[RenderableType] = [
        _layers(report),
        *_ends(report),
        said,
        *_outputs([report]),
        _assumed(report),
    ]
    return Group(*parts, *([] if report.complete else [_incomplete(report)]))


def _ends(report: Report) -> list[Text]:
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
    return [Text(f"\nInput: {inputs}. Outputs: {'; '.join(outputs)}.")]


def _outputs(reports: Sequence[Report]) -> list[RenderableType]:
    """The outputs of networks that have several, each by its name."""
    table = plain_table("Outputs", "output", "shape", "field", "stride")
    for report in reports:
        if len(report.outputs) < 2 or len(report.inputs) > 1:
            continue
        for name, output in report.outputs.items():
            field = output.receptive_field
            shown = name if len(reports) == 1 else f"{name} of {report.name}"
            table.add_row(Text(shown), Text(numbers.shape(output.shape)),
                          numbers.field_size(field), numbers.field_stride(field))  # fmt: skip
    return [Text(""), table, Text("")] if table.row_count else []


def _incomplete(report: Report) -> Text:
    """What the figures leave out."""
    count = len(report.unknown)
    more = f"; and {count - 5} more" if count > 5 else ""
    return Text(
        f"Incomplete: {report.name} has {count} operation{'' if count == 1 else 's'} that no "
        f"figure counts: {'; '.join(report.unknown[:5])}{more}.",
        style="bold yellow",
    )


def _seen(field: ReceptiveField) -> str:
    """What an output unit sees, in a sentence."""
    if not field.size:
        return "The input has no positions."
    if all(size is None for size in field.size):
        return "An output unit sees the whole input."
    size = f"{numbers.field_size(field)} positions at stride {numbers.field_stride(field)}"
    if field.density is not None and field.density < 1:
        return f"An output unit's field is {size}; it reads {numbers.field_support(field)}."
    return f"An output unit sees {size}."


def plain_table(title: str, *headings: str) -> Table:
    table = Table(
        title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.columns[0].justify = "left"
    table.columns[0].no_wrap = False
    table.columns[0].overflow = "fold"
    return table


def _costs(comparison: Comparison) -> Table:
    costs = (*COSTS, *present(comparison.reports))
    table = plain_table("Cost", "network", *(figure.label for figure in costs))
    for report in comparison.reports:
        table.add_row(_name(report), *(_with_ratio(comparison, report, f) for f in costs))
    _wrap(table)
    return table


def _wrap(table: Table) -> None:
    """In a narrow window numbers are broken into lines, where the first column would vanish."""
    for column in table.columns:
        column.no_wrap = False
        column.overflow = "fold"


def _symbolic_costs(comparison: Comparison) -> Table:
    """Expressions are long: a row for each figure of each network."""
    table = plain_table("Cost", "network", "", "count", "against the first")
    for column in table.columns[1:3]:
        column.justify = "left"
    table.columns[2].no_wrap = False
    table.columns[2].overflow = "fold"
    for report in comparison.reports:
        for row, figure in enumerate(COSTS):
            ratio = comparison.relative(report, figure.key)
            relation = "" if report is comparison.baseline else numbers.relation(figure, ratio)
            label = f"{figure.label}, bytes" if figure.unit == "B" else figure.label
            text = numbers.figure(figure, figure.of(report))
            table.add_row(_name(report) if row == 0 else "", label, text, relation)
        table.add_section()
    return table


_STRUCTURE = [figure for figure in NUMBERS if figure.is_shown and not figure.is_cost]


def _views(comparison: Comparison) -> Table:
    table = plain_table(
        "Structure and receptive field",
        "network", "output", *(figure.label for figure in _STRUCTURE), "field", "stride", "reads",
    )  # fmt: skip
    _wrap(table)
    for report in comparison.reports:
        field = report.receptive_field
        table.add_row(
            Text(report.name, style="bold"),
            Text(numbers.shape(report.output)),
            *(numbers.figure(figure, figure.of(report)) for figure in _STRUCTURE),
            numbers.field_size(field) + ("" if field.aligned else "*"),
            numbers.field_stride(field),
            numbers.field_support(field),
        )
    if not all(report.receptive_field.aligned for report in comparison.reports):
        table.caption = "* merged branches disagree about the centre of a unit's field"
        table.caption_justify = "left"
    return table


def _layers(report: Report) -> Table:
    table = plain_table(
        _title(report),
        "layer", "spec", "output", "params", "MACs", "%", "field",
        *(["time"] if report.time is not None else []),
    )  # fmt: skip
    table.columns[1].justify = "left"
    for column in table.columns[1:] if not is_number(report.input.elements) else table.columns[1:2]:
        column.no_wrap = False
        column.overflow = "fold"
    open_branch: tuple[tuple[str, int], ...] = ()
    hidden = len(report.layers) - MAX_ROWS
    for index, layer in enumerate(report.layers):
        if hidden > 0 and MAX_ROWS // 2 <= index < MAX_ROWS // 2 + hidden:
            if index == MAX_ROWS // 2:
                table.add_row("...", f"{hidden:,} layers more: --format csv lists all")
            continue
        table.add_row(
            _tree_name(layer, open_branch),
            Text(layer.spec),
            Text(numbers.shape(layer.size)),
            numbers.grouped(layer.params) if layer.params else "",
            numbers.si(layer.macs) if layer.macs else "",
            numbers.percent(layer.macs, report.macs) if layer.macs else "",
            _field(layer),
            *([numbers.brief_time(layer.time)] if layer.time is not None else []),
        )
        open_branch = layer.branch
    table.add_section()
    table.add_row(
        Text("total", style="bold"),
        "",
        Text(numbers.shape(report.output)),
        numbers.grouped(report.params),
        numbers.si(report.macs),
        "100.0" if report.macs else "",
        numbers.field_size(report.receptive_field),
        *([numbers.predicted(report.time)] if report.time is not None else []),
    )
    return table


def _title(report: Report) -> str:
    """The name, and what a file calls itself."""
    name = report.name if len(report.name) < 60 else report.name[:57] + "..."
    return (
        f"{name}: {report.reading}"
        if report.reading != report.name and is_file(report.name)
        else name
    )


def _field(layer: LayerReport) -> str:
    return numbers.field_size(layer.receptive_field) + (
        "" if layer.receptive_field.aligned else "*"
    )


def _tree_name(layer: LayerReport, before: tuple[tuple[str, int], ...]) -> Text:
    """The layer's name behind the rails of the branches it lies in."""
    rails = ""
    for depth, (_, number) in enumerate(layer.branch):
        opens = layer.branch[: depth + 1] != before[: depth + 1]
        rails += ("┌" if number == 1 else "├") + "╴" if opens else "│ "
    if len(before) > len(layer.branch) and before[len(layer.branch)][0] == layer.name:
        rails += "└╴"
    return Text.assemble((rails, "dim"), layer.name)


def _name(report: Report) -> Text:
    text = Text(report.name, style="bold")
    if report.reading != report.name:
        text.append(f"\n{report.reading}", style="not bold dim")
    return text


def _with_ratio(comparison: Comparison, report: Report, figure: Figure) -> Text:
    text = numbers.figure(figure, figure.of(report)).replace(" ±", "\n±")
    if report is comparison.baseline:
        return Text(text)
    ratio = comparison.relative(report, figure.key)
    relation = numbers.relation(figure, ratio)
    style = _RATIO
    if isinstance(ratio, float) and ratio != 1:
        style = _BETTER if ratio < 1 else _WORSE
    return Text.assemble(text, ("\n" + relation, style)) if relation else Text(text)


def _points(comparison: Comparison) -> Table:
    """The notes, one point each."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for note in comparison.notes:
        grid.add_row("-", Text(note.text + (f" ({note.source})." if note.source else "")))
    return grid


def _assumed(report: Report) -> Text:
    meaning = CONVENTIONS[report.convention].meaning
    said = [
        *report.assumed,
        f"batch {report.batch}",
        f"{report.element_size} bytes a number",
        f"FLOPs by {report.convention}: {meaning}",
    ]
    if report.time is not None:
        said.append(_prediction(report.time))
    return Text(f"Assumed: {'; '.join(said)}.", style="dim")


def _prediction(time: PredictedTime) -> str:
    """What a predicted time rests on."""
    return f"time predicted for {time.machine}; ~ where layers are estimated, not measured"
