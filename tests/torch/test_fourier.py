"""Fourier transforms: sizes and types as torch has them, whole axes, the convention's counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, fft

import convcalc
from tests.torch.small import Doing, example

WINDOW = torch.hann_window(16)
STFT: dict[str, Any] = {"n_fft": 16, "hop_length": 4, "window": WINDOW}

Case = tuple[Callable[[Tensor], Tensor], str, tuple[int | None, ...], int]

CASES: dict[str, Case] = {
    # n points along an axis, all lines of the other: 5 n log2 n; of real ones half
    "fft2": (fft.fft2, "2x8x4", (None, None), 2 * (4 * 5 * 8 * 3 + 8 * 5 * 4 * 2)),
    "ifft2 of given axes": (lambda x: fft.ifft2(x, dim=(2, 3)), "2x8x4", (None, None),
                            2 * (4 * 5 * 8 * 3 + 8 * 5 * 4 * 2)),
    "rfft2": (fft.rfft2, "2x8x4", (None, None), 2 * (3 * 5 * 8 * 3 + 8 * 5 * 4 * 2 // 2)),
    "back": (lambda x: fft.irfft2(fft.rfft2(x), s=(8, 5)), "2x8x5", (None, None),
             2 * 2 * (3 * 5 * 8 * 3) + 2 * 2 * (8 * 5 * 5 * 3 // 2)),
    "along one axis": (lambda x: fft.irfft(fft.rfft(x)), "2x8x4", (1, None),
                       2 * (16 * 5 * 4 * 2 // 2)),
    "padded": (lambda x: fft.fft(x, 8, dim=2), "2x4x4", (None, 1), 8 * 5 * 8 * 3),
    "fftn": (lambda x: fft.fftn(x, dim=(-2, -1)).imag, "2x8x4", (None, None),
             2 * (4 * 5 * 8 * 3 + 8 * 5 * 4 * 2)),
    "all axes": (lambda x: fft.rfftn(x, s=(4, 4)).real, "2x8x4", (None, None),
                 2 * (3 * 5 * 4 * 2 + 4 * 5 * 4 * 2 // 2)),
    "hermitian": (lambda x: fft.hfft(fft.ihfft(x)), "2x8x4", (1, None), 2 * (16 * 5 * 4 * 2 // 2)),
    "shifted": (lambda x: fft.ifftshift(fft.fftshift(x), dim=(2, 3)), "2x8x4", (1, 1), 0),
    "a spectrogram": (lambda x: torch.stft(x[:, 0], **STFT, return_complex=True), "1x64", (16,),
                      17 * (16 + 5 * 16 * 4 // 2)),
    "its parts": (lambda x: x[:, 0].stft(16, center=False, return_complex=False), "1x64", (16,),
                  13 * (5 * 16 * 4 // 2)),
    "both sides": (lambda x: torch.stft(x[:, 0], 16, onesided=False, return_complex=True), "1x64",
                   (16,), 17 * (5 * 16 * 4 // 2)),
    "back from it": (lambda x: torch.istft(torch.stft(x[:, 0], **STFT, return_complex=True),
                                           **STFT), "1x64", (28,),
                     17 * (16 + 160) + 17 * (160 + 2 * 16) + 64),
    "of a length": (lambda x: x[:, 0].stft(**STFT, return_complex=True).istft(**STFT, length=50),
                    "1x64", (28,), 17 * (16 + 160) + 17 * (160 + 2 * 16) + 50),
    "in vmap": (lambda x: torch.vmap(lambda one: fft.irfft(fft.rfft(one)))(x), "2x8x4", (1, None),
                2 * (16 * 5 * 4 * 2 // 2)),
    "complex in vmap": (lambda x: torch.vmap(lambda one: fft.fft(fft.fft(one), dim=0))(x), "2x8x4",
                        (1, None), 16 * 5 * 4 * 2 + 32 * 5 * 2),
}  # fmt: skip
"""What is done, at what size, the field, and the operations."""


@pytest.mark.filterwarnings("ignore:A window was not provided", "ignore:stft with return_complex")
@pytest.mark.parametrize("name", CASES)
def test_a_transform(name: str) -> None:
    function, size, field, flops = CASES[name]
    made: list[Tensor] = []

    def forward(_: Any, x: Tensor) -> Tensor:
        made.append(function(x))
        return made[-1]

    model = Doing(forward)
    report = convcalc.analyze(model, input=size)
    output = model(example(size))
    assert report.complete
    assert (report.output.channels, *report.output.spatial) == tuple(output.shape[1:])
    assert made[0].dtype == made[1].dtype
    assert report.receptive_field.size == field
    assert report.flops == flops


def test_the_frames_of_a_spectrogram_read_what_torch_reads() -> None:
    """Where a sample is NaN, the frames that read it are."""
    model = Doing(lambda _, x: torch.stft(x[:, 0], **STFT, return_complex=True).abs()[:, 2:5])
    graph = convcalc.from_torch(model, (1, 64))
    for frame in (0, 1, 8, 16):
        view = convcalc.receptive_field(graph, unit=(frame,))
        x = torch.rand(64, 1, 64)
        x[range(64), 0, range(64)] = torch.nan
        read = model(x)[:, :, frame].isnan().any(1).sum()
        assert view.read == int(read)
