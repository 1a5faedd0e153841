"""The output of `convcalc search`: the front, the space searched, and what to do next."""

from __future__ import annotations

import shlex
from typing import Any

from convcalc.analysis.figures import FIGURES
from convcalc.api.search import SearchResult
from convcalc.networks.input_size import default_input
from convcalc.quantities import si
from convcalc.render import numbers
from convcalc.render.json import SCHEMA_VERSION, field_dict, shape_dict
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import Spans, spans
from convcalc.searching.rows import SearchRow

LABELS = {**{figure.name: figure.label for figure in FIGURES}, "span": "span"}
_BY_NAME = {figure.name: figure for figure in FIGURES}


def headline(result: SearchResult) -> str:
    """The size of the front, in one line."""
    rows = "1 row" if len(result.front) == 1 else f"{len(result.front)} rows"
    return f"in place of {result.reference.name}: {rows}"


def to_rows(result: SearchResult) -> Rows:
    """A row for each point of the front, in raw numbers."""
    timed = bool(result.seconds)
    head = ["row", "specs", *result.objectives, "count", "known", "source", "knee", "reference"]
    rows = [head + (["seconds"] if timed else [])]
    for number, row in enumerate(result.front, 1):
        cells = [
            str(number),
            " ".join(row.specs),
            *(str(row.figures[goal]) for goal in result.objectives),
            str(row.count),
            row.known or "",
            row.source or "",
            str(row.is_knee).lower(),
            str(row.is_reference).lower(),
        ]
        rows.append(cells + ([_raw_seconds(result, number)] if timed else []))
    return rows


def _raw_seconds(result: SearchResult, number: int) -> str:
    found = result.seconds[number] if number < len(result.seconds) else None
    return "" if found is None else repr(found)


def to_dict(result: SearchResult) -> dict[str, Any]:
    """The documented JSON."""
    from convcalc import __version__

    report = result.reference
    networks = result.networks
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "command": "search",
        "version": __version__,
        "input": shape_dict(report.input),
        "objectives": list(result.objectives),
        "requirements": list(result.required),
        "sequences": result.sequences,
        "candidates": result.candidates,
        "depth": result.depth,
        "complete": result.complete,
        "unmet": result.unmet,
        "reference": {
            "name": report.name,
            "at": result.at,
            "output": shape_dict(report.output),
            "receptive_field": {
                **field_dict(report.receptive_field),
                "support": report.receptive_field.support,
                "density": report.receptive_field.density,
            },
            "figures": dict(result.figures),
        },
        "front": [_row_dict(row) for row in result.front],
    }
    if networks:
        whole = [{"params": one.params, "macs": one.macs} for one in networks]
        document["reference"]["network"] = whole[0]
        for row, found in zip(document["front"], whole[1:], strict=True):
            row["network"] = found
    if result.seconds:
        document["reference"]["seconds"] = result.seconds[0]
        for row, seconds in zip(document["front"], result.seconds[1:], strict=False):
            row["seconds"] = seconds
    return document


def _row_dict(row: SearchRow) -> dict[str, Any]:
    return {
        "specs": list(row.specs),
        "figures": dict(row.figures),
        "count": row.count,
        "known": row.known,
        "source": row.source,
        "knee": row.is_knee,
        "reference": row.is_reference,
    }


def to_table(result: SearchResult) -> Page:
    """The front, the cost of the whole network, and what to do next."""
    parts: list[Any] = []
    if result.front:
        parts += [_front(result), Blank()]
        if result.networks:
            parts += [_networks(result), Blank()]
    elif result.complete:
        text = f"Nothing in the menus can stand in place of {result.reference.name}."
        parts += [Paragraph.of(text, "bold yellow"), Blank()]
    parts += [Paragraph.of(f"- {sentence}", indent=2) for sentence in sentences(result)]
    return Page([*parts, Paragraph.of(_assumed(result), "dim", indent=2)])


def _front(result: SearchResult) -> Table:
    goals = result.objectives
    columns = [
        Column("row", "left"),
        Column("candidate", "left", "wrap", least=16),
        *(Column(LABELS[goal]) for goal in goals),
        *([Column("time")] if result.seconds else []),
        Column("alike", drop=1),
    ]
    table = Table(_title(result), columns, spaced=True)
    if not any(row.is_reference for row in result.front):
        name = [spans((result.reference.name, "dim")), spans(("the reference", "dim"))]
        cells = [numbers_of(goal, result.figures[goal]) for goal in goals]
        table.add_row("-", name, *cells, *_seconds(result, 0))
    for number, row in enumerate(result.front, 1):
        mark = spans((f"{number}*", "bold")) if row.is_knee else f"{number}"
        found = [_cell(result, row, goal) for goal in goals]
        table.add_row(mark, _candidate(row), *found, *_seconds(result, number), si(row.count))
    return table


