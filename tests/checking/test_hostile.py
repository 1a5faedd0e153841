"""Names, messages and specifications of a stranger: every output keeps to its grammar, and nothing
in it steers a terminal or commands the CI system that reads it."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # which rich brings along

import convcalc
from convcalc.foreign import guarded, json_safe, printable, printable_lines, xml_safe
from convcalc.render import plain_text, render, renderable
from convcalc.render.flat import to_csv, to_latex, to_markdown
from convcalc.render.formats import CHECK_FORMATS, FORMATS
from convcalc.render.html import fragment
from convcalc.render.layout import Column, Page, Paragraph, Table, Verbatim
from tests import needs
from tests.cli.running import Program

NAMES = (
    "\x1b[31mred\x1b[0m", "\x9b31m", "a\u202eb", "\u2066x\u2069", "[/bold]", "[bold]x", ":smile:",
    "::error::x", "  ::stop-commands::t", "##[error]x", "x ##[group]y", "=cmd|' /C calc'!A0",
    "+1+1", "-2+3", "@SUM(A1)", "\t=1", "[x](http://evil)", "![x](y)", "<img src=x onerror=f(1)>",
    "<!-- x", "]]>", "&amp;", "www.evil.example", "https://evil.example", "$x$", "\\input{x}",
    "[1]", "*x*", "a\r\n::error::b", "a\u2028b", "\ud800", "\x00", "\x7f", "`x`", "| x |", "#1",
    "~~x~~", "@octocat", "x@y.org", "GH-1", "_x",
)  # fmt: skip

foreign = st.sampled_from(NAMES) | st.text(max_size=12) | st.text("\x1b\x9b\u202e[]:#=@&<$\\|\n ab")
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)


def check_text(text: str) -> None:
    """Nothing steers a terminal, and no line is a command."""
    assert text.replace("\n", "").isprintable()
    text.encode()
    assert not COMMAND.search(text)


@given(foreign)
def test_what_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert "\n" not in printable(text)
    assert printable_lines(text).count("\n") == text.count("\n")
    if text.isprintable():
        assert printable(text) == text == printable_lines(text)


@given(st.lists(foreign, max_size=4))
def test_text_for_a_log(parts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_ACTIONS", "true")
        check_text(guarded("\n".join(map(printable_lines, parts))))
        patch.setenv("GITHUB_ACTIONS", "false")
        assert guarded("::x") == "::x"


@given(st.dictionaries(foreign, foreign, max_size=3), st.sampled_from([None, 2]))
def test_json_holds_the_same(data: dict[str, str], indent: int | None) -> None:
    text = json_safe(json.dumps(data, ensure_ascii=False, indent=indent))
    assert json.loads(text) == data
    assert text.replace("\n", "").isprintable() and "##[" not in text


@given(foreign)
def test_xml_holds_the_same(text: str) -> None:
    element = ElementTree.Element("a", b=printable_lines(text))
    element.text = printable_lines(text)
    written = xml_safe(ElementTree.tostring(element, encoding="unicode"))
    assert ElementTree.fromstring(written).text == (printable_lines(text) or None)
    check_text(written)


rows = st.lists(st.tuples(foreign, foreign), min_size=2, max_size=4).map(
    lambda several: [list(row) for row in several]
)


@given(rows)
def test_csv_is_rows_without_formulas(several: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(to_csv(several), newline=""), strict=True))
    for before, after in zip(several, read, strict=True):
        for cell, written in zip(map(printable_lines, before), after, strict=True):
            is_number = re.fullmatch(r"[+-]?\d[\d,.]*(e[+-]?\d+)?( ?[%x])?|--?", written, re.I)
            assert is_number or not re.match(r"[=+@-](?!=\d)", written)
            assert written in (cell, f"'{cell}")


@given(rows)
@example([["a", "\r"], ["b\rc", "\n"]])
def test_raw_csv_holds_the_same(several: list[list[str]]) -> None:
    text = to_csv(several, raw=True)
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == several


def markdown_cells(text: str) -> list[list[str]]:
    """The cells of a table as CommonMark and GitHub's tables read them; markup is no text."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            assert rows, "text outside the table"
            assert {child.type for child in token.children or ()} <= {"text", "text_special"}
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


@given(rows)
def test_markdown_is_a_table_of_text(several: list[list[str]]) -> None:
    """Each cell is read as what it was, on one line, and notifies or links nothing."""
    text = to_markdown(several)
    assert text.replace("\n", "").isprintable()
    read = markdown_cells(text)
    shown = [[printable(" ".join(cell.splitlines())).strip() for cell in row] for row in several]
    assert [[cell.replace("\u200b", "") for cell in row] for row in read] == shown
    links = r"(?<!\w)@\w|@[\w-]+\.\w|#\d|(?<!\w)[Gg][Hh]-\d"
    assert not re.search(links, " | ".join(cell for row in read for cell in row))
    assert not re.search(r"(?<!\\)://|www\.", text)


