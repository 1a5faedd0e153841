"""Full, same and valid in one dimension: an input of 5 and a kernel of 3 give 7, 5 and 3.

The words are those of numpy.convolve, whose results `convolve` computes in plain Python: a true
convolution, with the kernel reversed (a layer's cross-correlation does not reverse it, which
changes no size).
"""

from __future__ import annotations

import convcalc

MODES = ("full", "same", "valid")
SIGNAL = (1, 2, 3, 4, 5)
KERNEL = (1, 0, -1)


def output_size(mode: str, size: int = 5, kernel: int = 3) -> int:
    """Positions that come out."""
    report = convcalc.analyze(f"{kernel}p{mode}", input=(1, size))
    return report.output.spatial[0]


def padding(mode: str, size: int = 5, kernel: int = 3) -> int | None:
    """Zeros before the signal: unit 0's field begins that far before it."""
    report = convcalc.analyze(f"{kernel}p{mode}", input=(1, size))
    return report.receptive_field.padding[0]


def convolve(signal: tuple[int, ...], kernel: tuple[int, ...], mode: str) -> list[int]:
    """numpy.convolve for a signal at least as long as the kernel."""
    size, k = len(signal), len(kernel)
    before = padding(mode, size, k) or 0
    taps = kernel[::-1]
    return [
        sum(tap * signal[o + t] for t, tap in enumerate(taps) if 0 <= o + t < size)
        for o in range(-before, output_size(mode, size, k) - before)
    ]


def main() -> None:
    """Print the sizes and what comes out."""
    print(f"signal {list(SIGNAL)}, kernel {list(KERNEL)}")
    for mode in MODES:
        zeros, size = padding(mode), output_size(mode)
        print(f"{mode:5}  padding {zeros}  size {size}  {convolve(SIGNAL, KERNEL, mode)}")


if __name__ == "__main__":
    main()
