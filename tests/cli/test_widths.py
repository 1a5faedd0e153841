"""Every command at every width: no line longer than the window, no number and no name broken, no
row without its name; and the verdict before all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

import convcalc
from convcalc.analysis.report import Report
from convcalc.api.compare import Comparison
from convcalc.api.explain import explain
from convcalc.api.rf import receptive_field
from convcalc.render import renderable
from convcalc.render.compare import verdict_texts
from convcalc.render.history import to_table as history_page
from convcalc.render.layer_columns import COLUMNS
from convcalc.render.layout import Page, Table
from convcalc.render.show import report_page
from convcalc.render.spans import lines_of, plain
from convcalc.render.words import to_table as words_table
from tests.cli import made_up
from tests.cli.running import Program

WIDTHS = (60, 80, 100, 140, 200)

NETWORKS: list[tuple[str, str | None]] = [
    ("7x7", None),
    ("7x1+1x7", "768x17x17"),
    ("add(7x1 | 1x7)", None),
    ("3*(3x3+bn+relu)", "3x224x224"),
    ("7x7s2@64+maxpool3x3s2p1+2*add(id|3x3+relu+3x3)+gap+fc10", "3x224x224"),
    ("cat(1x1 | add(id | 3x3+mul(relu | bn)) | mul(id | gap+sigmoid))", None),
    ("3s2+5+convt4s2p1", "16x1000"),  # one dimension
    ("3x3x3+1x7x7s2", "8x16x64x64"),  # three
    ("4*(3x3s2)+4*(convt2x2s2p0)+cat(id|3x3)+3x3", "8x64x64"),  # sizes by phase
    ("up2+3x3", None),
    ("gap+fc1000+softmax", None),
    ("relu", None),
    ("fc10", "5"),
    ("3x3@99999999", "99999x9999x9"),
    ("sep13x13s1b0@123456+maxpool13x13s1p6x6ceil", "3x22x22"),
    ("+".join(["3x3@64+bn+relu"] * 30), None),  # a name longer than any line
    ("add(" * 12 + "3x3" + "|id)" * 12, None),
    ("zoo:resnet50", None),
    ("zoo:googlenet", "3x64x64"),
    ("zoo:mobilenet_v2", "3x64x64"),
]


@cache
def report_of(network: str, size: str | None) -> Report:
    return convcalc.analyze(network, input=size)


PAGES: dict[str, Callable[[Report], Any]] = {
    "show": lambda report: report,
    "show --columns": lambda report: report_page(report, [c for c in COLUMNS if c != "time"]),
    "compare": lambda report: Comparison((seven(report), report)),
    "compare --layers": lambda report: renderable(Comparison((seven(report), report)), True),
    "explain": lambda report: explain(report.graph, input=report.input),
    "check": lambda report: convcalc.check(
        report.graph, input=report.input, baseline="relu", lenient=True,
        require=["params<=1k", "depth<=100"],
    ),
    "rf": lambda report: receptive_field(report.graph, input=report.input),
    "search": lambda report: made_up.search(report),
    "profile": lambda report: made_up.profile(report),
    "verify": lambda report: made_up.verification(report),
    "machine": lambda report: made_up.card(report.name),
    "history": lambda report: history_page(made_up.history(report.name)),
}  # fmt: skip
"""What each command prints of a network."""


def seven(report: Report) -> Report:
    """The baseline of comparisons."""
    baseline = "7x7" if report.input.rank == 2 else "relu"
    return convcalc.analyze(baseline, input=report.input)


def tables_in(part: Any) -> Iterator[Table]:
    if isinstance(part, Table):
        yield part
    elif isinstance(part, Page):
        for inner in part.parts:
            yield from tables_in(inner)
    elif hasattr(part, "costs"):
        yield from (part.one, part.costs, part.fields)


LONG = [network for network, _ in NETWORKS if network.startswith(("zoo:", "3x3@64+bn"))]
SLOW = ("compare --layers", "rf", "explain")
CASES = [
    (*network, command)
    for network in NETWORKS
    for command in PAGES
    if not (network[0] in LONG and command in SLOW)
]


@pytest.mark.parametrize(("network", "size", "command"), CASES, ids=lambda value: str(value)[:30])
def test_every_width(network: str, size: str | None, command: str) -> None:
    report = report_of(network, size)
    found = PAGES[command](report)
    page = found if isinstance(found, Page) else renderable(found)
    for width in WIDTHS:
        lines = page.text(width).splitlines()
        assert max(map(len, lines)) <= width, width
        assert not any(line != line.rstrip() for line in lines)
        for table in tables_in(page):
            check_table(table, width)


def check_table(table: Table, width: int) -> None:
    """Every name that fits is whole, every cell that is no prose is, and none is missing."""
    lines = [plain(line) for line in table.lines(width)]
    out = table.left_out(width)
    kept = [i for i, column in enumerate(table.columns) if column.header not in out]
    for row in table.rows:
        for index in kept if row is not None else []:
            for part in map(plain, lines_of(row[index])):  # type: ignore[index]
                text = part.strip()
                if index and table.columns[index].flexible:
                    continue
                if len(part) <= width:
                    assert any(text in line for line in lines), (text, width)
                else:
                    head = text[: width // 2 - 2]
                    assert any(head in line and "…" in line for line in lines), (text, width)


@pytest.mark.parametrize("width", range(60, 201, 20))
def test_the_verdict_is_the_first_line(width: int) -> None:
    comparison = convcalc.compare("7x7", "7x1+1x7")
    (verdict,) = verdict_texts(comparison)
    assert verdict == (
        "7x1+1x7: 3.50x fewer MACs, 3.49x fewer params, same 7x7 field, full support"
    )
    page = renderable(comparison)
    first, *_ = page.lines(width)
    assert all(style == "bold" for text, style in first if text.strip())
    text = " ".join(line.strip() for line in page.text(width).split("\n\n")[0].splitlines())
    assert text == verdict
    assert plain(first).startswith("7x1+1x7: 3.50x fewer MACs, 3.49x fewer params")


@pytest.mark.parametrize(
    ("networks", "verdict"),
    [
        (("7x7", "add(7x1 | 1x7)"), "same 7x7 field, reads 27% of it"),
        (("3d4", "3d2+3d2"), "same 9 field, reads 56% of it instead of 33%"),
        (("3d2", "5"), "same 5 field, full support instead of 60%"),
        (("7x7", "9x9"), "9x9 field instead of 7x7, full support"),
        (("3x3", "3x3s2"), "3x3 (stride 2) field instead of 3x3"),
        (("3x3", "3x3s2"), "output 64x28x28 instead of 64x56x56"),
        (("3x3", "relu"), "no MACs, no params"),
        (("relu", "3x3"), "MACs where there were none, params where there were none"),
        (("gap", "gap+fc10"), "sees the whole input too"),
        (("3x3", "3x3"), "3x3: same MACs, same params, same 3x3 field"),
        (("fc10", "fc20"), "2.00x more MACs, 2.00x more params"),
    ],
)
def test_verdicts(networks: tuple[str, ...], verdict: str) -> None:
    size = "5" if networks[0] == "fc10" else None
    assert verdict in verdict_texts(convcalc.compare(*networks, input=size))[0]


def test_one_table_where_it_fits_and_two_where_it_does_not() -> None:
    page = renderable(convcalc.compare("7x7", "7x1+1x7"))
    for width in (60, 80, 99):
        assert "Structure and receptive field" in page.text(width)
    for width in (120, 200):
        assert "Structure" not in page.text(width)
    assert "Left out at this width: FLOPs, traffic (--columns chooses)." in page.text(60).replace(
        "\n", " "
    )
    assert "Left out" not in page.text(200)


@pytest.mark.parametrize("width", [1, 10, 23])
def test_a_window_that_is_too_narrow_says_so(width: int) -> None:
    text = renderable(convcalc.analyze("7x7")).text(width)
    assert "narrow" in text.replace("\n", "")
    assert max(map(len, text.splitlines())) <= max(width, 1)


def test_the_words_and_the_zoo(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in WIDTHS:
        assert max(map(len, words_table().text(width).splitlines())) <= width
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, program("zoo").out.splitlines())) <= 60