@pytest.mark.parametrize(
    ("text", "read"),
    [("@octocat grew", "@\u200boctocat grew"), ("me@host.org", "me@\u200bhost.org"),
     ("fixes #12, GH-3", "fixes #\u200b12, GH-\u200b3"), ("3x3@64+1x1@8", "3x3@64+1x1@8")],
)  # fmt: skip
def test_mentions_are_no_mentions(text: str, read: str) -> None:
    """A specification stays one that can be copied."""
    assert markdown_cells(to_markdown([["a"], [text]])) == [["a"], [read]]


@given(rows)
def test_latex_has_no_commands_but_ours(several: list[list[str]]) -> None:
    lines = to_latex(several).splitlines()
    for line in (lines[2], *lines[4 : 4 + len(several) - 1]):
        body = line.removesuffix(r" \\")
        ours = r"\\text\w+\{\}|\\[&%$#_{}]|\$\\(?:cdot|lfloor|rfloor|lceil|rceil)\$|\$\^\d\$"
        rest = re.sub(ours, "", body)
        assert rest.count("&") == 1
        assert not re.search(r"[\\%$#_~^]", rest.removeprefix("{}"))
        assert not body.startswith(("[", "*"))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}


@given(rows)
def test_html_has_no_tags_but_ours(several: list[list[str]]) -> None:
    reader = _Tags()
    table = Table(several[0][0], [Column(cell) for cell in several[0]], caption=several[0][0])
    for row in several[1:]:
        table.add_row(*row)
    text = several[-1][0]
    reader.feed(fragment(Page([table, Paragraph.of(text), Verbatim(text)])))
    tags = {"div", "style", "table", "thead", "tbody", "tr", "th", "td", "p", "pre", "br", "span"}
    assert reader.tags <= tags | {"a"}
    assert reader.names <= {"class", "style", "href"}


# The program


def toml(name: str) -> str:
    """A TOML string that holds the name; what TOML cannot hold is left out."""
    return json.dumps(name.replace("\ud800", "").replace("\x7f", ""))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return tmp_path


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_network_files_name(program: Program, project: Path, name: str) -> None:
    (project / "n.toml").write_text(
        f'name = {toml(name)}\nsource = {toml(name)}\ninput = "3x8x8"\n'
        '[[stage]]\nname = "s"\nlayers = "3x3@8"\n'
    )
    for command in (["show", "n.toml"], ["compare", "n.toml", "3x3"], ["rf", "n.toml"]):
        for form in FORMATS:
            ran = program(*command, "--format", form)
            assert ran.code == 0, ran.err
            check_text(ran.out)
            if form == "json":
                json.loads(ran.out)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_messages_and_names_in_a_check(program: Program, project: Path, name: str) -> None:
    shown = name if name.isprintable() and name.strip() else "x"
    (project / "convcalc.toml").write_text(
        f'[[entry]]\nname = {toml(shown)}\nnetwork = "3x3"\n'
        f"params = {{ max = 1, message = {toml(name)} }}\n"
    )
    for form in CHECK_FORMATS:
        ran = program("check", "--format", form)
        assert ran.code == 1, ran.err
        if form == "github":
            assert re.fullmatch(
                r"::error file=convcalc.toml,line=4,col=1,title=[^:]*::.*\n", ran.out
            )
        else:
            check_text(ran.out)
    ran = program("check")  # a table, annotations and a summary
    check_text(ran.out)
    assert all(line.startswith("::error file=") for line in ran.err.splitlines())


ARGUMENTS = [name for name in NAMES if name not in ("\x00", "\ud800")]
"""No process can be given the others."""


@pytest.mark.parametrize("name", ARGUMENTS, ids=ascii)
def test_specifications_and_errors(program: Program, project: Path, name: str) -> None:
    for arguments in (
        ("show", "--", name), ("compare", "3x3", "--", name), ("check", "--", name),
        ("show", f"--input={name}", "3x3"), ("show", f"--format={name}", "3x3"),
        ("check", f"--require={name}", "3x3"), ("check", f"--config={name}"),
    ):  # fmt: skip
        ran = program(*arguments)
        assert ran.code in (0, 2)
        check_text(ran.out)
        own = re.sub("^::error [^:]*::.*\n", "", ran.err)  # an annotation
        check_text(own)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_python_report_of_any_name(name: str) -> None:
    from dataclasses import replace

    report = replace(convcalc.analyze("3x3"), name=name, reading=name)
    assert plain_text(renderable(report)).replace("\n", "").isprintable()
    for form in (*FORMATS, "html"):
        assert render(report, form).replace("\n", "").isprintable()


@needs.matplotlib
def test_a_picture_shows_names_as_they_are() -> None:
    """`$x$` is no formula, and a name that begins with _ is not left out of the legend."""
    from dataclasses import replace

    from convcalc.render.plots import draw

    names = ("$x^2$", "_x", "a\u202e\x1b<b>")
    reports = tuple(replace(convcalc.analyze("3x3"), name=name) for name in names)
    comparison = replace(convcalc.compare("3x3", "3x3"), reports=reports)
    picture = ElementTree.fromstring(draw(comparison, "svg"))
    texts = {text.strip() for element in picture.iter() for text in element.itertext()}
    assert {printable(name) for name in names} <= texts
