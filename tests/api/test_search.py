"""`convcalc.search`: what it takes, what it gives, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

import convcalc
from convcalc import ConvcalcError, SearchResult, analyze, search
from convcalc.api.export import export as export_text


@pytest.fixture(scope="module")
def seven() -> SearchResult:
    return search("7x7@64", input="64x56x56", require=("field==7x7", "density>=1"))


def specs(result: SearchResult) -> list[str]:
    return [row.specs[0] for row in result.front]


def test_the_designs_example() -> None:
    found = search(
        "7x7@64", input="64x56x56", kernels=(1, 3, 5, 7), dilations=(1,), widths="same",
        kinds=("dense",), depth=4, objectives=("macs", "span"),
        require=("field==7x7", "density>=1", "macs<=0.3*ref"), mix=True, bias=True,
    )  # fmt: skip
    assert (found.sequences, found.candidates) == (69904, 2)
    assert [dict(row.figures) for row in found.front] == [{"macs": 179830784, "span": 53248}]
    assert found.front[0].count == 2


def test_rows(seven: SearchResult) -> None:
    assert seven.candidates == 517
    assert [row.figures["macs"] for row in seven.front] == sorted(
        row.figures["macs"] for row in seven.front
    )
    first, last = seven.front[0], seven.front[-1]
    assert (first.known, first.source) == (
        "Inception pair",
        "Szegedy et al. 2015, arXiv:1512.00567",
    )
    assert (last.specs, last.is_reference, first.is_reference) == (("7x7@64",), True, False)
    assert [row.specs[0] for row in seven.front if row.is_knee] == ["3x5@64+5x3@64"]
    assert seven.figures == {"macs": 629407744, "span": 200704}


def test_every_specification_has_the_rows_figures(seven: SearchResult) -> None:
    for row in seven.front:
        for text in row.specs:
            report = analyze(text, input="64x56x56")
            assert (report.macs, report.span) == (row.figures["macs"], row.figures["span"])
            assert report.receptive_field.size == (7, 7)


def test_the_order_of_options_is_of_no_matter() -> None:
    one = search("5x5@8", input="8x12x12", kernels=(1, 3, 5), kinds=("dense", "dw"), widths=(4, 8),
                 dilations=(1, 2), depth=3, objectives=("macs", "params"))  # fmt: skip
    other = search("5x5@8", input="8x12x12", kernels="5,3,1,1", kinds="dw,dense", widths="8,4,8",
                   dilations="2,1", depth=3, objectives="macs,params")  # fmt: skip
    assert one == other


def test_more_to_choose_from_is_never_worse() -> None:
    """Every row of the smaller menu is met or beaten by one of the larger."""
    small = search("5x5@8", input="8x12x12", kernels="1,5", depth=2, objectives="macs,activations")
    for more in (
        {"kernels": "1,3,5"},
        {"kernels": "1,5", "depth": 3},
        {"kernels": "1,5", "kinds": "dense,dw"},
        {"kernels": "1,5", "widths": "2,4"},
        {"kernels": "1,5", "dilations": "1,2"},
    ):
        arguments: dict[str, Any] = {"depth": 2, **more}
        large = search("5x5@8", input="8x12x12", objectives="macs,activations", **arguments)
        assert (large.candidates or 0) >= (small.candidates or 0)
        for row in small.front:
            assert any(
                all(other.figures[name] <= row.figures[name] for name in row.figures)
                for other in large.front
            )


def test_large_kernel_attention_sees_23_and_21_is_cheaper() -> None:
    assert analyze("dw5x5+dw7x7d3+1x1").receptive_field.size == (23, 23)
    found = search(
        "dw21x21+1x1", kernels="1x1,3x3,5x5,7x7", dilations=range(1, 5), kinds="dense,dw",
        depth=3, objectives="macs,depth", require="field==21x21",
    )  # fmt: skip
    row = found.front[0]
    assert (row.specs[0], row.known, row.count) == ("dw5x5+dw5x5d4+1x1@64", "LKA", 12)
    assert row.figures["macs"] < analyze("dw5x5+dw7x7d3+1x1").macs


def test_at_a_layer_of_a_network() -> None:
    found = search("zoo:alexnet", at="conv2/conv1", kernels="1,3,5", depth=2)
    assert found.reference.input == convcalc.Shape(96, (27, 27))
    assert found.front[0].specs[0] == "1x5@256+5x1@256"
    before, after, *_ = found.networks
    assert before.params == analyze("zoo:alexnet").params
    graph = found.apply(1)
    assert [node.name for node in graph.nodes[4:6]] == ["conv2/conv1_1", "conv2/conv1_2"]
    report = analyze(graph)
    assert (
        report.macs == after.macs == before.macs - found.reference.macs + found.front[0].report.macs
    )
    assert "1x5@256 + 5x1@256" in export_text(graph)


def test_at_a_layer_within_branches() -> None:
    found = search("add(id | 3x3+relu+5x5)", at="conv2", input="8x9x9", kernels="1,3,5")
    text = export_text(found.apply(1))
    assert "add(id | 3x3 + relu + 1x5@8 + 5x1@8)" in text


def test_without_bias() -> None:
    plain = search("7x7@64", bias=False)
    assert plain.front[0].report.params == 57344
    assert plain.front[0].specs[0] == "1x7@64+7x1@64"
    said = search("7x7@64b0")
    assert said.front[0].report.params == 57344
    assert said.front[0].specs[0] == "1x7@64b0+7x1@64b0"


def test_one_dimension() -> None:
    found = search("9@8", input="8x40", kernels="1,3,5", objectives="macs,depth")
    assert specs(found) == ["3@8+3@8+3@8+3@8", "5@8+5@8"] or found.candidates
    assert all(row.report.receptive_field.size == (9,) for row in found.front)


def test_what_does_not_mix_is_for_those_who_ask() -> None:
    mixed = search("dw5x5", kernels="1,5", kinds="dense,dw", objectives="macs")
    free = search("dw5x5", kernels="1,5", kinds="dense,dw", objectives="macs", mix=False)
    assert (mixed.front[0].known, free.front[0].specs) == (
        "strips",
        ("dw1x5+dw5x1", "dw5x1+dw1x5"),
    )


def test_grouped() -> None:
    found = search("3x3@16", input="16x8x8", kinds="dense,grouped", kernels="1,3", depth=2,
                   objectives="macs,depth")  # fmt: skip
    assert "1x1@16+3x3@16g8" in found.front[0].specs


@pytest.mark.parametrize(
    ("required", "unmet"),
    [
        ("macs<=0.1*ref", "macs<=0.1*ref: the least is 179,830,784"),
        ("span>=2*ref", "span>=2*ref: the most is 200,704"),
        ("field==8x8", "field==8x8: the nearest sizes are 7 or 9 x 7 or 9"),
        (("field==7x7", "macs<=100", "params<=1"), "several requirements together"),
        (("macs<=200M", "depth<=1"), "depth<=1: "),
    ],
)
def test_nothing_fits(required: Any, unmet: str) -> None:
    found = search("7x7@64", input="64x56x56", require=required)
    assert (found.front, found.candidates, found.sequences) == ((), 0, 69904)
    assert (found.unmet or "").startswith(unmet)


def test_contradictions_are_no_error() -> None:
    found = search("7x7@64", require=("field==7x7", "field==9x9", "depth>=9"))
    assert (found.front, found.candidates) == ((), 0)


def test_the_space_of_a_span_with_widths_is_limited() -> None:
    with pytest.raises(ConvcalcError, match=r"sequence by sequence: [0-9,]+ sequences are more"):
        search("7x7@64", widths="8,16,32,64", depth=6)


def test_interrupted_it_is_exact_for_what_was_finished() -> None:
    calls = []

    def progress(text: str, share: float | None) -> None:
        calls.append(text)
        if text.startswith("3 of"):
            raise KeyboardInterrupt

    cut = search("7x7@64", progress=progress)
    assert (cut.complete, cut.depth, calls[-1]) == (False, 2, "3 of 4 layers")
    short = search("7x7@64", depth=2)
    assert (cut.front, cut.candidates) == (short.front, short.candidates)


def test_interrupted_while_counting_the_front_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from convcalc.searching.enumeration import Enumeration

    def stop(self: Enumeration) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Enumeration, "count", stop)
    found = search("7x7@64", require="macs<=0.3*ref")
    assert (found.candidates, len(found.front), found.complete) == (None, 1, True)
    assert "Interrupted while they were counted" in str(found)


def test_a_result_shows_itself(seven: SearchResult) -> None:
    assert "Inception pair" in str(seven)
    document = seven.to_dict()
    assert (document["command"], document["candidates"]) == ("search", 517)
    assert document["front"][0] == {
        "specs": ["1x7@64+7x1@64", "7x1@64+1x7@64"],
        "figures": {"macs": 179830784, "span": 53248}, "count": 2, "known": "Inception pair",
        "source": "Szegedy et al. 2015, arXiv:1512.00567", "knee": False, "reference": False,
    }  # fmt: skip
    assert document["reference"]["figures"] == {"macs": 629407744, "span": 200704}
    assert seven.to_markdown().count("\n") == 2 + len(seven.front)


def test_top(seven: SearchResult) -> None:
    short = seven.top(3)
    assert (len(short.front), short.left_out) == (3, 5)
    assert "5 more rows are left out" in str(short)


@pytest.mark.parametrize(
    ("reference", "arguments", "message"),
    [
        ("7x7", {"kernels": ()}, "kernels: expected at least one"),
        ("7x7", {"kernels": "1,x"}, "kernels: expected numbers"),
        ("7x7", {"kernels": [(1, 2, 3)]}, "kernels: expected 2 sizes a kernel, got 3"),
        ("7x7", {"kernels": [0]}, "kernels: expected numbers from 1 to 999, got 0"),
        ("7x7", {"kernels": range(1, 200)}, "kernels: more than 4,096 kernels"),
        ("7x7", {"dilations": "a"}, "dilations: expected numbers"),
        ("7x7", {"widths": "wide"}, "widths: expected numbers"),
        ("7x7", {"kinds": "sparse"}, "kinds: unknown name 'sparse'"),
        ("7x7", {"objectives": "beauty"}, "objectives: unknown name 'beauty'"),
        ("7x7", {"objectives": "density"}, "objectives: unknown name 'density'"),
        ("7x7", {"depth": 0}, "depth=0: expected a number from 1 to 16"),
        ("7x7", {"require": "7x7"}, "require='7x7': expected a figure, <=, >= or ==, and a value"),
        ("7x7", {"require": "mac<=1"}, "unknown figure 'mac'\nhint: did you mean 'macs'?"),
        ("7x7", {"require": "macs<=many"}, "macs: expected a number such as '300 M', got 'many'"),
        ("7x7", {"require": "macs<=1/0"}, "macs: expected a number such as '300 M', got '1/0'"),
        ("7x7", {"require": "field==7x7x7"}, "expected 2 sizes, got 3"),
        ("7x7+relu+3x3", {"require": "span>=ref"}, "the reference has no span"),
        ("7x7", {"kinds": "grouped"}, "the span of grouped convolutions is known by rank only"),
        ("7x7", {"input": "CxHxW"}, "search compares counts, so every size of CxHxW"),
        ("7x7+gap", {}, "7x7+gap sees the whole input"),
        ("zoo:resnet50", {}, "zoo:resnet50 sees the whole input"),
        ("7x7pvalid", {}, "7x7pvalid gives 64x50x50, and candidates, whose padding is same, give"),
        ("up2", {}, "has the stride 1/2: search takes whole strides"),
        ("3x3x3", {}, "search replaces convolutions along 1 or 2 axes"),
        ("zoo:alexnet", {"at": "conv9"}, "at='conv9': no such layer"),
        ("add(id | 3x3+relu)", {"at": "add1"}, "expected a part with one input and one output"),
    ],
)  # fmt: skip
def test_refused(reference: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        search(reference, **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("row", [0, 9, True, "1"])
def test_apply_refuses(seven: SearchResult, row: Any) -> None:
    with pytest.raises(ConvcalcError, match="expected a row from 1 to 8"):
        seven.apply(row)
