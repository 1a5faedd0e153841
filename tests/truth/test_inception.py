"""GoogLeNet's table 1 row by row, and the factorisations of Inception-v3's paper.

Filter counts are the paper's; weights have no biases, as the paper's column.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from convcalc import Shape, analyze
from tests.truth.tables import load

INCEPTION = load("inception")
ROWS: list[dict[str, Any]] = INCEPTION["googlenet_table1"]["rows"]

# Where the paper's columns do not follow from its own filter counts.
NOT_FOLLOWING = {"conv1 7x7/2", "inception 4c", "inception 5a"}


def spec_of(row: dict[str, Any]) -> tuple[str, tuple[int, ...]]:
    """The row's layers and the input they have in the network."""
    name = row["block"]
    if name.startswith("conv1"):
        return "7x7s2@64", (3, 224, 224)
    if name.startswith("conv2"):
        return "1x1@64 + 3x3@192", (64, 56, 56)
    if name == "linear":
        return "fc1000", (1024, 1, 1)
    module = (
        "cat(1x1@{n1x1} | 1x1@{n3x3red}+3x3@{n3x3} | 1x1@{n5x5red}+5x5@{n5x5} "
        "| maxpool3x3s1p1+1x1@{pool_proj})"
    ).format(**row)
    return module, (row["cin"], row["grid"], row["grid"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["block"])
def test_googlenet_row(row: dict[str, Any]) -> None:
    spec, shape = spec_of(row)
    report = analyze(spec, input=shape, bias=False)
    assert report.params == row["weights_recomputed"]
    assert report.macs == row["macs_recomputed"]
    if "cout" in row:
        assert report.output == Shape(row["cout"], (row["grid"],) * 2)
    elif "output" in row:
        height, width, channels = map(int, row["output"].split("x"))
        assert report.output == Shape(channels, (height, width))


FOLLOWING = [row for row in ROWS if row["block"] not in NOT_FOLLOWING]


@pytest.mark.parametrize("row", FOLLOWING, ids=lambda row: row["block"])
def test_googlenet_paper_columns(row: dict[str, Any]) -> None:
    """The paper's K is 1,024; its columns are within 2.5% of what its filter counts give, but for
    the three rows of `test_googlenet_rows_that_differ`."""
    spec, shape = spec_of(row)
    report = analyze(spec, input=shape, bias=False)
    assert report.params / 1024 == pytest.approx(float(row["paper_params"][:-1]), rel=0.025)
    assert report.macs / 1e6 == pytest.approx(float(row["paper_ops"][:-1]), rel=0.025)


def test_googlenet_rows_that_differ() -> None:
    """Three rows of the paper's columns do not follow from its filter counts.

    conv1: a dense 7x7 has 7*7*3*64 = 9,408 weights and 9,408*112*112 = 118.0 M MACs. The paper's
    2.7K and 34M are 2*7*3*64 = 2,688 and 33.7 M: a 7x1 and a 1x7, each from 3 channels to 64.
    4c and 5a: the sums over their branches are 7% above and 5% below what is printed.
    """
    rows = {row["block"]: row for row in ROWS}
    assert (7 * 7 * 3 * 64, 2 * 7 * 3 * 64) == (9408, 2688)
    assert rows["conv1 7x7/2"]["paper_params"] == "2.7K"
    assert round(2688 * 112 * 112 / 1e6) == float(rows["conv1 7x7/2"]["paper_ops"][:-1])
    in_4c = 512 * (128 + 128 + 24 + 64) + 9 * 128 * 256 + 25 * 24 * 64
    in_5a = 832 * (256 + 160 + 32 + 128) + 9 * 160 * 320 + 25 * 32 * 128
    for name, weights, printed in (("4c", in_4c, "463K"), ("5a", in_5a, "1072K")):
        row = rows[f"inception {name}"]
        assert weights == row["weights_recomputed"]
        assert row["paper_params"] == printed
        assert abs(weights / 1024 / float(printed[:-1]) - 1) > 0.025


def test_googlenet_totals() -> None:
    """The rows in one network, with the pools between them."""
    specs = {row["block"].split()[-1]: spec_of(row)[0] for row in ROWS if "grid" in row}
    pool = "maxpool3x3s2p1"
    parts = ["7x7s2@64", pool, "1x1@64+3x3@192", pool]
    for name, spec in specs.items():
        parts += [pool, spec] if name in ("4a", "5a") else [spec]
    whole = analyze("+".join([*parts, "gap", "dropout", "fc1000"]), input="3x224x224", bias=False)
    assert whole.params == INCEPTION["googlenet_table1"]["total_weights_recomputed"]
    assert whole.macs == INCEPTION["googlenet_table1"]["total_macs_recomputed"]
    assert whole.depth == 22  # "22 layers when counting only layers with parameters"


CLAIMS = {claim["what"]: claim for claim in INCEPTION["rethinking"]["claims"]}


def weights_ratio(spec: str, base: str) -> Fraction:
    counts = (analyze(s, input="64x17x17", bias=False).params for s in (spec, base))
    return Fraction(*counts)


@pytest.mark.parametrize(
    ("claim", "spec", "base"),
    [
        ("5x5 -> 3x3+3x3", "2*3x3", "5x5"),
        ("3x3 -> 3x1+1x3", "3x1+1x3", "3x3"),
        ("3x3 -> 2x2+2x2", "2*2x2", "3x3"),
        ("traditional 7x7 -> three 3x3", "3*3x3", "7x7"),
    ],
)
def test_factorisation(claim: str, spec: str, base: str) -> None:
    numerator, denominator = CLAIMS[claim]["ratio"].strip("()").split("/")
    top = sum(int(part) for part in numerator.strip("()").split("+"))
    ratio = weights_ratio(spec, base)
    assert ratio == Fraction(top, int(denominator))
    if "saving_pct" in CLAIMS[claim]:
        assert int(100 * (1 - ratio)) == CLAIMS[claim]["saving_pct"]
    field, other = (analyze(s).receptive_field for s in (spec, base))
    assert field.size == other.size and field.support == other.support


def test_a_5x5_costs_2_78_of_a_3x3() -> None:
    ratio = weights_ratio("5x5", "3x3")
    assert CLAIMS["5x5 vs 3x3 cost"]["value"] == f"{ratio} = {float(ratio):.2f}x"


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_a_pair_costs_two_nths(n: int) -> None:
    assert CLAIMS["nxn -> 1xn+nx1"]["ratio"] == "2/n"
    assert weights_ratio(f"1x{n}+{n}x1", f"{n}x{n}") == Fraction(2, n)
