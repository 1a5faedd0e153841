"""What `convcalc search` prints: the front, what it is the front of, and what to do next."""

from __future__ import annotations

import shlex
from typing import Any

from rich.console import Group, RenderableType

from convcalc.analysis.figures import FIGURES
from convcalc.api.search import SearchResult
from convcalc.networks.input_size import default_input
from convcalc.quantities import si
from convcalc.render import numbers
from convcalc.render.display import Text
from convcalc.render.json import SCHEMA_VERSION, field_dict, shape_dict
from convcalc.render.rows import Rows
from convcalc.render.table import plain_table
from convcalc.searching.rows import SearchRow

LABELS = {**{figure.name: figure.label for figure in FIGURES}, "span": "span"}
_BY_NAME = {figure.name: figure for figure in FIGURES}


def to_rows(result: SearchResult) -> Rows:
    """A row for each of the front, raw numbers."""
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


def to_table(result: SearchResult) -> RenderableType:
    """The front, and sentences below it."""
    parts: list[RenderableType] = []
    if result.front:
        parts += [Text(_title(result), style="bold"), _front(result), Text("")]
        if result.networks:
            whole = Text(f"The whole network with it at {result.at}", style="bold")
            parts += [whole, _networks(result), Text("")]
    parts += [Text(f"- {sentence}") for sentence in sentences(result)]
    parts.append(Text(_assumed(result), style="dim"))
    return Group(*parts)


def _front(result: SearchResult) -> RenderableType:
    goals = result.objectives
    timed = ["time"] if result.seconds else []
    table = plain_table("", "row", "candidate", *(LABELS[goal] for goal in goals), *timed, "alike")
    table.title = None
    table.columns[1].justify = "left"
    for column in table.columns[1:]:
        column.no_wrap = False
        column.overflow = "fold"
    if not any(row.is_reference for row in result.front):
        cells = [Text(numbers_of(goal, result.figures[goal])) for goal in goals]
        seconds = [_seconds(result, 0)] if timed else []
        table.add_row(Text("-"), Text(f"{result.reference.name}\nthe reference", style="dim"),
                      *cells, *seconds, Text(""))  # fmt: skip
    for number, row in enumerate(result.front, 1):
        cells = [_cell(result, row, goal) for goal in goals]
        seconds = [_seconds(result, number)] if timed else []
        mark = Text(f"{number}*" if row.is_knee else f"{number} ", style="bold" * row.is_knee)
        table.add_row(mark, _candidate(row), *cells, *seconds, Text(si(row.count)))
    return table


def _title(result: SearchResult) -> str:
    goals = [LABELS[goal] for goal in result.objectives]
    listed = " and ".join([", ".join(goals[:-1]), goals[-1]] if len(goals) > 1 else goals)
    return f"In place of {result.reference.name}: the best of {listed}"


def _candidate(row: SearchRow) -> Text:
    text = Text(row.specs[0], style="bold")
    if row.is_reference:
        text.append("\nthe reference", style="not bold dim")
    if row.known:
        text.append(f"\n{row.known}", style="not bold dim")
    return text


def numbers_of(goal: str, value: int | None) -> str:
    """An objective as tables print it."""
    if value is None:
        return "-"
    return numbers.grouped(value) if goal == "span" else numbers.figure(_BY_NAME[goal], value)


def _cell(result: SearchResult, row: SearchRow, goal: str) -> Text:
    """A figure, and what that is of the reference's."""
    value, base = row.figures[goal], result.figures[goal]
    text = Text(numbers_of(goal, value))
    if base and value != base:
        better = value > base if goal == "span" else value < base
        share = f"{100 * value / base:#.3g}".removesuffix(".")
        text.append(f"\n{share} %", style="green" if better else "yellow")
    return text


def _seconds(result: SearchResult, number: int) -> Text:
    found = result.seconds[number] if number < len(result.seconds) else None
    return Text("-" if found is None else numbers.duration(found))


def _networks(result: SearchResult) -> RenderableType:
    """What the whole network would cost with each row."""
    table = plain_table("", "row", "params", "MACs")
    table.title = None
    base = result.networks[0]
    for number, report in enumerate(result.networks):
        cells = [
            Text(numbers.figure(_BY_NAME[name], getattr(report, name))) for name in
            ("params", "macs")
        ]  # fmt: skip
        if number:
            for cell, name in zip(cells, ("params", "macs"), strict=True):
                ratio = getattr(report, name) / (getattr(base, name) or 1)
                cell.append(f", {100 * ratio:#.3g}".removesuffix(".") + " %", style="dim")
        table.add_row(Text(str(number) if number else "as it is"), *cells)
    return table


def sentences(result: SearchResult) -> list[str]:
    """How many candidates there are, and what the marks mean."""
    said = []
    required = ", ".join(result.required)
    many = "Sequences" if result.candidates is None else f"{result.candidates:,} sequences"
    many = "1 sequence fits" if result.candidates == 1 else f"{many} fit"
    said.append(f"{many}, of {result.sequences:,} in the menus: {required}.")
    if result.candidates is None:
        said.append("Interrupted while they were counted: the front is exact all the same.")
    if not result.complete:
        said.append(
            f"Interrupted: this is exact for up to {_layers(result.depth)}, and for no more."
        )
    if result.unmet:
        said.append(f"The closest to be met is {result.unmet}.")
    if result.left_out:
        said.append(f"{result.left_out:,} more rows are left out (--top).")
    if any(row.is_knee for row in result.front):
        said.append("* the knee: of all rows the nearest to the best of every objective at once.")
    named = {row.known: row.source for row in result.front if row.known}
    said += [f"{name}: {source}." for name, source in named.items()]
    others = [row.specs[0] for row in result.front if not row.is_reference]
    if others and result.at:
        said.append("Next: --apply 1 --output net.toml writes the network with row 1.")
    elif others:
        knee = next((row.specs[0] for row in result.front if row.is_knee), others[0])
        said.append(f"Next: {_next_command(result, knee)}")
    return said


def _next_command(result: SearchResult, spec: str) -> str:
    """What shows a row beside the reference."""
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
