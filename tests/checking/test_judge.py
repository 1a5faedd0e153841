"""Verdicts on entries whose figures are made by hand: each code, on both sides of its limit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf
from typing import Any

import pytest

from convcalc.checking import wording
from convcalc.checking.budgets import read_budget, read_requirement
from convcalc.checking.config import Entry
from convcalc.checking.figures import FIGURES
from convcalc.checking.findings import CODES, Verdict, explain
from convcalc.checking.judge import judge
from convcalc.checking.plan import Reference
from convcalc.checking.records import Latency, Record, View
from convcalc.checking.tolerances import read_tolerances
from convcalc.checking.verdicts import Check, Checked
from convcalc.errors import OptionError


def record(**changes: Any) -> Record:
    """Figures; those of `values` may be changed by name."""
    values: dict[str, Any] = {
        "params": 100, "macs": 1000, "flops": 2000, "activations": 50, "traffic": 400, "depth": 2,
        "receptive_field": (7, 7), "output": (8, 4, 4),
    }  # fmt: skip
    values |= {name: changes.pop(name) for name in list(changes) if name in values}
    seen: dict[str, Any] = {"stride": (1, 1), "support": 49}
    seen |= {name: changes.pop(name) for name in list(changes) if name in View._fields}
    view = View(values["output"], values["receptive_field"], **seen)
    return Record(values, **{"input": (3, 8, 8), "view": view, **changes})


def verdicts(
    now: Record,
    then: Record | None = None,
    *fail_on: str,
    entry: Entry | None = None,
    sides: str = "both",
    unknown: tuple[str, ...] = (),
    lenient: bool = False,
) -> list[Verdict]:
    """What is said of one entry; a baseline that has other entries only, if `then` is missing."""
    entry = entry or Entry("a", "3x3")
    reference = None
    if then is not None or sides == "missing":
        reference = Reference("b.json", {"a": then} if then else {}, "both")
    found = Checked("a", "3x3", now, unknown)
    return list(judge(entry, found, reference, read_tolerances(fail_on), lenient))


def findings(*arguments: Any, **named: Any) -> list[tuple[str, str, str]]:
    """Code, level and figure of what did not simply pass."""
    return [(v.code, v.level, v.figure) for v in verdicts(*arguments, **named) if v.code]


def asks(*requirements: str, **changes: Any) -> Entry:
    return Entry("a", "3x3", budgets=tuple(map(read_requirement, requirements)), **changes)


def test_the_same_figures_pass() -> None:
    found = verdicts(record(), record())
    assert [(v.figure, v.level) for v in found] == [
        ("params", "passed"), ("macs", "passed"), ("receptive_field", "passed"),
        ("output", "passed"),
    ]  # fmt: skip


GROWTH = [
    (150, 153, ("macs:2%",), None),
    (150, 154, ("macs:2%",), "CC002"),
    (151, 154, ("macs:2%",), None),  # 154.02 are allowed
    (151, 155, ("macs:2%",), "CC002"),
    (100, 100, (), None),
    (100, 101, (), "CC002"),
    (100, 101, ("macs:1",), None),
    (100, 102, ("macs:1",), "CC002"),
    (100, 999, ("macs:off",), None),
    (0, 1, ("macs:50%",), "CC002"),
    (100, 99, (), "CC006"),
    (100, 99, ("macs:2%",), "CC006"),
    (10**30, 10**30 + 1, (), "CC002"),  # no float would see it
]


@pytest.mark.parametrize(("before", "after", "fail_on", "code"), GROWTH)
def test_growth(before: int, after: int, fail_on: tuple[str, ...], code: str | None) -> None:
    found = findings(record(macs=after), record(macs=before), *fail_on)
    level = {"CC002": "error", "CC006": "note"}
    assert found == ([(code, level[code], "macs")] if code else [])


@pytest.mark.parametrize("figure", ["flops", "activations", "traffic", "depth"])
def test_other_figures_are_compared_when_named(figure: str) -> None:
    more = record(**{figure: 10_000})
    assert findings(more, record()) == []
    assert findings(more, record(), f"{figure}:1%") == [("CC002", "error", figure)]


CHANGES = [
    ({"receptive_field": (7, 9)}, "receptive_field"),
    ({"receptive_field": (7, 5)}, "receptive_field"),
    ({"receptive_field": (inf, inf)}, "receptive_field"),
    ({"stride": (1, 2)}, "receptive_field"),
    ({"stride": (None, 1)}, "receptive_field"),
    ({"stride": ((1, 2), 1)}, "receptive_field"),
    ({"support": 13}, "receptive_field"),
    ({"output": (8, 4, 5)}, "output"),
    ({"output": (8, 4)}, "output"),
    ({"output": (7, 4, 4)}, "output"),
    ({"input": (3, 8, 9)}, "input"),
    ({"batch": 2}, "batch"),
]


@pytest.mark.parametrize(("change", "figure"), CHANGES, ids=str)
def test_a_change_fails_either_way(change: dict[str, Any], figure: str) -> None:
    for now, then in ((record(**change), record()), (record(), record(**change))):
        assert findings(now, then) == [("CC005", "error", figure)]


def test_changes_that_are_off() -> None:
    changed = record(receptive_field=(9, 9), output=(1,))
    assert findings(changed, record(), "receptive_field:off", "output:off") == []


def test_what_changed_of_a_field_is_said() -> None:
    (found,) = (v for v in verdicts(record(stride=(1, 2), support=13), record()) if v.code)
    assert str(found) == (
        "CC005 a: receptive_field 7x7, stride 1x1 -> 1x2, reads 49 -> 13 positions"
    )


def test_the_entrys_own_tolerance_and_the_command_lines_before_it() -> None:
    entry = Entry("a", "3x3", fail_on=read_tolerances(["macs:10%", "params:off"]))
    now = record(macs=1100, params=999)
    assert findings(now, record(), entry=entry) == []
    assert findings(now, record(), "macs:9%", entry=entry) == [("CC002", "error", "macs")]


BOUNDS = [
    ("params<=100", True), ("params<=99", False), ("params>=100", True), ("params>=101", False),
    ("params==100", True), ("params==101", False), ("receptive_field>=7", True),
    ("receptive_field>=7x8", False), ("output==8x4x4", True), ("output==8x4", False),
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "kept"), BOUNDS)
def test_budgets(requirement: str, kept: bool) -> None:
    (found,) = verdicts(record(), entry=asks(requirement))
    assert (found.level, found.code) == (("passed", "") if kept else ("error", "CC001"))


@pytest.mark.parametrize(
    ("requirement", "kept"),
    [("macs<=0.5*baseline", True), ("macs<=0.499*baseline", False), ("macs<=baseline", True),
     ("macs>=0.6*baseline", False), ("output==baseline", True)],
)  # fmt: skip
def test_budgets_relative_to_the_baseline(requirement: str, kept: bool) -> None:
    then = record(macs=2000)
    (found, *_) = verdicts(record(), then, entry=asks(requirement))
    assert (found.level, found.code) == (("passed", "") if kept else ("error", "CC001"))
    assert found.bound is not None


def test_a_relative_budget_whose_baseline_lacks_the_entry() -> None:
    entry = asks("macs<=0.5*baseline")
    for lenient, level in ((False, "error"), (True, "note")):
        found = verdicts(record(), sides="missing", entry=entry, lenient=lenient)
        assert {(v.code, v.level) for v in found} == {("CC004", level)}


def test_levels_of_budgets_and_entries() -> None:
    budgets = tuple(
        read_budget(FIGURES["params"], {"max": 1, "level": level}, "error")
        for level in ("error", "warn", "off")
    )
    entry = Entry("a", "3x3", budgets=budgets, level="warn", message="ask Ada")
    found = verdicts(record(macs=1001), record(), entry=entry)
    judged = [(v.code, v.level, v.message) for v in found if v.code]
    assert judged == [("CC001", "error", "ask Ada"), ("CC001", "warning", "ask Ada"),
                    ("CC002", "warning", "ask Ada")]  # fmt: skip
    assert findings(record(macs=1001), record(), entry=Entry("a", "3x3", level="off")) == []


def test_a_figure_that_is_incomplete_never_passes_silently() -> None:
    many = tuple(f"fft{number} (net.py:{number})" for number in range(5))
    for count, text in ((1, "1 operation not counted: fft0 (net.py:0)"), (5, "5 operations not ")):
        (found,) = verdicts(record(), entry=asks(), unknown=many[:count])[:1]
        assert (found.code, found.level) == ("CC003", "error")
        assert found.detail.startswith(text)
    warns = Entry("a", "3x3", incomplete="warn", budgets=(read_requirement("params<=100"),))
    assert findings(record(), entry=warns, unknown=many) == [("CC003", "warning", "complete")]
    off = Entry("a", "3x3", level="off")
    assert findings(record(), entry=off, unknown=many) == [("CC003", "error", "complete")]


def test_an_entry_that_the_baseline_lacks() -> None:
    assert findings(record(), sides="missing") == [("CC004", "error", "entry")]
    assert findings(record(), sides="missing", lenient=True) == [("CC004", "note", "entry")]


def test_an_entry_of_which_nothing_is_asked() -> None:
    assert findings(record()) == [("CC008", "note", "entry")]
    assert findings(record(), entry=asks("params<=100")) == []
    assert findings(record(), record()) == []


LATENCIES = [
    (None, Latency(100, "x"), "CC007", "note"),
    (Latency(100, "x"), None, "CC007", "note"),
    (Latency(100, "x"), Latency(100, "y"), "CC007", "note"),
    (Latency(120, "x"), Latency(100, "x"), "", "passed"),
    (Latency(121, "x"), Latency(100, "x"), "CC002", "error"),
    (Latency(50, "x"), Latency(100, "x"), "", "passed"),
]


@pytest.mark.parametrize(("now", "then", "code", "level"), LATENCIES)
def test_latency(now: Latency | None, then: Latency | None, code: str, level: str) -> None:
    """Compared only where it was measured on the same device, and only when asked for."""
    new, old = replace(record(), latency=now), replace(record(), latency=then)
    assert all(v.figure != "latency" for v in verdicts(new, old))
    (*_, found) = verdicts(new, old, "latency:20%")
    assert (found.figure, found.code, found.level) == ("latency", code, level)


def test_strictness_and_what_passed_means() -> None:
    def check(*levels: str) -> Check:
        several = (Verdict("a", level, "params", "CC001" * (level != "passed")) for level in levels)
        return Check((), tuple(several))

    assert check("passed", "note", "warning").passed
    assert not check("passed", "error").passed
    assert not check("warning").strictly().passed
    assert check("passed", "note").strictly().passed
    assert [v.level for v in check("note", "passed", "error", "warning").findings] == [
        "error", "warning", "note",
    ]  # fmt: skip


def test_every_code_is_explained() -> None:
    for code in CODES:
        assert explain(code.lower()).startswith(f"{code}: ")
    with pytest.raises(OptionError, match="unknown code 'CC02'") as caught:
        explain("CC02")
    assert caught.value.hint == "did you mean CC002?"


# Which layers grew


Layers = dict[str, tuple[Any, ...]]


def grown(before: Layers, after: Layers) -> str:
    """The layers that a finding names."""
    then, now = (
        record(layers=layers, params=sum(row[0] for row in layers.values()))
        for layers in (before, after)
    )
    (finding,) = (verdict for verdict in verdicts(now, then) if verdict.figure == "params")
    return finding.sentence.partition("): ")[2]


A, B, C = (10, 0, "8x4", "3"), (20, 0, "8x4", "3"), (5, 0, "8x4", "1")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"conv1": A, "conv2": B}, {"conv1": (14, 0, "8x4", "5"), "conv2": B}, "conv1 +4"),
        ({"conv1": A, "conv2": A}, {"conv1": B, "conv2": A}, "conv1 +10"),
        ({"conv1": A, "conv2": B}, {"conv1": A, "conv2": C, "conv3": B}, "new: conv2 +5"),
        ({"conv1": A, "se": C}, {"conv1": B, "fc": (6, 0, "1", "*")},
         "conv1 +10, new: fc +6, gone: se -5"),
        ({str(n): A for n in range(4)}, {str(n): B for n in range(5)},
         "new: layer 4 +20, layer 0 +10, layer 1 +10, 2 more"),
    ],
)  # fmt: skip
def test_growth_names_its_layers(before: Layers, after: Layers, expected: str) -> None:
    assert grown(before, after) == expected


def test_long_runs_of_like_layers_are_matched_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {str(number): A for number in range(4)}
    after = {**before, "0": B, "1": B}
    assert grown(before, after) == "layer 0 +10, layer 1 +10"
    monkeypatch.setattr("convcalc.checking.pairing.MAX_COMPARISONS", 7)
    assert grown(before, after) == "layer 0 +10, layer 1 +10"
    monkeypatch.setattr("convcalc.checking.pairing.MAX_COMPARISONS", 0)
    assert grown({"a": A, "b": B}, {"b": A, "a": B, "c": C}) == "new: c +5"


def test_a_figure_over_its_budget_and_grown_is_one_finding_without_layers_too() -> None:
    """The depth has none that it grew in."""
    (found,) = (v for v in verdicts(record(depth=3), record(depth=2), "depth:0",
                                    entry=asks("depth<=2")) if v.code)  # fmt: skip
    assert found.sentence == "depth 3 is over the 2 allowed (+50.0%); 2 in the baseline"


def test_a_bound_proves_no_minimum() -> None:
    """The field is at most 9x9: it may be less than 7x7."""
    now = record(exact=False, receptive_field=(9, 9))
    (found,) = verdicts(now, entry=asks("receptive_field>=7x7"))
    assert (found.code, found.level) == ("CC003", "error")
    assert found.sentence == "receptive_field, at most 9x9: >= 7x7 cannot be proven"
    (found,) = verdicts(now, entry=asks("receptive_field<=9x9"))
    assert (found.code, found.level) == ("", "passed")


def test_a_time_that_no_card_predicts() -> None:
    found = [v for v in verdicts(record(), record(), "time:1%") if v.code]
    assert [(v.code, v.sentence) for v in found] == [
        ("CC004", "time: no machine card to predict it with")
    ]


def test_values_in_words() -> None:
    assert [wording.value("latency", 1_500_000), wording.value("time", 1_500_000)] == ["1.5 ms"] * 2
    assert wording.value("params", None) == "-"


def test_the_arguments_of_a_model_are_in_the_next_step() -> None:
    entry = Entry("a", "m:Net", budgets=(read_requirement("params<=1"),))
    options = {"bias": False, "model_args": {"width": 8}, "local": True, "padding": "same"}
    checked = Checked("a", "m:Net", record(), options=options)
    check = Check((checked,), tuple(judge(entry, checked, None, {}, False)))
    (step,) = map(check.next_step, check.findings)
    assert step == (
        "see convcalc show m:Net --input 3x8x8 --no-bias --model-arg width=8 --local --padding same"
    )


@pytest.mark.parametrize(
    ("now", "then", "text"),
    [(36_928, 36_927, "+1"), (36_927, 36_928, "-1"), (3, 0, "+3"), (130, 100, "+30.0%"),
     (10_001, Fraction(20_001, 2), "+0.5"), (5, 3_000_000, "-100.0%"), (200_000, 2, "100,000x")],
)  # fmt: skip
def test_growth_in_words(now: int, then: Any, text: str) -> None:
    assert wording.growth(now, then) == text
