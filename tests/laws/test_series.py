"""A network in series with another is analysed as the one and then the other."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcalc import ConvcalcError, Report, Shape, analyze
from convcalc.layers import KINDS
from convcalc.layers.linear import Identity
from convcalc.layers.merge import Add, Concat
from convcalc.quantities import ReceptiveField, Stride
from convcalc.spec import Branches, Leaf, Series, Tree
from convcalc.spec.tree import series
from tests.laws import strategies as laws

pytestmark = pytest.mark.filterwarnings("ignore:the input is read as")

COUNTS = ("params", "macs", "valid_macs", "flops", "activations", "traffic_bytes", "operations")
DEPTHS = ("depth", "nonlinearities")


@st.composite
def two_networks(draw: st.DrawFn, every_kind: bool = False) -> tuple[Tree, Tree, Shape, Shape]:
    """Two networks, the second of which takes what the first gives, and both inputs."""
    kinds = KINDS if every_kind else laws.LOCAL
    shape = draw(laws.SMALL_INPUTS[draw(st.sampled_from([1, 2, 2, 3]))])
    first, between = draw(laws.networks(shape, kinds))
    second, _ = draw(laws.networks(between, kinds))
    return first, second, shape, between


def analysed(*cases: tuple[Tree, Shape], **options: int) -> list[Report]:
    try:
        return [analyze(tree, input=shape, **options) for tree, shape in cases]  # type: ignore[arg-type]
    except ConvcalcError:  # more phases than are followed
        assume(False)
    raise AssertionError("not reached")


@given(two_networks(every_kind=True), st.sampled_from([Add, Concat]), st.integers(2, 5))
@laws.examples(100)
def test_any_two_networks(
    drawn: tuple[Tree, Tree, Shape, Shape], merge: type[Add | Concat], batch: int
) -> None:
    """Drawing networks takes far longer than analysing them: one pair serves every law."""
    first, second, shape, between = drawn
    one, two, both = analysed((first, shape), (second, between), (series([first, second]), shape))
    assert one.output == between
    counts_add_and_shapes_chain(one, two, both)
    counts_are_bounded(one)
    identity_before_or_after_changes_nothing(one, first, shape)
    a_branch_beside_itself_sees_what_it_sees(one, first, shape, merge)
    batches_scale_operations_and_not_params(one, first, shape, batch)


def counts_add_and_shapes_chain(one: Report, two: Report, both: Report) -> None:
    assert both.output == two.output
    for figure in COUNTS:
        left, right = getattr(one, figure), getattr(two, figure)
        assert getattr(both, figure) == left + right, figure
    for figure in DEPTHS:
        assert getattr(both, figure) == getattr(one, figure) + getattr(two, figure), figure
    assert [x.spec for x in both.layers] == [x.spec for x in (*one.layers, *two.layers)]


def counts_are_bounded(report: Report) -> None:
    assert report.valid_macs is not None
    assert 0 <= report.valid_macs <= report.macs
    field = report.receptive_field
    if field.support is not None and field.box:
        assert 0 <= field.support <= field.box
    assert report.flops >= 2 * report.macs
    assert sum(layer.macs for layer in report.layers) == report.macs


def identity_before_or_after_changes_nothing(alone: Report, tree: Tree, shape: Shape) -> None:
    identity = Leaf(Identity())
    for other in analysed((series([tree, identity]), shape), (series([identity, tree]), shape)):
        assert other.receptive_field == alone.receptive_field
        assert other.output == alone.output
        assert all(getattr(other, f) == getattr(alone, f) for f in (*COUNTS, *DEPTHS))


def _without_exact(field: ReceptiveField) -> tuple[object, ...]:
    return field.size, field.stride, field.padding, field.aligned, field.phases, field.support


def a_branch_beside_itself_sees_what_it_sees(
    once: Report, tree: Tree, shape: Shape, merge: type[Add | Concat]
) -> None:
    (twice,) = analysed((Branches(merge(), (tree, tree)), shape))
    assert _without_exact(twice.receptive_field) == _without_exact(once.receptive_field)
    assert twice.params == 2 * once.params
    assert twice.macs == 2 * once.macs
    assert twice.depth == once.depth


def batches_scale_operations_and_not_params(
    one: Report, tree: Tree, shape: Shape, batch: int
) -> None:
    (many,) = analysed((tree, shape), batch=batch)
    assert many.params == one.params
    assert many.operations == one.operations * batch
    assert many.activations == batch * one.activations
    assert many.receptive_field == one.receptive_field


def _ratio(stride: Stride | None) -> Fraction:
    assert stride is not None
    return Fraction(stride.inputs, stride.outputs)


@given(two_networks())
@laws.examples(70)
def test_fields_compose(drawn: tuple[Tree, Tree, Shape, Shape]) -> None:
    first, second, shape, between = drawn
    a, b, both = analysed((first, shape), (second, between), (series([first, second]), shape))
    one, two, whole = a.receptive_field, b.receptive_field, both.receptive_field
    assume(None not in (*one.stride, *two.stride))
    for axis in range(shape.rank):
        assert _ratio(whole.stride[axis]) == _ratio(one.stride[axis]) * _ratio(two.stride[axis])
    if one.phases or two.phases:  # sizes then depend on the position
        return
    for axis in range(shape.rank):
        size, inner = one.size[axis], two.size[axis]
        stride = _ratio(one.stride[axis])
        before, inner_before = one.padding[axis], two.padding[axis]
        assert size and inner and before is not None and inner_before is not None
        assert whole.size[axis] == size + (inner - 1) * stride
        assert whole.padding[axis] == before + inner_before * stride
    assert whole.aligned == (one.aligned and two.aligned)


def test_identity_costs_nothing() -> None:
    identity = analyze("id", input=Shape(3, (4, 5)))
    assert (identity.params, identity.flops, identity.traffic_bytes) == (0, 0, 0)


@pytest.mark.parametrize("spec", ["3*(7x1+1x7)", "3*(7x7s2)"])
def test_a_repeat_is_the_series_written_out(spec: str) -> None:
    from convcalc.spec import parse

    tree = parse(spec)
    written = parse("+".join([spec[3:-1]] * 3))
    assert isinstance(written, Series)
    left, right = analyze(tree), analyze(written)
    assert left.layers == right.layers
    assert left.receptive_field == right.receptive_field
