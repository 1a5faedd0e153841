"""Receptive fields worked out by hand: global ones, alignment, phases, strides that differ."""

from __future__ import annotations

import pytest

from convcalc import ConvcalcError, analyze
from convcalc.analysis import receptive_field as algebra
from convcalc.quantities import AxisRead, ReceptiveField, Stride


def field(spec: str, size: str = "8x32x32", **options: bool) -> ReceptiveField:
    return analyze(spec, input=size, **options).receptive_field  # type: ignore[arg-type]


def written(value: ReceptiveField) -> tuple[object, ...]:
    return value.size, tuple(s.to_json() if s else None for s in value.stride), value.padding


@pytest.mark.parametrize(
    ("spec", "size", "stride", "padding"),
    [
        ("id", (1, 1), (1, 1), (0, 0)),
        ("7x7", (7, 7), (1, 1), (3, 3)),
        ("7x1+1x7", (7, 7), (1, 1), (3, 3)),
        ("7x1", (7, 1), (1, 1), (3, 0)),
        ("7x7pvalid", (7, 7), (1, 1), (0, 0)),
        ("2x2", (2, 2), (1, 1), (0, 0)),  # the smaller half before
        ("4x4p2:1", (4, 4), (1, 1), (2, 2)),
        ("3*3x3", (7, 7), (1, 1), (3, 3)),
        ("3x3d3", (7, 7), (1, 1), (3, 3)),
        # r = 3, j = 2; then 3 + 2*2 = 7, padding 1 + 1*2 = 3
        ("3x3s2+3x3", (7, 7), (2, 2), (3, 3)),
        # ResNet's stem: 7, j 2; then 7 + 2*2 = 11, j 4, padding 3 + 1*2 = 5
        ("7x7s2+maxpool3x3s2p1", (11, 11), (4, 4), (5, 5)),
        ("maxpool2x2+maxpool2x2", (4, 4), (4, 4), (0, 0)),
        ("3x3s2x1+3x3", (7, 5), (2, 1), (3, 2)),
        ("pad2+3x3pvalid", (3, 3), (1, 1), (2, 2)),
        ("3x3+crop1", (3, 3), (1, 1), (0, 0)),  # unit 0 is what unit 1 was
        ("bn+relu+ln+softmax+shuffle+affine", (1, 1), (1, 1), (0, 0)),
        ("lrn", (1, 1), (1, 1), (0, 0)),
        ("add(7x1 | 1x7)", (7, 7), (1, 1), (3, 3)),
        ("add(id | 3x3+3x3)", (5, 5), (1, 1), (2, 2)),
        ("up2+maxpool2x2", (1, 1), (1, 1), (0, 0)),
        ("convt2x2s2pvalid", (1, 1), ("1/2", "1/2"), (0, 0)),
        ("up2", (1, 1), ("1/2", "1/2"), (0, 0)),
        # Windows of 3 over pairs touch 2; unit 0 begins at position -1 of the upsampled map.
        ("up2+3x3", (2, 2), ("1/2", "1/2"), (1, 1)),
        ("up2bilinear", (2, 2), ("1/2", "1/2"), (1, 1)),
        ("up3+3x3s2", (2, 2), ("2/3", "2/3"), (1, 1)),
        ("up2x1+1x1", (1, 1), ("1/2", 1), (0, 0)),
    ],
)
def test_field(
    spec: str, size: tuple[int, ...], stride: tuple[object, ...], padding: tuple[int, ...]
) -> None:
    found = field(spec)
    assert written(found) == (size, stride, padding)
    assert found.aligned
    assert found.exact


def test_every_rank() -> None:
    assert written(field("5s2+3", "2x64")) == ((9,), (2,), (4,))
    assert written(field("1x3x5+3x1x1", "2x8x8x8")) == ((3, 3, 5), (1, 1, 1), (1, 1, 2))
    assert written(field("relu", "7")) == ((), (), ())


# Phases


