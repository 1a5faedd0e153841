"""The generic form of a step: what is written comes back, and anything else is one message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.analysis import Setting, analyze_graph
from convcalc.errors import ConvcalcError
from convcalc.layers.traced import Step
from convcalc.networks.file import read_text
from convcalc.networks.steps import read_step, write_step
from convcalc.networks.toml import inline
from convcalc.quantities import AxisRead, Link, Links, OpCounts, Shape, Windows

SMALL = st.integers(0, 5)
WINDOW = st.none() | st.tuples(st.integers(-3, 0), SMALL)
AXIS = st.one_of(
    st.builds(AxisRead, st.integers(1, 5), st.integers(-2, 3), st.integers(-4, 4),
              st.integers(1, 3), st.integers(1, 3), st.sampled_from(["", "circular", "reflect"])),
    st.builds(
        Windows, SMALL, st.lists(WINDOW, min_size=1, max_size=3).map(tuple),
    ),
)  # fmt: skip
LINK = st.builds(Link, st.none() | st.integers(0, 2), st.none() | AXIS)
LINKS = st.builds(
    Links,
    st.none() | st.lists(LINK, max_size=3).map(tuple),
    st.booleans(),
)  # fmt: skip
READS = st.none() | LINKS | st.lists(AXIS, max_size=3).map(tuple)
STEPS = st.builds(
    Step,
    st.sampled_from(["matmul", "a \"b\" \\ ü"]),
    st.builds(Shape, st.integers(1, 9), st.lists(st.integers(1, 9), max_size=3).map(tuple)),
    st.builds(OpCounts, SMALL, st.just(0), SMALL, SMALL, SMALL, SMALL, SMALL, SMALL),
    st.lists(READS, max_size=3).map(tuple),
    SMALL, st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip


@given(STEPS, st.none() | st.just(Shape(3, (2, 2))))
def test_a_written_step_comes_back(step: Step, size: Shape | None) -> None:
    import tomllib

    values = tomllib.loads(f"step = {inline(write_step(step, size))}")["step"]
    found, shown = read_step(values, len(step.reading))
    assert found == step
    assert (shown or step.shape) == (size or step.shape)


FILE = """
input = "2x4x4"
[[stage]]
name = "a"
layers = "3x3"
[[stage]]
name = "b"
{}
"""


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('of = ["$a"]\nstep = { output = "2" }', "step: expected a string for name"),
        ('of = ["$a"]\nstep = { name = "x" }', "step: expected a string for output"),
        ('of = ["$a"]\nstep = { name = "x", output = "2y" }', "a size such as 64x7x7, got '2y'"),
        ('of = ["$a"]\nstep = { name = "x", output = "C" }', "a size such as 64x7x7, got 'C'"),
        ('of = ["$a"]\nstep = { name = "x", output = "2", y = 1 }', "step: unknown key 'y'"),
        ('of = ["$a"]\nstep = { name = "x", output = "2", taps = -1 }', "a count for taps"),
        ('of = ["$a"]\nstep = { name = "x", output = "2", gate = 1 }', "are true or false"),
        ('of = ["$a"]\nstep = { name = "x", output = "2", reads = [] }', "expected 1 reads"),
        ('of = ["$z"]\nstep = { name = "x", output = "2" }', "no such stage: 'z'"),
        ('of = ["3x3"]\nstep = { name = "x", output = "2" }', "expected the name of a stage"),
        ('step = { name = "x", output = "2" }', "missing key 'of'"),
        ('of = ["$a"]\nlayers = "3x3"\nstep = { name = "x" }', "unknown key 'layers'"),
        *(
            (f'of = ["$a"]\nstep = {{ name = "roll", output = "2x4x4", reads = [{reads}] }}', wrong)
            for reads, wrong in [
                ("3", 'expected "all" or a list in reads'),
                ("[3]", "expected a table for a reading"),
                ("[{ x = 1 }]", "unknown key in a reading"),
                ("[{ kernel_size = 0 }]", "expected an integer for kernel_size"),
                ('[{ outside = "x" }]', "unknown outside of a reading"),
                ("[{ windows = [] }]", "expected a step and windows"),
                ("[{ step = 1, windows = [[2, 1]] }]", "expected a step and windows"),
                ("{ links = 3 }", "expected a list of links"),
                ("{ x = 3 }", "expected links and exact"),
                ("{ links = [3] }", "a link is an axis of the output and a reading"),
                ("{ links = [[-1, {}]] }", "expected an axis in a link"),
                ("[{}]", "its reads do not fit an input of 2x4x4"),
                ("{ links = [[0, {}]] }", "its reads do not fit an input of 2x4x4"),
                ("{ links = [[0, {}], [7, {}]] }", "its reads do not fit an input of 2x4x4"),
            ]
        ),
    ],
)  # fmt: skip
def test_anything_else_is_one_message(lines: str, message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        graph = read_text(FILE.format(lines), "net.toml").graph("net")
        analyze_graph(graph, Setting(Shape(2, (4, 4))))
    assert message in str(caught.value)


def test_a_step_is_a_node() -> None:
    text = FILE.format(
        'of = ["$a", "$input"]\nstep = { name = "roll", output = "2x4x4", taps = 7, weights = 5, '
        'reads = [[{ offset = -1 }, {}], { links = [[1, {}], [0, "all"]] }] }'
    )
    report = analyze_graph(read_text(text, "net.toml").graph("net"), Setting(Shape(2, (4, 4))))
    assert (report.layers[1].name, report.layers[1].spec) == ("b/step1", "roll")
    assert (report.layers[1].params, report.layers[1].macs) == (5, 7)
    assert report.layers[1].inputs == ("a/conv1", "input")
