"""What of a network is gated: outputs by name, layers, the field before the head, and bounds."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import convcalc
from convcalc.checking.baseline import dumps, loads
from convcalc.checking.budgets import read_requirement
from convcalc.checking.config import Entry
from convcalc.checking.figures import FIGURES
from convcalc.checking.gate import run
from convcalc.checking.plan import Plan, Reference
from convcalc.checking.records import record_of
from convcalc.errors import OptionError
from convcalc.graph import Graph, Output
from convcalc.networks.sources import to_graph
from convcalc.quantities import Shape
from convcalc.spec import Defaults
from tests.cli.running import Program

NETWORK = """\
input = "3x32x32"
[[stage]]
name = "stem"
layers = "3x3s2@8+relu"
[[stage]]
name = "deep"
layers = "3x3s2@16+relu"
[[stage]]
name = "head"
layers = "1x1@4"
"""
BASELINE = "convcalc-baseline.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NETWORK)
    return tmp_path


def config(folder: Path, body: str, network: str = "net.toml") -> None:
    (folder / "convcalc.toml").write_text(f'[[entry]]\nname = "n"\nnetwork = "{network}"\n{body}\n')


# Outputs and layers by name


@pytest.mark.parametrize(
    ("body", "code", "expected"),
    [
        ('output = "4x8x8"', 0, "1 passed"),
        ('output_of = "head"\noutput = "4x8x8"\nreceptive_field = "7x7"', 0, "2 passed"),
        ('at = "stem"\noutput = "8x16x16"\nreceptive_field = "3x3"', 0, "2 passed"),
        ('at = "stem"\nreceptive_field = ">= 7x7"', 1,
         "CC001 n: receptive_field at stem 3x3 is not at least 7x7"),
        ('at = "deep/conv1"\noutput = "16x9x9"', 1,
         "CC001 n: output at deep/conv1 16x8x8 is not 16x9x9"),
        ('at = "dep"\noutput = "1"', 2, 'line 4, column 7: at = "dep" ^^^ hint'),
        ('at = "conv1"\noutput = "1"', 2, "n: at: no such layer"),
        ('output_of = "haed"\noutput = "1"', 2, "hint: did you mean 'head'?"),
        ('output_of = "head"\nat = "stem"', 2, "at cannot be used with output_of"),
    ],
)  # fmt: skip
def test_layers_and_outputs_by_name(
    program: Program, project: Path, body: str, code: int, expected: str
) -> None:
    config(project, body)
    ran = program("check")
    assert ran.code == code
    assert expected in " ".join((ran.out + ran.err).split())


PYRAMID = """\
input = "3x32x32"
outputs = ["small", "large"]
[[stage]]
name = "stem"
layers = "3x3s2@8+relu"
[[stage]]
name = "small"
layers = "3x3s2@16+1x1@4"
[[stage]]
name = "large"
layers = "$stem+1x1@6"
"""


@pytest.mark.parametrize(
    ("body", "code", "expected"),
    [
        ('output = "4x8x8"\nreceptive_field = "7x7"', 0, "2 passed"),
        ('output_of = "small"\noutput = "4x8x8"\nreceptive_field = "7x7"', 0, "2 passed"),
        ('output_of = "large"\noutput = "6x16x16"\nreceptive_field = "3x3"', 0, "2 passed"),
        ('output_of = "large"\noutput = "4x8x8"', 1,
         "CC001 n: output of large 6x16x16 is not 4x8x8"),
        ('output_of = "stem"\noutput = "8x16x16"', 2, "n: output_of: no such output"),
        ('outputs.small.output = "4x8x8"\noutputs.large.receptive_field = "3x3"', 0, "2 passed"),
        ('outputs.large = { output = { max = "4x8x8", message = "small" } }', 1,
         "CC001 n: output of large 6x16x16 is not at most 4x8x8; small"),
        ('outputs.small.receptive_field = ">= 9x9"\nlevel = "warn"', 0,
         "CC001 n: receptive_field of small 7x7 is not at least 9x9"),
        ('at = "stem"\noutputs.small.output = "4x8x8"\noutput = "8x16x16"', 0, "2 passed"),
        ('outputs.smal.output = "4x8x8"', 2, "n: outputs.smal: no such output convcalc.toml, "
         'line 4, column 1: outputs.smal.output = "4x8x8" ^^^^^^^^^^^^^^^^^^^ hint: did you mean '
         "'small'?"),
        ('outputs.small.macs = "1 M"', 2, "outputs.small: unknown key 'macs'"),
        ('outputs.small = "1 M"', 2, 'outputs.small: expected a table, got "1 M"'),
        ('outputs.small.output = { min = "9x9x9", max = "1x1x1" }', 2, "contradict each other"),
    ],
)  # fmt: skip
def test_outputs_of_a_network_file(
    program: Program, project: Path, body: str, code: int, expected: str
) -> None:
    (project / "net.toml").write_text(PYRAMID)
    config(project, body)
    ran = program("check", "-v")
    assert ran.code == code
    assert expected in " ".join((ran.out + ran.err).split())


@pytest.mark.parametrize(
    ("budget", "code", "expected"),
    [
        ("outputs.large.output==6x16x16", 0, "1 passed"),
        ("outputs.large.receptive_field>=5x5", 1,
         "CC001 net.toml: receptive_field of large 3x3 is not at least 5x5"),
        ("outputs.large.output==baseline", 0, "output of large 6x16x16 6x16x16 ok"),
        ("outputs.none.output==1", 2, "outputs.none: no such output hint: outputs: small, large"),
        ("large.output==1", 2, "hint: for one output write outputs.large.output"),
        ("outputs.output==1", 2, "hint: for one output write outputs.NAME.output"),
        ("outputs.large.macs<=1", 2, "macs is a figure of the network, not of an output"),
    ],
)  # fmt: skip
def test_requirements_of_one_output(
    program: Program, project: Path, budget: str, code: int, expected: str
) -> None:
    (project / "net.toml").write_text(PYRAMID)
    more = ["--baseline", "net.toml", "-v"] if "baseline" in budget else []
    ran = program("check", "net.toml", "--require", budget, *more)
    assert ran.code == code
    assert expected in " ".join((ran.out + ran.err).split())


def test_the_one_output_by_its_name(program: Program, project: Path) -> None:
    config(project, 'outputs.head.output = "4x8x8"\noutputs.head.receptive_field = "7x7"')
    assert program("check").code == 0
    config(project, 'outputs.head.output = "4x8x8"\nat = "stem"')
    ran = program("check")
    assert ran.code == 2 and "at cannot be used with outputs.head" in ran.err
    # of the output itself, not of the map before a head
    config(project, 'outputs.output.receptive_field = "global"', "3x3+gap")
    assert program("check").code == 0


def test_limits_of_outputs_are_rewritten(program: Program, project: Path) -> None:
    (project / "net.toml").write_text(PYRAMID)
    config(project, 'outputs.large.output = "6x16x16"\noutputs.small.output = { max = "4x*x7" }')
    program("check", "--save-baseline")
    assert program("check", "--update", "--budgets").code == 0
    assert (project / "convcalc.toml").read_text().splitlines()[3:] == [
        'outputs.large.output = "6x16x16"', 'outputs.small.output = { max = "4x*x8" }']  # fmt: skip
    assert program("check").code == 0


ONE_OUTPUT = PYRAMID.partition('[[stage]]\nname = "large"')[0].replace(', "large"', "")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1x1@6", "3x3@6", "receptive_field of large 3x3 -> 7x7, reads 9 -> 49 positions"),
        ("1x1@6", "1x1@7", "output of large 6x16x16 -> 7x16x16"),
        ('outputs = ["small", "large"]', 'outputs = ["large", "small"]',
         "output of large 6x16x16"),
        ("", "", "2 outputs -> 1"),
        ('"small", "large"]', '"small", "large", "stem"]', "output stem was added"),
    ],
)  # fmt: skip
def test_each_output_of_a_network_file_is_compared(
    program: Program, project: Path, old: str, new: str, expected: str
) -> None:
    (project / "net.toml").write_text(PYRAMID)
    config(project, "")
    assert program("check", "--save-baseline").code == 0
    (project / "net.toml").write_text(PYRAMID.replace(old, new) if new else ONE_OUTPUT)
    ran = program("check", "--format", "concise")
    changed_order = expected == "output of large 6x16x16"
    assert ran.code == int(not changed_order)
    assert expected in " ".join(ran.out.split())


# Every figure


EXACT = {
    "params": 224 + 1168 + 68, "macs": 55_296 + 73_728 + 4_096, "depth": 3, "nonlinearities": 2,
    "weights": 4 * 1460, "activations": 8 * 256 + 16 * 64 + 4 * 64, "output": "4x8x8",
    "receptive_field": "7x7",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if name != "time"])
def test_each_figure_has_budgets_and_a_baseline(program: Program, project: Path, name: str) -> None:
    figure = FIGURES[name].bounded(convcalc.analyze("net.toml"))
    now = "x".join(map(str, figure)) if isinstance(figure, tuple) else figure
    assert EXACT.get(name, now) == now
    config(project, f'{name} = "== {now}"')
    assert program("check").code == 0
    other = "== 9x9x9" if isinstance(figure, tuple) else f"<= {figure - 1}"
    config(project, f'{name} = "{other}"')
    ran = program("check")
    assert ran.code == 1 and f"CC001 n: {name} " in ran.out
    config(project, "")
    assert program("check", "--save-baseline").code == 0
    assert program("check", "--fail-on", f"{name}:0").code == 0
    (project / "net.toml").write_text(NETWORK.replace("1x1@4", "3x3@9+relu+3x3s2@9"))
    ran = program("check", "--fail-on", f"{name}:0", "--format", "concise")
    assert ran.code == 1 and re.search(rf"CC00[25] n: {name} ", ran.out)


def heads(*nodes: tuple[str, int], spec: str = "3x3s2@8+relu+3x3s2@16+relu+1x1@4") -> Graph:
    """A network with an output at each of those nodes."""
    graph = to_graph(spec, Defaults.of("same", True, None))
    return replace(graph, input=Shape(3, (32, 32)), outputs=tuple(Output(*n) for n in nodes))


def verdicts(
    now: Graph, then: Graph | None = None, output_of: str = "", *asked: str
) -> list[tuple[str, str]]:
    """What is said of a network with several outputs, code and sentence."""
    entry = Entry("n", now, output_of=output_of, budgets=tuple(map(read_requirement, asked)))
    reference = None
    if then is not None:
        old = loads(dumps({"n": record_of(convcalc.analyze(then), "", output_of)}), "b.json")
        reference = Reference("b.json", old, "both")
    found = run(Plan((entry,), Path()), reference, {}).verdicts
    return [(v.code, v.sentence) for v in found if v.figure in ("receptive_field", "output")]


SMALL, LARGE = ("small", 4), ("large", 1)


def test_budgets_are_of_the_first_output_or_of_the_named_one() -> None:
    both = heads(SMALL, LARGE)
    assert verdicts(both, None, "", "output==4x8x8", "receptive_field==7x7") == [
        ("", "output 4x8x8 is 4x8x8"), ("", "receptive_field 7x7 is 7x7"),
    ]  # fmt: skip
    assert verdicts(both, None, "large", "output==8x16x16", "receptive_field>=4x4") == [
        ("", "output of large 8x16x16 is 8x16x16"),
        ("CC001", "receptive_field of large 3x3 is not at least 4x4"),
    ]


def test_every_output_is_compared() -> None:
    both = heads(SMALL, LARGE)
    assert [code for code, _ in verdicts(both, both)] == [""] * 4
    deeper = heads(("small", 4), ("large", 3))
    assert [one for one in verdicts(deeper, both) if one[0]] == [
        (
            "CC005",
            "receptive_field of large 3x3 -> 7x7, stride 2x2 -> 4x4, reads 9 -> 49 positions",
        ),
        ("CC005", "output of large 8x16x16 -> 16x8x8"),
    ]
    renamed = heads(SMALL, ("big", 1))
    assert [one for one in verdicts(renamed, both) if one[0]] == [
        ("CC005", "output of large 8x16x16 -> -, output large was removed"),
        ("CC005", "output of big - -> 8x16x16, output big was added"),
    ]
    alone = heads(SMALL)
    assert [one for one in verdicts(alone, both) if one[0]] == [
        ("CC005", "output 4x8x8, 2 outputs -> 1")
    ]
    assert [one for one in verdicts(both, alone) if one[0]] == [
        ("CC005", "output 4x8x8, 1 outputs -> 2")
    ]


# The field before the head


def test_the_field_of_a_classifier_is_that_before_its_head(program: Program, project: Path) -> None:
    """3x3 then 3x3 is 5x5; behind the pooling a unit sees everything."""
    network = "3x3+3x3+gap+fc10"
    for wanted, code in ((">= 5x5", 0), (">= 6x6", 1), ("global", 0), (">= global", 0),
                         ("<= 5x5", 0), ("== 5xglobal", 0)):  # fmt: skip
        config(project, f'receptive_field = "{wanted}"', network)
        assert program("check").code == code, wanted
    config(project, 'receptive_field = ">= 6x6"', network)
    assert "receptive_field before the head 5x5 is not at least 6x6" in program("check").out
    config(project, 'receptive_field = "global"', "3x3")
    assert program("check").code == 1


def test_an_old_baseline_of_a_classifier_is_compared_with_the_whole_field(
    program: Program, project: Path
) -> None:
    config(project, "", "3x3+3x3+gap+fc10")
    program("check", "--save-baseline")
    data = json.loads((project / BASELINE).read_text())
    entry = data["entries"]["n"]
    assert (entry["receptive_field"], entry["has_head"]) == ([5, 5], True)
    entry |= {"receptive_field": [None, None], "stride": [None, None]}
    del entry["has_head"], entry["layers"]
    (project / BASELINE).write_text(json.dumps(data))
    ran = program("check")
    assert ran.code == 0
    assert "CC011 n: receptive_field recorded as global by an older version" in ran.out
    assert "record it with convcalc check --update n" in ran.out
    config(project, "", "3x3+3x3+fc10")  # global all the same
    assert "CC011" in program("check", "--fail-on", "output:off").out
    config(project, "", "3x3+3x3")  # and now not
    assert "CC005 n: receptive_field globalxglobal".replace("globalxglobal", "global") in (
        program("check").out
    )
    config(project, "", "3x3+3x3+gap+fc10")
    program("check", "--update")
    assert "CC011" not in program("check").out
    assert json.loads((project / BASELINE).read_text())["entries"]["n"]["has_head"] is True


def test_a_head_that_goes_is_a_change(program: Program, project: Path) -> None:
    config(project, "", "3x3+gap+1x1@64")
    program("check", "--save-baseline")
    config(project, "", "3x3+1x1@64")
    off = ("--fail-on", "output:off")
    assert "a head that sees everything was removed" in " ".join(program("check", *off).out.split())


# What a field is at most


def test_a_field_that_is_a_bound_proves_no_minimum() -> None:
    report = convcalc.analyze("7x7")
    inexact = replace(report.receptive_field, exact=False)
    record = record_of(report)
    assert loads(dumps({"a": record}), "b.json") == {"a": record}
    record = replace(record, view=record.view._replace(exact=False))
    assert loads(dumps({"a": record}), "b.json")["a"].view.exact is False
    assert not inexact.exact


# Limits of layers


@pytest.mark.parametrize(
    ("body", "code", "expected"),
    [
        ('match = "*conv*"\nmacs = "<= 60 %"', 0, "macs of *conv* 73.73 k (<= 79.87 k)"),
        ('match = "*conv*"\nmacs = "<= 40 %"', 1,
         "CC001 n: macs of deep/conv1 73.73 k is over the 53.25 k allowed"),
        ('match = "stem.*"\nparams = "<= 224"', 0, "params of stem.* 224 (<= 224)"),
        ('match = "stem/conv1"\nparams = "<= 223"', 1, "params of stem/conv1 224 is over the 223"),
        ('match = "*"\nparams = { max = 10, level = "warn" }', 0, "CC001 n: params of deep/conv1"),
        ('match = "*relu*"\nmacs = 0\nparams = "<= 0"', 0, "macs of *relu* 0 (<= 0)"),
        ('match = "stage*"\nmacs = 1', 2, "n: no layer matches 'stage*'"),
        ('macs = 1', 2, "missing key 'match'"),
        ('match = "*"', 2, "expected a limit of params"),
        ('match = "*"\nmac = 1', 2, "did you mean 'macs'?"),
        ('match = "*"\nmacs = "<= 2*baseline"', 2, "a limit of layers cannot be relative"),
        ('match = "*"\nmacs = ">= 5 %"', 2, "got '5 %'"),
    ],
)  # fmt: skip
def test_limits_of_layers(
    program: Program, project: Path, body: str, code: int, expected: str
) -> None:
    """stem: 27*8*256 = 55,296 MACs; deep: 72*16*64 = 73,728; head: 16*4*64 = 4,096."""
    config(project, f"[[entry.layer]]\n{body}")
    ran = program("check", "--format", "concise")
    assert ran.code == code, ran
    assert expected in " ".join((ran.out + ran.err).split())


def test_growth_names_the_layers(program: Program, project: Path) -> None:
    config(project, "")
    program("check", "--save-baseline")
    (project / "net.toml").write_text(
        NETWORK.replace("3x3s2@16+relu", "3x3s2@24+relu+3x3@24+1x1@24+1x1@24+1x1@24")
    )
    ran = program("check", "--format", "concise")
    (line,) = [line for line in ran.out.splitlines() if "CC002 n: macs" in line]
    assert line.endswith(
        "allowed +0%): new: deep/conv2 +331.8 k, deep/conv1 +36.86 k, new: deep/conv3 +36.86 k, "
        "3 more"
    )


def test_an_unknown_layer_is_no_record() -> None:
    with pytest.raises(OptionError, match="at='x': no such layer"):
        record_of(convcalc.analyze("3x3+relu"), at="x")
