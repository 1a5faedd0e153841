"""Every example runs as a script, and its numbers are those of the arithmetic by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from examples import asymmetric_pairs, cascades, conv1d, depthwise, network_in_network

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("[a-z]*.py"))
LONGEST = 60

SAYS = {
    "asymmetric_pairs": ("33%", "60%", "71%", "5/7"),
    "cascades": ("27C² weights against 49C²: 7x7 takes 81% more.",),
    "conv1d": ("full   padding 2  size 7  [1, 2, 2, 2, 2, -4, -5]",),
    "depthwise": ("73/576", "8.92"),
    "network_in_network": ("Channels: 64 + 128 + 32 + 32 = 256.", "153,600 weights to 15,872"),
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_and_says_so(path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, encoding="utf-8", env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    for text in SAYS[path.stem]:
        assert text in done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST


def test_an_asymmetric_pair_saves_1_minus_2_over_k() -> None:
    """Of k*k*64*64 weights, k*64*64 + k*64*64 are left."""
    three, five, seven = asymmetric_pairs.pairs()
    assert three == (3, 9 * 4096, 6 * 4096, Fraction(1, 3), True)
    assert five == (5, 25 * 4096, 10 * 4096, Fraction(3, 5), True)
    assert seven == (7, 49 * 4096, 14 * 4096, Fraction(5, 7), True)
    assert [round(100 * pair.saved) for pair in asymmetric_pairs.pairs()] == [33, 60, 71]
    assert all(pair.saved == 1 - Fraction(2, pair.kernel) for pair in asymmetric_pairs.pairs())


@pytest.mark.parametrize("channels", [3, 64, 256])
def test_cascades_of_3x3(channels: int) -> None:
    """9 + 9 = 18 against 25, and 9 + 9 + 9 = 27 against 49."""
    two, three = cascades.cascades(channels)
    assert two == ("5x5", "2*3x3", 25, 18, Fraction(7, 18), True, 2)
    assert three == ("7x7", "3*3x3", 49, 27, Fraction(22, 27), True, 3)
    assert int(100 * three.more) == 81


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
@pytest.mark.parametrize("outputs", [1, 10, 64, 1024])
def test_depthwise_ratio_is_exact(kernel: int, outputs: int) -> None:
    """(k*k*32 + 32*N) / (k*k*32*N), both for each of the 14*14 positions."""
    ratio = depthwise.cost_ratio(kernel, outputs)
    assert ratio == Fraction(kernel**2 * 32 + 32 * outputs, kernel**2 * 32 * outputs)
    assert ratio == depthwise.formula(kernel, outputs)


def test_one_dimensional_sizes() -> None:
    """5 + 3 - 1, 5, and 5 - 3 + 1."""
    assert [conv1d.output_size(mode) for mode in conv1d.MODES] == [7, 5, 3]
    assert [conv1d.padding(mode) for mode in conv1d.MODES] == [2, 1, 0]


def test_one_dimensional_convolution() -> None:
    """y[n] = x[n] - x[n-2], as numpy.convolve([1, 2, 3, 4, 5], [1, 0, -1])."""
    full = [1, 2, 3 - 1, 4 - 2, 5 - 3, -4, -5]
    results = [conv1d.convolve(conv1d.SIGNAL, conv1d.KERNEL, mode) for mode in conv1d.MODES]
    assert results == [full, full[1:-1], full[2:-2]]


def test_network_in_network() -> None:
    """Inception 3a: 163,328 weights, at 28*28 positions each."""
    weights = {
        "1x1": 192 * 64,
        "3x3": 192 * 96 + 9 * 96 * 128,
        "5x5": 192 * 16 + 25 * 16 * 32,
        "pool": 192 * 32,
    }
    branches = network_in_network.branches()
    assert {name: report.params for name, report in branches.items()} == weights
    assert [r.receptive_field.size[0] for r in branches.values()] == [1, 3, 5, 3]
    module = network_in_network.module()
    assert module.params == sum(weights.values()) == 163_328
    assert module.macs == 163_328 * 28 * 28
    assert module.output == (64 + 128 + 32 + 32, (28, 28))
    assert module.receptive_field.size == (5, 5)
    assert network_in_network.saved_by_1x1() == (25 * 192 * 32, 192 * 16 + 25 * 16 * 32)
