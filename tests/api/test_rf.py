"""`receptive_field`: fields from every side, against brute force and by hand."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import isclose, sqrt
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import convcalc
from convcalc.analysis import Setting
from convcalc.analysis.effective import effective_field
from convcalc.analysis.forward import reached_from
from convcalc.analysis.support import TooLarge
from convcalc.analysis.walk import Walk, positions_read
from convcalc.api.rf import receptive_field
from convcalc.cli.main import main
from convcalc.errors import ConvcalcError, OptionError, SymbolError
from convcalc.graph import INPUT, Graph
from convcalc.networks.file import read_text
from convcalc.quantities import Shape
from convcalc.render.grids import support_grid, weight_grid
from convcalc.render.rf import sentences, to_rows, to_table
from convcalc.spec import Defaults, lower, parse
from tests.laws import strategies as laws
from tests.truth.tables import load


def walked(graph: Graph, shape: Shape) -> Walk:
    walk = Walk(graph, Setting(shape))
    walk.visit_all()
    return walk


def naive_paths(walk: Walk, unit: tuple[int, ...]) -> dict[tuple[int, ...], int]:
    """Paths to each input position, one by one: taps that fall outside a map are lost."""

    @cache
    def counts(index: int, at: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], int], ...]:
        if index == INPUT:
            return ((at, 1),)
        found: dict[tuple[int, ...], int] = {}
        for source, read, _ in walk.branches[index]:
            spatial = walk.state(source).shape.spatial
            for position in reached(read, at, spatial):
                for place, ways in counts(source, position):
                    found[place] = found.get(place, 0) + ways
        return tuple(found.items())

    def reached(read: Any, at: tuple[int, ...], spatial: tuple[int, ...]) -> Any:
        if read is None:
            return product(*map(range, spatial))
        along = []
        for axis, one in enumerate(read):
            taps = [one.stride * at[axis] + one.offset + one.dilation * t
                    for t in range(one.kernel_size)]  # fmt: skip
            inside = [tap // one.upsampling for tap in taps if tap % one.upsampling == 0]
            along.append([place for place in inside if 0 <= place < spatial[axis]])
        return product(*along)

    return dict(counts(len(walk.states) - 1, unit))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Graph, Shape]:
    shape = draw(laws.SMALL_INPUTS[draw(st.sampled_from([1, 2, 2, 3]))])
    tree, _ = draw(laws.networks(shape))
    return lower(tree, Defaults()), shape


@given(networks(), st.data())
@laws.examples(100)
def test_path_counts_and_the_region_are_those_of_walking_every_path(
    drawn: tuple[Graph, Shape], data: st.DataObject
) -> None:
    graph, shape = drawn
    try:
        walk = walked(graph, shape)
    except ConvcalcError:
        assume(False)
    output = walk.states[-1].shape
    unit = tuple(data.draw(st.integers(0, size - 1)) for size in output.spatial)
    expected = naive_paths(walk, unit)
    view = receptive_field(graph, input=shape, unit=unit)
    ends = tuple((min(axis), max(axis)) for axis in zip(*expected, strict=True))
    assert view.region == (ends or (None,) * shape.rank)
    field = effective_field(walk, unit, clip=True)
    if field is None:
        assert not expected
        return
    rows = [value for row in field.counts.values for value in row]
    places = product(*(range(low, low + n) for low, n in zip(field.counts.low, field.counts.size,
                                                             strict=True)))  # fmt: skip
    found = {place: value for place, value in zip(places, rows, strict=True) if value}
    assert found == expected
    assert field.paths == sum(expected.values())
    assert field.positions == len(expected)
    for axis, deviation in enumerate(field.deviation):
        mean = sum(place[axis] * ways for place, ways in expected.items()) / field.paths
        square = sum(place[axis] ** 2 * ways for place, ways in expected.items()) / field.paths
        assert isclose(float(field.mean[axis]), mean, abs_tol=1e-9)
        assert isclose(deviation, sqrt(max(0.0, square - mean**2)), abs_tol=1e-5)


@given(networks(), st.data())
@laws.examples(60)
def test_a_position_reaches_the_units_that_read_it(
    drawn: tuple[Graph, Shape], data: st.DataObject
) -> None:
    graph, shape = drawn
    try:
        walk = walked(graph, shape)
    except ConvcalcError:
        assume(False)
    output = walk.states[-1].shape
    assume(output.positions <= 150)
    position = tuple(data.draw(st.integers(0, size - 1)) for size in shape.spatial)
    region = reached_from(walk, position)
    assert region is not None

    def reads(unit: tuple[int, ...]) -> bool:
        found = naive_paths(walk, unit)
        return position in found

    units = {unit for unit in product(*map(range, output.spatial)) if reads(unit)}
    from convcalc.analysis import support as sets

    assert sets.count(region.rows) == len(units)
    if units:
        ends = sets.extents(region.rows, output.rank)
        for axis, (low, (first, last)) in enumerate(zip(region.low, ends, strict=True)):
            assert low + first == min(unit[axis] for unit in units)
            assert low + last == max(unit[axis] for unit in units)


@pytest.mark.parametrize("row", load("erf_theory")["values"], ids=lambda row: row["config"])
def test_deviations_of_luo_et_al(row: dict[str, Any]) -> None:
    kernel, times = row["config"].split(" x ")
    view = receptive_field(f"{times}*{kernel}", input="1x256x256")
    size = 2 * row["trf_radius"] + 1
    assert (view.field.size, view.read) == ((size, size), size * size)
    assert view.effective is not None
    assert view.effective.deviation == pytest.approx([row["sigma"]] * 2, abs=1e-6)
    ratio = view.effective.deviation[0] / row["trf_radius"]
    assert ratio == pytest.approx(row["sigma_over_radius"], abs=1e-6)


@given(st.lists(laws.READS, min_size=1, max_size=5))
def test_variance_of_a_series(reads: list[Any]) -> None:
    """Luo et al. 2016: the sum of j^2 d^2 (k^2 - 1) / 12, j the strides before."""
    spec = "+".join(f"{r.kernel_size}s{r.stride}d{r.dilation}" for r in reads)
    view = receptive_field(spec, input="1x5000")
    stride, variance = 1, 0.0
    for read in reads:
        variance += stride**2 * read.dilation**2 * (read.kernel_size**2 - 1) / 12
        stride *= read.stride
    assert view.effective is not None
    assert view.effective.deviation[0] == pytest.approx(sqrt(variance))


def test_gradients_of_real_layers_are_the_path_counts() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra torch")
    spec = "add(7x1 | 1x7+3x3d2s1) + convt4x4s2p1 + add(id | 3x3) + up2 + 3x3s2pvalid"
    shape = Shape(1, (9, 8))
    module = convcalc.to_torch(spec, input=shape, bias=False).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(1)
    data = torch.zeros(1, 1, 9, 8, dtype=torch.float64, requires_grad=True)
    output = module(data)
    unit = (3, 5)
    (gradient,) = torch.autograd.grad(output[0, 0][unit], data)
    field = effective_field(walked(lower(parse(spec), Defaults()), shape), unit, clip=True)
    assert field is not None
    top, left = field.counts.low
    for row, values in enumerate(field.counts.values):
        for column, value in enumerate(values):
            assert gradient[0, 0, top + row, left + column].item() == value
    assert gradient.sum().item() == field.paths


def test_too_much_is_given_up() -> None:
    walk = walked(lower(parse("12*999x999"), Defaults()), Shape(1, (10**6, 10**6)))
    with pytest.raises(TooLarge):
        effective_field(walk, (0, 0), clip=False)
    assert receptive_field("12*999x999", input="1x1000000x1000000").effective is None


# Which layer, on which map, which unit


def test_at_and_from() -> None:
    whole = receptive_field("3x3s2+5x5+3x3", input="2x33x33")
    assert (whole.layer, whole.origin, whole.field.size) == ("conv3", "input", (15, 15))
    first = receptive_field("3x3s2+5x5+3x3", input="2x33x33", at="conv2")
    assert (first.layer, first.field.size) == ("conv2", (11, 11))
    last = receptive_field("3x3s2+5x5+3x3", input="2x33x33", origin="conv1")
    assert (last.origin, last.field.size, str(last.input)) == ("conv1", (7, 7), "2x17x17")
    stage = receptive_field("zoo:resnet50", at="conv5", origin="conv4")
    assert (stage.layer, stage.field.size) == ("conv5/relu9", (11, 11))


def test_paths_around_the_map_do_not_count() -> None:
    view = receptive_field("add(7x7 | 3x3+3x3)", input="2x33x33", origin="conv2")
    assert (view.layer, view.field.size, view.read) == ("add1", (3, 3), 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": "conv9"}, "at='conv9': no such layer"),
        ({"origin": "cnv1"}, "origin='cnv1': no such layer"),
        ({"at": "conv1", "origin": "conv2"}, "conv1 does not depend on conv2"),
        ({"unit": (40, 0)}, "unit='40,0': the output has no such position"),
        ({"unit": (1,)}, "unit='1': the output has no such position"),
    ],
)
def test_what_is_not_there(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        receptive_field("3x3+5x5", input="2x33x33", **options)
    assert str(caught.value).startswith(message)


def test_a_layer_that_does_not_depend_on_the_map() -> None:
    with pytest.raises(OptionError, match="conv2 does not depend on conv1"):
        receptive_field("add(3x3 | 5x5)", input="2x9x9", at="conv2", origin="conv1")


def test_letters_need_numbers() -> None:
    with pytest.raises(SymbolError, match="every size of CxHxW must be a number"):
        receptive_field("3x3", input="CxHxW")


def test_units_at_the_border_are_cut_off() -> None:
    view = receptive_field("add(7x1 | 1x7)", input="2x21x21", unit=(0, 20))
    assert view.clipped
    assert view.region == ((0, 3), (17, 20))
    assert view.read == 7
    inside = receptive_field("add(7x1 | 1x7)", input="2x21x21")
    assert (inside.clipped, inside.read) == (False, 13)


def test_branches_that_disagree_are_named() -> None:
    view = receptive_field("add(id | 3x3p0:2x1)", input="2x9x9")
    assert not view.field.aligned
    (found,) = view.disagreements
    assert (found.layer, found.axis) == ("add1", 0)
    assert found.centres == (("id1", "0"), ("conv1", "1"))


def test_centres_that_differ_at_some_units_only_are_told_by_phase() -> None:
    """Behind up2 unit 1 is a copy of unit 0, centred at 0, where id's is centred at 1."""
    view = receptive_field("add(id | 3s2+3+up2)", input="2x16")
    (found,) = view.disagreements
    assert found.centres == (("id1", "0, 1"), ("up1", "0, 0"))
    assert "(id1 at 0, 1; up1 at 0, by phase)" in " ".join(sentences(view))