def _title(result: SearchResult) -> str:
    goals = [LABELS[goal] for goal in result.objectives]
    listed = " and ".join([", ".join(goals[:-1]), goals[-1]] if len(goals) > 1 else goals)
    return f"In place of {result.reference.name}: the best of {listed}"


def _candidate(row: SearchRow) -> list[Spans]:
    below = [*(["the reference"] if row.is_reference else []), *([row.known] if row.known else [])]
    return [spans((row.specs[0], "bold")), *(spans((text, "dim")) for text in below)]


def numbers_of(goal: str, value: int | None) -> str:
    """An objective's values as tables print them."""
    if value is None:
        return "-"
    return numbers.grouped(value) if goal == "span" else numbers.figure(_BY_NAME[goal], value)


def _cell(result: SearchResult, row: SearchRow, goal: str) -> list[Spans]:
    """A figure, and its ratio to the reference's."""
    value, base = row.figures[goal], result.figures[goal]
    lines = [spans(numbers_of(goal, value))]
    if base and value != base:
        better = value > base if goal == "span" else value < base
        figure = _BY_NAME.get(goal)
        ratio = numbers.relation(figure, value / base) if figure else numbers.times(value / base)
        lines.append(spans((ratio, "green" if better else "yellow")))
    return lines


def _seconds(result: SearchResult, number: int) -> list[str]:
    if not result.seconds:
        return []
    found = result.seconds[number] if number < len(result.seconds) else None
    return ["-" if found is None else numbers.duration(found)]


def _networks(result: SearchResult) -> Table:
    """The cost of the whole network with each row of the front."""
    columns = [Column("row", "left"), Column("params"), Column("MACs")]
    table = Table(f"The whole network with it at {result.at}", columns)
    base = result.networks[0]
    for number, report in enumerate(result.networks):
        cells = []
        for name in ("params", "macs"):
            text = numbers.figure(_BY_NAME[name], getattr(report, name))
            ratio = getattr(report, name) / (getattr(base, name) or 1)
            cells.append([spans(text), *([spans((numbers.times(ratio), "dim"))] if number else [])])
        table.add_row(str(number) if number else "as it is", *cells)
    return table


def sentences(result: SearchResult) -> list[str]:
    """The number of candidates, and the meaning of the marks."""
    required = ", ".join(result.required)
    many = "Sequences" if result.candidates is None else f"{result.candidates:,} sequences"
    many = "1 sequence fits" if result.candidates == 1 else f"{many} fit"
    found = [f"{many}, of {result.sequences:,} in the menus: {required}."]
    if result.candidates is None:
        found.append("Interrupted while they were counted: the front is exact all the same.")
    if not result.complete:
        found.append(f"Interrupted: exact for up to {_layers(result.depth)} only.")
    if result.unmet:
        found.append(f"The closest to be met is {result.unmet}.")
    if result.left_out:
        found.append(f"{result.left_out:,} more rows are left out (--top).")
    if any(row.is_knee for row in result.front):
        found.append("* the knee: of all rows the nearest to the best of every objective at once.")
    named = {row.known: row.source for row in result.front if row.known}
    found += [f"{name}: {source}." for name, source in named.items()]
    others = [row.specs[0] for row in result.front if not row.is_reference]
    if others and result.at:
        found.append("Next: --apply 1 --output net.toml writes the network with row 1.")
    elif others:
        knee = next((row.specs[0] for row in result.front if row.is_knee), others[0])
        found.append(f"Next: {_next_command(result, knee)}")
    return found


def _next_command(result: SearchResult, spec: str) -> str:
    """The command that shows a row beside the reference."""
    words = ["convcalc", "compare", result.reference.name, spec]
    if result.reference.input != default_input(result.reference.input.rank):
        words += ["--input", str(result.reference.input)]
    if not result.bias and "b0" not in spec:
        words.append("--no-bias")
    return shlex.join(words)


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _assumed(result: SearchResult) -> str:
    bias = "bias" if result.bias else "no bias"
    return (
        f"Assumed: input {result.reference.input}; candidates with padding same, {bias}, nothing "
        "between their layers."
    )