@pytest.mark.parametrize(
    ("spec", "by_phase"),
    [
        # Transposed 3, stride 2, 1 cut off: even outputs come from one input, odd ones from two.
        ("convt3s2", (1, 2)),
        ("convt2s2pvalid", ()),  # all alike, though at stride 1/2
        ("convt1s2pvalid", (1, 0)),  # every other output is empty
        ("convt4s2p1", ()),  # always two
        # TensorFlow cuts the odd one off at the end: unit 0 is written by inputs -1 and 0.
        ("convt3s2ptfsame", (2, 1)),
        ("up2+3", ()),
        ("up3+3", (2, 1, 2)),
        ("up3+2", (1, 1, 2)),  # the smaller half of the padding before: windows begin at the unit
        ("convt3s2+1s2", ()),  # only the even ones are left
    ],
)
def test_sizes_by_phase(spec: str, by_phase: tuple[int, ...]) -> None:
    found = field(spec, "2x32")
    if by_phase:
        assert found.phases == (by_phase,)
        assert found.size == (max(by_phase),)
    else:
        assert all(len(set(sizes)) == 1 for sizes in found.phases)


def course(step: int, period: int) -> algebra.Course:
    """One that has no shorter period."""
    return algebra.Course(step, ((0, 1), *[(0, 0)] * (period - 1)))


@pytest.mark.parametrize(
    "fields",
    [
        [course(1, 47), course(1, 53)],  # of two strides
        [course(47, 47), course(53, 53)],  # of one stride, but of two periods
    ],
)
def test_branches_that_repeat_together_too_late_are_bounded(fields: list[algebra.Course]) -> None:
    seen = [algebra.AxisField((one,)) for one in fields]
    assert algebra.hull(seen) == algebra.AT_MOST_EVERYTHING
    assert algebra.hull([algebra.AT_MOST_EVERYTHING, *seen]) == algebra.AT_MOST_EVERYTHING
    assert algebra.hull([algebra.AT_MOST_EVERYTHING, algebra.EVERYTHING]) == algebra.EVERYTHING


def test_branches_may_repeat_too_late_behind_a_layer() -> None:
    seen = algebra.hull([algebra.AxisField((course(1, n),)) for n in (27, 32)])
    assert len(seen.courses) == 2
    assert seen.through(AxisRead(upsampling=7)) == algebra.AT_MOST_EVERYTHING


@pytest.mark.parametrize("spec", ["13*up2", "13*up2+gap", "13*up2+3", "add(13*up2|13*up2+5)"])
def test_what_repeats_too_late_is_bounded_by_everything(spec: str) -> None:
    report = analyze(spec, input="1x1")
    assert (report.receptive_field.size, report.receptive_field.exact) == ((None,), False)
    assert report.output.spatial == ((1,) if "gap" in spec else (2**13,))


def test_strides_divide_phases_away_again() -> None:
    assert field("20*(up2+maxpool2)", "1x4").size == (1,)


# Whole inputs


@pytest.mark.parametrize("spec", ["gap", "fc10", "flatten", "gng2", "3x3+gap+1x1", "gap+3x3"])
def test_global(spec: str) -> None:
    found = field(spec)
    assert found.size == (None, None)
    assert found.is_global
    assert (found.box, found.support, found.density) == (None, None, None)


def test_the_field_up_to_each_layer() -> None:
    layers = analyze("3x3+gap+fc10", input="4x8x8").layers
    assert [layer.receptive_field.size for layer in layers] == [(3, 3), (None,) * 2, (None,) * 2]


def test_what_a_layer_after_a_global_one_adds_is_global() -> None:
    assert field("add(gap+up32 | 3x3)").size == (None, None)


def test_local_leaves_out_statistics_and_gates() -> None:
    gate = "mul(3x3 | gap+1x1+sigmoid)"
    assert field(gate).is_global
    assert written(field(gate, local=True)) == ((3, 3), (1, 1), (1, 1))
    assert field("3x3+gng2+3x3").is_global
    assert written(field("3x3+gng2+3x3", local=True)) == ((5, 5), (1, 1), (2, 2))
    assert field("3x3+gap", local=True).is_global  # that is no statistic on the side