def test_every_merge_that_is_not_aligned_is_named() -> None:
    view = receptive_field("6*add(id | 2x2)", input="2x9x9")
    assert [found.layer for found in view.disagreements] == [
        f"add{number}" for number in range(1, 7) for _ in "hw"
    ]
    text = " ".join(sentences(view))
    assert "along height and width (id1 at 0; conv1 at 0.5)" in text
    assert "Nor are add4, add5, add6." in text
    strided = receptive_field("add(id | 3s2p1:1)", input="2x1").disagreements[0].centres
    assert strided == (("id1", "0 at stride 1"), ("conv1", "0 at stride 2"))


def test_a_causal_network_is_called_so_and_is_not_accused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    network = "add(id | 3pcausal+3d2pcausal)+add(id | 3d4pcausal)"
    view = receptive_field(network, input="2x32")
    assert (view.field.aligned, view.field.causal, view.disagreements) == (False, True, ())
    assert sum("causal" in sentence for sentence in sentences(view)) == 1
    later = receptive_field(f"{network}+3", input="2x32")  # its last layer reads a later position
    assert (later.field.causal, len(later.disagreements)) == (False, 2)
    pooled = receptive_field(f"{network}+gap", input="2x32")
    assert (pooled.field.causal, pooled.disagreements) == (False, ())
    for spec, causal in (("3d4pcausal", True), ("3p3:0s2", True), ("3", False), ("1", False),
                         ("3pfull", False), ("2pfull", False)):  # fmt: skip
        for size in ("2x32", "2x33"):
            assert receptive_field(spec, input=size).field.causal is causal
    said = {"compare": "causal: add(", "show": "(causal)", "rf": "It is causal"}
    for command, words in said.items():
        others = ["3"] if command == "compare" else []
        assert main([command, network, *others, "--input", "2x32"]) == 0
        out = capsys.readouterr().out
        assert out.count(words) == 1
        assert "*" not in out.replace("C*", "")


