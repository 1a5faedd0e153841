"""Candidates as specifications, and the names that papers have given to some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from convcalc.layers.conv import Conv, Depthwise
from convcalc.searching.space import DENSE, DEPTHWISE, Step


class Known(NamedTuple):
    """A form that a paper made known."""

    name: str
    source: str
    fits: Callable[[Sequence[Step]], bool]


def layer(step: Step, bias: bool | None = None) -> Conv:
    """The layer of a step."""
    if step.edge.kind == DEPTHWISE:
        return Depthwise(step.kernel, None, step.stride, step.dilation, bias=bias)
    return Conv(
        step.kernel, step.edge.outputs, step.stride, step.dilation, bias=bias,
        groups=step.edge.groups,
    )  # fmt: skip


def spec(steps: Sequence[Step]) -> str:
    """A sequence in the language."""
    return "+".join(str(layer(step)) for step in steps)


def known(steps: Sequence[Step]) -> Known | None:
    """The known form that a sequence is one of."""
    return next((form for form in KNOWN if form.fits(steps)), None)


def precedence(steps: Sequence[Step]) -> int:
    """The place of its known form among them all; behind them where there is none."""
    form = known(steps)
    return len(KNOWN) if form is None else KNOWN.index(form)


def _is_dense(step: Step) -> bool:
    return step.edge.kind == DENSE


def _is_dw(step: Step) -> bool:
    return step.edge.kind == DEPTHWISE


def _is_plain(step: Step) -> bool:
    return set(step.dilation) == {1}


def _is_square(step: Step) -> bool:
    return step.area > 1 and len(set(step.kernel)) == 1 and len(set(step.dilation)) == 1


def _is_pointwise(step: Step) -> bool:
    return _is_dense(step) and step.area == 1


def _are_strips(first: Step, second: Step) -> bool:
    """kx1 and 1xk, in either order."""
    return (
        len(first.kernel) == 2
        and first.area > 1
        and first.kernel == second.kernel[::-1]
        and 1 in first.kernel
    )


def _keeps_width(steps: Sequence[Step]) -> bool:
    return len({step.edge.outputs for step in steps}) == 1


def _pair(steps: Sequence[Step]) -> bool:
    return len(steps) == 2 and all(map(_is_dense, steps)) and _are_strips(*steps)


def _inception_pair(steps: Sequence[Step]) -> bool:
    return _pair(steps) and _keeps_width(steps) and all(map(_is_plain, steps))


def _stack(steps: Sequence[Step]) -> bool:
    return (
        len(steps) > 1
        and _keeps_width(steps)
        and all(_is_dense(s) and _is_square(s) and _is_plain(s) for s in steps)
        and {s.kernel for s in steps} == {(3, 3)}
    )


def _separable(steps: Sequence[Step]) -> bool:
    return len(steps) == 2 and _is_dw(steps[0]) and _is_square(steps[0]) and _is_pointwise(steps[1])


def _blueprint(steps: Sequence[Step]) -> bool:
    return len(steps) == 2 and _is_pointwise(steps[0]) and _is_dw(steps[1]) and _is_square(steps[1])


def _inverted(steps: Sequence[Step]) -> bool:
    return (
        len(steps) == 3
        and _is_pointwise(steps[0]) and _is_dw(steps[1]) and _is_pointwise(steps[2])
        and steps[0].edge.outputs > steps[0].edge.inputs
    )  # fmt: skip


def _bottleneck(steps: Sequence[Step]) -> bool:
    return (
        len(steps) == 3
        and _is_pointwise(steps[0]) and _is_dense(steps[1]) and _is_pointwise(steps[2])
        and _is_square(steps[1])
        and steps[1].edge.inputs == steps[1].edge.outputs < steps[0].edge.inputs
    )  # fmt: skip


def _large_kernel_attention(steps: Sequence[Step]) -> bool:
    return (
        len(steps) == 3
        and _is_dw(steps[0]) and _is_square(steps[0]) and _is_plain(steps[0])
        and _is_dw(steps[1]) and _is_square(steps[1]) and not _is_plain(steps[1])
        and _is_pointwise(steps[2])
    )  # fmt: skip


def _large_separable_attention(steps: Sequence[Step]) -> bool:
    return (
        len(steps) == 5
        and all(map(_is_dw, steps[:4]))
        and _are_strips(steps[0], steps[1]) and _are_strips(steps[2], steps[3])
        and _is_pointwise(steps[4])
    )  # fmt: skip


def _strips(steps: Sequence[Step]) -> bool:
    return (
        len(steps) == 3
        and _is_dw(steps[0]) and _is_dw(steps[1]) and _are_strips(steps[0], steps[1])
        and _is_pointwise(steps[2])
    )  # fmt: skip


def _flattened(steps: Sequence[Step]) -> bool:
    return (
        len(steps) == 3
        and _is_pointwise(steps[0])
        and _is_dw(steps[1]) and _is_dw(steps[2]) and _are_strips(steps[1], steps[2])
    )  # fmt: skip


def _dilated(steps: Sequence[Step]) -> bool:
    return len(steps) == 1 and _is_dense(steps[0]) and not _is_plain(steps[0])


KNOWN = (
    Known("Inception pair", "Szegedy et al. 2015, arXiv:1512.00567", _inception_pair),
    Known("rank-R pair", "Jaderberg et al. 2014, arXiv:1405.3866", _pair),
    Known("VGG stack", "Simonyan & Zisserman 2014, arXiv:1409.1556", _stack),
    Known("separable", "MobileNet: Howard et al. 2017, arXiv:1704.04861", _separable),
    Known("blueprint separable", "Haase & Amthor 2020, arXiv:2003.13549", _blueprint),
    Known("inverted bottleneck", "Sandler et al. 2018, arXiv:1801.04381", _inverted),
    Known("bottleneck", "ResNet: He et al. 2015, arXiv:1512.03385", _bottleneck),
    Known("LKA", "Guo et al. 2022, arXiv:2202.09741", _large_kernel_attention),
    Known("LSKA", "Lau et al. 2023, arXiv:2309.01439", _large_separable_attention),
    Known("strips", "SegNeXt: Guo et al. 2022, arXiv:2209.08575", _strips),
    Known("flattened", "Jin et al. 2014, arXiv:1412.5474", _flattened),
    Known("dilated", "Yu & Koltun 2015, arXiv:1511.07122", _dilated),
)
"""Looked through in this order."""