# Alignment


@pytest.mark.parametrize(
    ("spec", "aligned"),
    [
        ("add(3x3 | 5x5)", True),
        ("add(3x3 | 2x2)", False),  # a 2x2 looks down and right
        ("add(3x3 | 3x3p2:0)", False),
        ("add(id | 3x3s1pvalid+pad1)", True),
        ("add(id | 3x3pvalid+pad2:0)", False),
        ("cat(3x3s2 | maxpool2x2)", False),  # centred on unit 0 and between 0 and 1
        ("cat(3x3s2 | 1x1s2)", True),
        ("add(3x3 | 2x2)+3x3", False),  # and it stays so
        ("add(add(3x3 | 2x2) | id)", False),
        ("add(up2+maxpool2x2 | id)", True),
        ("add(gap+up32 | id)", True),  # whoever sees all has no centre
    ],
)
def test_aligned(spec: str, aligned: bool) -> None:
    assert field(spec).aligned is aligned


# Branches whose strides differ: 16 outputs by stride 2, beside 16 by stride 1 of a cropped map


def test_branches_of_different_strides() -> None:
    # Unit u sees 2u in one branch and u in the other: 32 inputs, 16 units. At unit 15 the union
    # is 15 ... 30, 16 positions.
    found = field("add(1s2 | crop0:16)", "2x32")
    assert written(found) == ((16,), (None,), (0,))
    assert not found.aligned
    assert found.support is None


def test_branches_of_different_strides_with_windows() -> None:
    # Unit u: 2u-1 ... 2u+1 and u-1 ... u+1; at unit 15: 14 ... 31.
    found = field("add(3s2 | 3+crop0:16)", "2x32")
    assert written(found) == ((18,), (None,), (1,))
    # Kept side by side through what follows: a window of 3 units over both.
    after = field("add(1s2 | crop0:16)+3", "2x32")
    # Unit 15: units 14, 15, 16 -> 28 ... 32 and 14 ... 16, so 14 ... 32.
    assert after.size == (19,)


def test_branches_of_different_strides_in_one_axis_only() -> None:
    found = field("add(1x1s2x1 | crop0:16x0:0)", "2x32x8")
    assert found.size == (16, 1)
    assert found.stride == (None, Stride(1))


# The support, see also tests/laws


def test_density_of_unions_and_holes() -> None:
    assert field("add(7x1 | 1x7)").support == 13
    assert field("add(7x1 | 1x7)").density == 13 / 49
    # 3*3x3d2 reads every other position of 13, 7 along each axis.
    assert (field("3*3x3d2").support, field("3*3x3d2").size) == (49, (13, 13))
    assert field("cat(1x1 | 3x3 | 5x5)").support == 25
    assert field("7x7").density == 1.0


def test_a_large_support_is_counted_and_a_hopeless_one_is_not() -> None:
    found = field("add(3001x1 | 1x3001)", "1x64x64")
    assert found.support == 3001 + 3001 - 1
    hopeless = field("3x3d3000000", "1x64x64")
    assert hopeless.size == (6_000_001, 6_000_001)
    assert hopeless.support is None


def test_exact_is_lost_where_channels_that_saw_more_are_dropped() -> None:
    assert field("cat(3x3 | 7x7)").exact
    assert not field("cat(3x3 | 7x7)+take0-7").exact
    # What sees the same everywhere, or is mixed before, stays exact.
    assert field("3x3+take0-3").exact
    assert field("cat(3x3 | 7x7)+1x1+take0-7").exact


def test_a_field_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ConvcalcError) as caught:
        analyze("70*3x3s2", input="1x1x1")
    assert caught.value.message == (
        "3x3s2: the receptive field is larger than 64 bits can index (layer conv63)"
    )
    assert field("30*3x3s2", "1x1x1").size == (2**31 - 1,) * 2