def test_productivity_along_each_axis() -> None:
    view = receptive_field("7x1s2x1+5x3+5x3", input="2x8x64")
    height, width = view.productivity
    assert height.unproductive == ("conv3",)  # conv2 sees 7 + 4*2 = 15 of 8 rows
    assert width.unproductive == ()
    assert (height.smallest, height.largest) == (15, 23)
    assert (width.smallest, width.largest) == (3, 5)
    vgg = receptive_field("zoo:vgg16").productivity
    assert [(p.smallest, p.largest) for p in vgg] == [(164, 212)] * 2
    around = receptive_field("3*add(id | 3x3+3x3)", input="2x4x4").productivity[0]
    assert around.unproductive == ()  # the shortest path has seen 1 + 2 positions only


def test_grids_of_a_cross_of_a_strip_and_of_a_clip() -> None:
    cross = receptive_field("add(3x1 | 1x3)", input="1x9x9")
    grid = support_grid(cross)
    assert grid is not None
    assert (grid.low, grid.rows) == ((-1, -1), [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    weights = weight_grid(cross)
    assert weights is not None
    assert weights.rows == [[0, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 0]]
    strip = support_grid(receptive_field("3d2", input="1x9"))
    assert strip is not None
    assert strip.rows == [[1, 0, 1, 0, 1]]
    clip = support_grid(receptive_field("add(3x1x1 | 1x3x3)", input="1x5x9x9"))
    assert clip is not None
    assert clip.rows[0] == pytest.approx([1 / 3] * 3)
    assert clip.rows[1] == pytest.approx([1 / 3, 1, 1 / 3])


def test_the_unit_reads_what_positions_read_says() -> None:
    graph = lower(parse("3x3s2+add(7x1 | 1x7)+up2"), Defaults())
    region = positions_read(graph, Shape(1, (20, 20)), (4, 7))
    view = receptive_field(graph, input="1x20x20", unit=(4, 7))
    assert region is not None
    assert view.positions_read == region


# On the command line


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rf", "add(7x1 | 1x7)", "--input", "2x21x21"]) == 0
    out = capsys.readouterr().out
    assert "It reads 13 of the 49 positions of its box (26.5%)." in out
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines())
    for form in ("csv", "markdown", "latex", "json"):
        assert main(["rf", "7x1+1x7", "--format", form]) == 0
    for arguments in (
        ["--at", "cnv1"],
        ["--unit", "a,b"],
        ["--unit", "999,0"],
        ["--format", "gif"],
    ):
        capsys.readouterr()
        assert main(["rf", "7x1+1x7", *arguments]) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_borders_in_the_middle_of_a_network_make_the_region_smaller() -> None:
    """The pool's window hangs over the convolution's map, not over the input."""
    view = receptive_field("7x1s1x2p0+maxpool2x2s2p1", input="2x12x12", unit=(3, 3))
    assert view.region == ((5, 11), (10, 10))


def test_a_branch_whose_unit_0_reads_nothing_has_no_centre() -> None:
    (found,) = receptive_field("convt2s2d2p1o0+add(4|id)", input="8x26").disagreements
    assert found.centres == (("conv1", "0, 1"), ("id1", "-, 0.5"))


def test_a_unit_may_read_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert receptive_field("convt1x1s2", unit=(1, 1)).region == (None, None)
    assert main(["rf", "convt1x1s2", "--unit", "1,1"]) == 0
    out = capsys.readouterr().out
    assert "sees     nothing" in out and "It reads nothing of the input." in out


@pytest.mark.parametrize(("length", "unproductive"), [(5, ()), (4, ("conv3",))])
def test_a_layer_is_unproductive_beyond_the_whole_input_only(
    length: int, unproductive: tuple[str, ...]
) -> None:
    """Before the third convolution units see 5 positions: no more than all of 5."""
    (along,) = receptive_field("3+3+3", input=f"1x{length}").productivity
    assert along.unproductive == unproductive
    assert (along.smallest, along.largest) == (5, 7)


def test_kernels_of_one_position_are_not_asked() -> None:
    height, width = receptive_field("3x1+3x1+3x1", input="1x3x3").productivity
    assert (height.unproductive, width.unproductive) == (("conv3",), ())
    assert (height.smallest, width.smallest) == (5, 1)


def test_every_path_must_see_beyond_the_input() -> None:
    (along,) = receptive_field("add(id | 7+7)+3", input="1x4").productivity
    assert along.unproductive == ("conv2",)


# Regions of units, heads, outputs


@pytest.mark.parametrize("unit", ["0:2,3:5", (slice(0, 2), slice(3, 5)), (slice(2), slice(3, 5))])
def test_several_units_read_what_each_of_them_reads(unit: Any) -> None:
    network, size = "add(7x1 | 1x7)+3x3s2", "2x21x21"
    view = receptive_field(network, input=size, unit=unit)
    each = [receptive_field(network, input=size, unit=(r, c)) for r in (0, 1) for c in (3, 4)]
    rows = [(v.region[0] or (0, 0), v.region[1] or (0, 0)) for v in each]
    assert view.region == (
        (min(r[0] for r, _ in rows), max(r[1] for r, _ in rows)),
        (min(c[0] for _, c in rows), max(c[1] for _, c in rows)),
    )
    assert max(v.read or 0 for v in each) < (view.read or 0) < sum(v.read or 0 for v in each)
    assert (view.unit, view.clipped, view.effective) == (((0, 1), (3, 4)), True, None)
    text = " ".join(sentences(view))
    assert "their field" in text and "effective" not in text
    assert view.to_dict()["unit"]["position"] == [[0, 1], [3, 4]]
    assert any(row[0] == "units 0:2,3:5 see" for row in to_rows(view))


def test_a_region_too_large_to_list_is_the_hull_of_its_ends() -> None:
    view = receptive_field("3pvalid", input="1x40000000", unit="5:30000000")
    assert (view.read, view.region) == (None, ((5, 30_000_001),))
    everything = receptive_field("3+gap", input="1x40000000", unit="0")
    assert everything.region == ((0, 39_999_999),)


@pytest.mark.parametrize(
    ("unit", "message"),
    [("2:2,0", "expected a position"), ("0:2:3,0", "expected a position"),
     ((slice(0, 4, 2), 0), "expected a position"), ((slice(0, None), 0), "expected a position"),
     ("0:99,0", "unit='0:99,0:1': the output has no such position")],
)  # fmt: skip
def test_regions_that_there_are_not(unit: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        receptive_field("3x3", input="2x9x9", unit=unit)


def test_the_field_before_a_head_comes_first() -> None:
    view = receptive_field("3x3s2+relu+3x3+gap+fc10", input="2x32x32")
    assert view.before_head is not None
    name, before = view.before_head
    assert (name, before.size, str(before.stride[0])) == ("conv2", (7, 7), "2")
    assert [row[0] for row in to_rows(view)[1:4]] == ["before the head", "at stride", "field"]
    assert view.to_dict()["before_head"]["layer"] == "conv2"
    assert receptive_field("3x3", input="2x32x32").before_head is None
    assert receptive_field("3x3+gng2", input="2x32x32").before_head is None  # sees all, is no head


def test_each_output_is_named() -> None:
    text = """
        input = "2x16x16"
        outputs = ["a", "b"]
        [[stage]]
        name = "a"
        layers = "3x3s2"
        [[stage]]
        name = "b"
        layers = "3x3s2"
    """
    graph = read_text(text, "two.toml").graph("two")
    view = receptive_field(graph)
    assert [(name, out.receptive_field.size) for name, out in view.outputs] == [
        ("a", (3, 3)), ("b", (7, 7))
    ]  # fmt: skip
    assert [out["name"] for out in view.to_dict()["outputs"]] == ["a", "b"]
    assert "Outputs" in to_table(view).text(80)
    assert receptive_field(graph, at="b/conv1").outputs == ()


def test_a_vector_has_no_positions() -> None:
    said = sentences(receptive_field("fc10", input="64"))
    assert said[0] == "The input has no positions."
    assert not any("Position" in one or "effective" in one for one in said)
