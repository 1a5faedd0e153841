"""Stages as values: what a network file says with `$NAME`, `outputs` and `weights_of`."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.analysis import Report
from convcalc.errors import ConvcalcError
from convcalc.networks.file import read_text
from convcalc.quantities import Shape


def network(*stages: str, head: str = "") -> str:
    """A file of stages `NAME: LAYERS` or `NAME: LAYERS; weights_of`."""
    lines = ['input = "3x16x16"', head]
    for stage in stages:
        name, _, rest = stage.partition(": ")
        layers, _, shared = rest.partition("; ")
        lines += ["[[stage]]", f'name = "{name}"', f'layers = "{layers}"']
        lines += [f'weights_of = "{shared}"'] if shared else []
    return "\n".join(lines)


def analysed(*stages: str, head: str = "") -> Report:
    return convcalc.analyze(read_text(network(*stages, head=head), "net.toml").graph("net"))


def error_of(*stages: str, head: str = "") -> str:
    with pytest.raises(ConvcalcError) as caught:
        read_text(network(*stages, head=head), "net.toml")
    return str(caught.value)


PYRAMID = ("c3: 3x3s2@8", "c4: 3x3s2@16", "p4: 1x1@12", "p3: add($c3+1x1@12 | $p4+up2)",
           "h3: $p3+2*(3x3@12+relu)+1x1@5", "h4: $p4+2*(3x3@12+relu)+1x1@5; h3")  # fmt: skip


def test_a_pyramid_by_hand() -> None:
    report = analysed(*PYRAMID, head='outputs = ["h3", "h4"]')
    assert {name: output.shape for name, output in report.outputs.items()} == {
        "h3": Shape(5, (8, 8)), "h4": Shape(5, (4, 4))}  # fmt: skip
    layers = {layer.name: layer for layer in report.layers}
    assert layers["p3/conv1"].inputs == ("c3/conv1",)
    assert layers["p3/up1"].inputs == ("p4/conv1",)
    assert layers["h4/conv1"].inputs == ("p4/conv1",)
    trunk = (3 * 9 * 8 + 8) + (8 * 9 * 16 + 16) + (16 * 12 + 12) + (8 * 12 + 12)
    head = 2 * (12 * 9 * 12 + 12) + 12 * 5 + 5
    assert report.params == trunk + head  # the head once
    per_position = 2 * 12 * 9 * 12 + 12 * 5
    assert sum(layers[name].macs for name in layers if name.startswith("h4")) == per_position * 16
    assert sum(layers[name].macs for name in layers if name.startswith("h3")) == per_position * 64
    # 3x3s2, 3x3s2, 1x1 at stride 4: 7; then two 3x3 at stride 4: 7 + 16
    assert report.outputs["h4"].receptive_field.size == (23, 23)
    assert report.output == Shape(5, (8, 8))


def test_reading_a_tensor_twice_counts_its_layers_once() -> None:
    once = analysed("a: 3x3@8", "b: add($a+1x1 | $a)", "c: cat($b | $a | $a)")
    assert once.params == (3 * 9 * 8 + 8) + (8 * 8 + 8)
    assert once.output == Shape(24, (16, 16))


def test_the_input_and_a_stage_of_that_name() -> None:
    report = analysed("input: 3x3@4", "b: cat($input | $input+1x1@2)", "c: add(id | id)",
                      "d: cat($c | $b)", head='outputs = ["d", "input"]')  # fmt: skip
    assert report.output == Shape(10, (16, 16))
    assert report.outputs["input"].shape == Shape(4, (16, 16))


def test_a_stage_without_layers_passes_on_what_it_reads() -> None:
    report = analysed("a: 3x3@8", "b: $a", "c: $input", "d: cat($b | $c)",
                      head='outputs = ["d", "c", "b"]')  # fmt: skip
    assert [str(output.shape) for output in report.outputs.values()] == [
        "11x16x16", "3x16x16", "8x16x16"]  # fmt: skip
    assert report.outputs["c"].receptive_field.size == (1, 1)


def test_branches_that_name_stages_in_a_loop() -> None:
    report = analysed("p1: 3x3@4", "p2: 3x3s2", "p3: 3x3s2",
                      "all: cat($p(i)+up(2^(i-1)) for i in 1..3)")  # fmt: skip
    assert report.output == Shape(12, (16, 16))
    assert report.layers[-1].inputs == ("all/up1", "all/up2", "all/up3")


def test_parentheses_begin_a_series_too() -> None:
    assert analysed("a: 3x3@8", "b: ($a+1x1@2)+relu").output == Shape(2, (16, 16))


@pytest.mark.parametrize(
    ("stages", "head", "message"),
    [
        (("a: 3x3", "b: add($a | $d)", "c: id"), "", "no such stage: 'd'"),
        (("a: 3x3", "b: add($a | $c)", "c: id"), "", "stage 'c' comes later"),
        (("a: 3x3", "b: add($a | $b)"), "", "stage 'b' comes later"),
        (("a: 3x3", "b: 1x1+$a"), "", "$a does not begin a series"),
        (("a: 3x3", "b: 2*$a"), "", "$a does not begin a series"),
        (("a: 3x3", "b: ($a+relu for i in 1, 2)"), "", "$a cannot stand in a block or a repeat"),
        (("a: 3x3", "b: c"), '[blocks]\nc = "add($a | id)"', "$a cannot stand in a block"),
        (("a: 3x3",), '[blocks]\n"c(n)" = "1x1@n+$a"', "$a cannot stand in a block"),
        (("a: 3x3", "b: $input+3x3"), "", "stage 'a' leads nowhere: no output depends on it"),
        (("a: 3x3", "b: 3x3"), 'outputs = ["a"]', "stage 'b' leads nowhere"),
        (("a: 3x3",), 'outputs = ["b"]', "outputs: no such stage: 'b'"),
        (("a: 3x3",), "outputs = []", "outputs: expected at least one stage"),
        (("a: 3x3",), 'outputs = ["a", "a"]', "outputs: duplicate stage 'a'"),
        (("a: 3x3",), 'outputs = "a"', 'outputs: expected a list of strings, got "a"'),
        (("a: 3x3; b", "b: 3x3"), "", "stage a: weights_of: no earlier stage 'b'"),
        (("a: 3x3", "b: 1x1; a"), "", "stage b has other layers than a, whose weights it takes"),
        (("a: 3x3", "b: $a; a"), "", "stage b has other layers than a, whose weights it takes"),
    ],
)  # fmt: skip
def test_errors(stages: tuple[str, ...], head: str, message: str) -> None:
    text = error_of(*stages, head=head)
    assert message in text.splitlines()[0]
    assert "net.toml, line " in text and "^" in text


def test_hints_of_stages() -> None:
    assert "hint: did you mean 'conv4'?" in error_of("conv4: 3x3", "b: $conv5")
    assert "hint: earlier stages: conv4" in error_of("conv4: 3x3", "b: $xyz")
    assert "hint: read it as $a in a later stage" in error_of("a: 3x3", "b: $input")


def test_a_mistake_in_a_stage_is_not_repeated_for_those_that_read_it() -> None:
    text = error_of("a: rleu", "b: $a+3x3", "c: rleu")
    assert text.count("unknown word") == 2 and "2 problems" in text


def test_shared_weights_of_maps_of_other_sizes() -> None:
    assert analysed("a: gap+fc10", "b: $input+gap+fc10; a", "c: cat($a | $b)").params == 40


@pytest.mark.parametrize(
    ("stages", "message", "place"),
    [
        (("a: 3x3@8", "b: 3x3@8; a"),
         "3x3@8: its weights are those of a/conv1, which reads 3 channels, not 8 (layer b/conv1)",
         "net.toml, line 8, column 11, stage b:"),
        (("a: fc10", "b: $input+maxpool2x2", "c: fc10; a", "d: cat($a | $c)"),
         "fc10: its weights are those of a/fc1, which has 7690 of them, not 1930 (layer c/fc1)",
         "net.toml, line 11, column 11, stage c:"),
    ],
)  # fmt: skip
def test_shared_weights_must_fit(stages: tuple[str, ...], message: str, place: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        analysed(*stages)
    lines = str(caught.value).splitlines()
    assert lines[:2] == [message, f"  {place}"] and set(lines[3].strip()) == {"^"}
    assert lines[4].startswith("hint: weights are shared by layers that read the same ")


def test_weights_may_be_handed_on() -> None:
    report = analysed("a: 3x3@3+bn", "b: 3x3@3+bn; a", "c: 3x3@3+bn; b")
    assert report.params == 84 + 6
    assert [layer.params for layer in report.layers] == [84, 6, 0, 0, 0, 0]
    assert report.macs == 3 * 81 * 256


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2*(3x3@3+relu)", "3x3+relu+3x3@3+relu", True),
        ("3x3@3", "3x3@3b1psame", True),
        ("3x3@3", "3x3@3b0", False),
        ("unit(3)", "add(id | 3x3)+relu", True),
        ("(3x3d(r) for r in 1, 2)", "3x3+3x3d2", True),
        ("cat(3x3 | 5x5)", "cat(3x3+5x5)", False),
        ("cat(1x1 | 3x3+5x5)", "cat(1x1+3x3 | 5x5)", False),
        ("add(3x3 | 3x3+relu)", "mul(3x3 | 3x3b1+relu)", False),
        ("add(id | $a+3x3)", "add(id | $b+3x3)", False),
        ("3x3+relu", "3x3", False),
        ("3x3@3", "1x1@3", False),
        ("3x3@3", "3x3@6", False),
        ("3000*3x3+relu", "3000*3x3+elu", False),
        ("2*(3x3 for a in 1, 2)", "4*3x3", True),
    ],
)
def test_the_same_layers_however_they_are_spelt(one: str, other: str, same: bool) -> None:
    stages = ["a: 3x3@3", "b: 3x3@3", f"c: $a+{one}", f"d: $b+{other}; c"]
    head = 'outputs = ["c", "d"]\n[blocks]\n"unit(c)" = "add(id | 3x3@c)+relu"'
    if same:
        report = analysed(*stages, head=head)
        assert not any(layer.params for layer in report.layers if layer.name.startswith("d/"))
    else:
        assert "stage d has other layers than c" in error_of(*stages, head=head)


def test_channels_that_one_leaves_out_are_those_of_the_input() -> None:
    message = "its weights are those of b/conv1, which reads 3 channels, not 8"
    with pytest.raises(ConvcalcError, match=message):
        analysed("a: 3x3@8", "b: $input+3x3@8", "c: $a+3x3; b", "d: cat($b | $c)")


def test_what_follows_convolutions_is_shared_as_well() -> None:
    report = analysed("a: 3x3@3", "b: 3x3@3; a", head='after_conv = "bn+relu"')
    assert report.params == 84 + 6


def test_five_hundred_stages_that_read_each_other() -> None:
    """Five thousand of them are timed by `make bench`."""
    from tests.limits import Limit, cost

    stages = ["s0: 3x3@4", "s1: 3x3"]
    stages += [f"s{n}: add($s{n - 1}+relu | $s{n - 2})" for n in range(2, 500)]
    with cost(Limit(calls=2_000_000)) as spent:
        graph = read_text(network(*stages), "net.toml").graph("net")
    assert not spent.excess
    assert len(graph.nodes) == 2 + 2 * 498
