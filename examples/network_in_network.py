"""A module whose branches look at the same map through 1x1, 3x3 and 5x5 kernels, concatenated.

The 1x1 convolutions in front are small networks between the layers (Lin, Chen & Yan 2013, "Network
In Network", arXiv:1312.4400). The module is inception 3a of Szegedy et al. 2014, "Going Deeper with
Convolutions", arXiv:1409.4842, table 1.
"""

from __future__ import annotations

import convcalc

BRANCHES = {
    "1x1": "1x1@64+relu",
    "3x3": "1x1@96+relu+3x3@128+relu",
    "5x5": "1x1@16+relu+5x5@32+relu",
    "pool": "maxpool3x3s1p1+1x1@32+relu",
}
INPUT = "192x28x28"


def module() -> convcalc.Report:
    """The branches side by side; weights without biases, as the paper counts."""
    return convcalc.analyze(f"cat({' | '.join(BRANCHES.values())})", input=INPUT, bias=False)


def branches() -> dict[str, convcalc.Report]:
    """Each branch alone."""
    return {
        name: convcalc.analyze(spec, input=INPUT, bias=False) for name, spec in BRANCHES.items()
    }


def saved_by_1x1() -> tuple[int, int]:
    """Weights of the 5x5 branch without the 1x1 before it, and with it."""
    naive, reduced = convcalc.compare("5x5@32", BRANCHES["5x5"], input=INPUT, bias=False).reports
    return naive.params, reduced.params


def main() -> None:
    """Print the module layer by layer, then what follows."""
    print(module())
    widths = " + ".join(str(report.output.channels) for report in branches().values())
    print(f"\nChannels: {widths} = {module().output.channels}.")
    naive, reduced = saved_by_1x1()
    print(f"The 1x1 before the 5x5 takes its branch from {naive:,} weights to {reduced:,}.")


if __name__ == "__main__":
    main()
