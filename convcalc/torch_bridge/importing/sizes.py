"""Sizes of tensors after torch's functions, worked out as torch's documentation defines them.

Nothing is run for them: torch's own rules for the meta device are Python that takes seconds to
import. Every function takes and gives plain tuples of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

Size = tuple[int, ...]


def numbers(args: Sequence[Any]) -> Size:
    """Sizes or axes given one by one or as one sequence: view(2, 3) and view((2, 3))."""
    given = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    return tuple(int(n) for n in given)


def axis(dim: int, rank: int) -> int:
    """An axis counted from the first.

    Raises:
        IndexError: as torch, where there is no such axis.
    """
    most = max(rank, 1)
    if not -most <= dim < most:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-most}, {most - 1}], "
            f"but got {dim})"
        )
    return int(dim) % most


def check_same(tensors: Sequence[Any], along: int | None = None) -> None:
    """Raises RuntimeError, as torch, for tensors of different sizes; along one axis they may
    differ."""
    first = [int(n) for number, n in enumerate(tensors[0].shape) if number != along]
    for index, tensor in enumerate(tensors):
        size = [int(n) for number, n in enumerate(tensor.shape) if number != along]
        if size == first:
            continue
        if along is None:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {first} at entry 0 and "
                f"{size} at entry {index}"
            )
        have, found = next((a, b) for a, b in zip([*first, 0], [*size, 0], strict=False) if a != b)
        raise RuntimeError(
            f"Sizes of tensors must match except in dimension {along}. Expected size {have} but "
            f"got size {found} for tensor number {index} in the list."
        )


def broadcast(sizes: Sequence[Sequence[int]]) -> Size:
    """Sizes aligned at their last axes, ones repeated.

    Raises:
        RuntimeError: as torch, where they do not fit.
    """
    rank = max(map(len, sizes), default=0)
    out = [1] * rank
    for size in sizes:
        for axis, n in enumerate(size, rank - len(size)):
            if out[axis] == 1:
                out[axis] = n
            elif n not in (1, out[axis]):
                raise RuntimeError(
                    f"The size of tensor a ({out[axis]}) must match the size of tensor b ({n}) at "
                    f"non-singleton dimension {axis}"
                )
    return tuple(out)


def viewed(size: Sequence[int], wanted: Sequence[int]) -> Size:
    """A view's size, with the one -1 filled in.

    Raises:
        RuntimeError: as torch, where it has other elements.
    """
    elements, known = prod(size), prod(n for n in wanted if n != -1)
    fits = elements == known if -1 not in wanted else known and elements % known == 0
    if not fits and not (elements == known == 0):
        raise RuntimeError(f"shape '{list(wanted)}' is invalid for input of size {elements}")
    return tuple(elements // known if n == -1 else n for n in wanted)


def flattened(size: Sequence[int], start: int, end: int) -> Size:
    """Axes start to end, both included, as one."""
    if not size:
        return (1,)
    first, last = axis(start, len(size)), axis(end, len(size))
    if last < first:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return (*size[:first], prod(size[first : last + 1]), *size[last + 1 :])


def unflattened(size: Sequence[int], dim: int, parts: Sequence[int]) -> Size:
    """One axis as several."""
    dim = axis(dim, len(size))
    return (*size[:dim], *viewed((size[dim],), parts), *size[dim + 1 :])


def squeezed(size: Sequence[int], dims: Sequence[int] | None) -> Size:
    """Axes of size 1 left out: all, or those given."""
    axes = range(len(size)) if dims is None else [axis(dim, len(size)) for dim in dims]
    return tuple(n for number, n in enumerate(size) if n != 1 or number not in axes)


def unsqueezed(size: Sequence[int], dim: int) -> Size:
    """A new axis of size 1."""
    dim = axis(dim, len(size) + 1)
    return (*size[:dim], 1, *size[dim:])


def expanded(size: Sequence[int], wanted: Sequence[int]) -> Size:
    """Axes of size 1 repeated; -1 keeps an axis."""
    padded = (1,) * (len(wanted) - len(size)) + tuple(size)
    for have, want in zip(padded, wanted, strict=False):
        if have not in (1, want) and want != -1:
            raise RuntimeError(
                f"The expanded size of the tensor ({want}) must match the existing size ({have})"
            )
    return tuple(have if want == -1 else want for have, want in zip(padded, wanted, strict=True))


def repeated(size: Sequence[int], times: Sequence[int]) -> Size:
    """Every axis that many times."""
    if len(times) < len(size):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of "
                           "dimensions of tensor")  # fmt: skip
    padded = (1,) * (len(times) - len(size)) + tuple(size)
    return tuple(have * n for have, n in zip(padded, times, strict=True))


def without(size: Sequence[int], axes: Sequence[int], keep: bool) -> Size:
    """The size after a reduction over axes."""
    gone = {axis(dim, len(size)) for dim in axes}
    if keep:
        return tuple(1 if number in gone else n for number, n in enumerate(size))
    return tuple(n for number, n in enumerate(size) if number not in gone)


def replaced(size: Sequence[int], dim: int, n: int) -> Size:
    """Another number along one axis."""
    dim = axis(dim, len(size))
    return (*size[:dim], n, *size[dim + 1 :])


def multiplied(left: Sequence[int], right: Sequence[int]) -> Size:
    """torch.matmul.

    Raises:
        RuntimeError: as torch, where the inner sizes differ.
    """
    if not left or not right:
        raise RuntimeError("both arguments to matmul need to be at least 1D")
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({left[-2] if len(left) > 1 else 1}x"
            f"{left[-1]} and {inner}x{right[-1]})"
        )
    batch = broadcast([left[:-2], right[:-2]])
    rows = (left[-2],) if len(left) > 1 else ()
    columns = (right[-1],) if len(right) > 1 else ()
    return (*batch, *rows, *columns)


def chunks(n: int, count: int) -> list[int]:
    """Lengths of torch.chunk's parts."""
    return pieces(n, max(1, -(-n // count)))


def pieces(n: int, length: int) -> list[int]:
    """Lengths of torch.split's parts of one length."""
    if n == 0:
        return [0]
    return [min(length, n - start) for start in range(0, n, length)]


def even_parts(n: int, count: int) -> list[int]:
    """Lengths of torch.tensor_split's parts."""
    return [n // count + (index < n % count) for index in range(count)]


def parts_at(n: int, indices: Sequence[int]) -> list[int]:
    """Lengths of torch.tensor_split's parts between indices."""
    ends = [min(max(i + n if i < 0 else i, 0), n) for i in indices]
    return [max(0, b - a) for a, b in zip([0, *ends], [*ends, n], strict=True)]


def windows(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Size:
    """Places of a sliding window along each axis.

    Raises:
        RuntimeError: as torch, where it does not fit.
    """
    found = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    if min(found) < 1:
        raise RuntimeError(f"a window of {tuple(kernel)} does not fit into {tuple(size)}")
    return found


def resized(size: Sequence[int], wanted: Any, scale: Any) -> Size:
    """The spatial sizes after torch.nn.functional.interpolate.

    Raises:
        ValueError: as torch, without exactly one of the two.
    """
    if (wanted is None) == (scale is None):
        raise ValueError("either size or scale_factor should be defined")
    rank = len(size)
    if wanted is not None:
        given = wanted if isinstance(wanted, (tuple, list)) else (wanted,) * rank
        return tuple(int(n) for n in given)
    scales = scale if isinstance(scale, (tuple, list)) else (scale,) * rank
    return tuple(int(float(n) * float(s)) for n, s in zip(size, scales, strict=True))


def per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    """One value for each axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def are_disjoint(one: Any, other: Any, size: Sequence[int]) -> bool:
    """Do two indices of a tensor certainly have no element in common? None is the whole tensor."""
    if one is None or other is None:
        return False
    taken = zip(_taken(one, size), _taken(other, size), strict=True)
    return any(not any(i in b for i in a) for a, b in taken)


def _taken(index: Any, size: Sequence[int]) -> list[range]:
    """The positions that an index may take along each axis."""
    parts = [part for part in (index if isinstance(index, tuple) else (index,)) if part is not None]
    if not all(part is Ellipsis or _is_plain(part) for part in parts):
        return [range(n) for n in size]  # tensors and masks may take any
    rest = [slice(None)] * (len(size) - len(parts) + (Ellipsis in parts))
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    pairs = zip([*parts[:at], *rest, *parts[at + 1 :]], size, strict=True)
    return [
        range(n)[part] if isinstance(part, slice) else range(n)[part % n :][:1] for part, n in pairs
    ]


def _is_plain(part: Any) -> bool:
    """Is it a number, or a slice of numbers?"""
    if isinstance(part, slice):
        ends = part.start, part.stop, part.step
        return all(end is None or isinstance(end, int) for end in ends)
    return isinstance(part, int) and not isinstance(part, bool)


def indexed(size: Sequence[int], parts: Sequence[Any]) -> Size:
    """The size after an index of slices, numbers, None and sizes of index tensors (as tuples).

    Index tensors, broadcast together, stand where the first of them stands, or in front where
    something lies between them, as in numpy.
    """
    out: list[int] = []
    places: list[int] = []
    found: list[Size] = []
    at_axis = 0
    for number, part in enumerate(parts):
        if part is None:
            out.append(1)
            continue
        if isinstance(part, slice):
            out.append(len(range(*part.indices(size[at_axis]))))
        elif isinstance(part, tuple):
            if not found:
                at = len(out)
            found.append(part)
            places.append(number)
        at_axis += 1
    if not found:
        return tuple(out)
    together = broadcast(found)
    # A number among them counts as an index tensor of one element.
    numbers_too = [i for i, p in enumerate(parts) if isinstance(p, tuple) or type(p) is int]
    gaps = any(
        not isinstance(parts[i], tuple) and type(parts[i]) is not int
        for i in range(numbers_too[0], numbers_too[-1] + 1)
    )
    if gaps:
        at = 0
    return (*out[:at], *together, *out[at:])
