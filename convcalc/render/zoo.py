"""The list of built-in networks that `convcalc zoo` prints, analysed as it is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from convcalc.analysis import Report
from convcalc.api.compare import analyze
from convcalc.networks import read_file, zoo_blocks, zoo_file, zoo_networks
from convcalc.quantities import ReceptiveField
from convcalc.render import flat, json, numbers, plain_text
from convcalc.render.formats import FLAT
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans

NETWORK, BLOCK = "network", "block"


class Entry(NamedTuple):
    """One built-in network and its figures."""

    name: str
    kind: str
    title: str
    report: Report
    source: str

    @property
    def field(self) -> ReceptiveField:
        """The field before the head: that of the last layer that does not see everything."""
        fields = [layer.receptive_field for layer in self.report.layers]
        return next((field for field in reversed(fields) if not field.is_global), fields[0])


def entries() -> Iterator[Entry]:
    """Every built-in network, then every block, each at its own input.

    Gates (squeeze-and-excite) are left out of the field, as papers quote it.
    """
    for kind, names in ((NETWORK, zoo_networks()), (BLOCK, zoo_blocks())):
        for name in names:
            yield _entry(kind, name)


@cache
def _entry(kind: str, name: str) -> Entry:
    """A built-in network, analysed once a process."""
    file = read_file(zoo_file(name), name)
    report = analyze(file.graph(name), local=True)
    return Entry(name, kind, file.name, report, file.source)


def to_text(found: list[Entry], form: str) -> str:
    """The list in one of the formats."""
    if form == "json":
        return json.dumps(to_dict(found))
    if form == "table":
        return plain_text(to_table(found))
    if form == "html":
        from convcalc.render import html

        return html.document("convcalc zoo", html.fragment(to_table(found)))
    return flat.write(_rows(found, FLAT[form].raw), form)


def to_dict(found: list[Entry]) -> dict[str, Any]:
    """The documented JSON."""
    from convcalc import __version__

    return {
        "schema_version": json.SCHEMA_VERSION,
        "command": "zoo",
        "version": __version__,
        "networks": [
            {
                "name": f"zoo:{entry.name}",
                "kind": entry.kind,
                "title": entry.title,
                "input": json.shape_dict(entry.report.input),
                "output": json.shape_dict(entry.report.output),
                "params": entry.report.params,
                "macs": entry.report.macs,
                "receptive_field": json.field_dict(entry.field),
                "source": entry.source,
            }
            for entry in found
        ],
    }


def _rows(found: list[Entry], raw: bool) -> Rows:
    rows = [["name", "input", "params", "macs" if raw else "MACs", "field", "source"]]
    for entry in found:
        params, macs = entry.report.params, entry.report.macs
        rows.append(
            [
                f"zoo:{entry.name}",
                str(entry.report.input),
                str(params) if raw else numbers.grouped(params),
                str(macs) if raw else numbers.si(macs),
                numbers.field_size(entry.field),
                entry.source,
            ]
        )
    return rows


def to_table(found: list[Entry]) -> Page:
    """The networks, then the blocks, for a terminal."""
    parts: list[Any] = []
    for kind, title in ((NETWORK, "Networks"), (BLOCK, "Blocks")):
        columns = [
            Column("name", "left"),
            Column("params"),
            Column("MACs"),
            Column("field"),
            Column("source", "left", flexible="wrap", least=12, drop=1),
        ]
        table = Table(title, columns)
        for entry in found:
            if entry.kind == kind:
                _, _, *figures, source = _rows([entry], raw=False)[1]
                table.add_row(spans((entry.name, "bold")), *figures, _authors_and_year(source))
        parts += [table, Blank()]
    parts.append(
        Paragraph.of(
            "Each at the input of its source; field: before the head, gates left out. "
            "`convcalc show zoo:NAME` shows the layers, `convcalc zoo NAME` prints the file."
        )
    )
    return Page(parts)


def _authors_and_year(source: str) -> str:
    """The authors and the year of a source; of three or more authors the first, et al."""
    _, _, after = source.rpartition(", after ")
    found = re.match(r"([^/]*?)( (?:19|20)[0-9]{2})\b", after)
    if found is None:
        return source.split(", ")[0]
    authors, year = found.groups()
    first, *others = re.split(", | & ", authors)
    return f"{first} et al.{year}" if len(others) > 1 else authors + year
