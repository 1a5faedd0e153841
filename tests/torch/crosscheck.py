"""`python -m tests.torch.crosscheck [LAYERS] [NETWORKS] [MODULES] [SEED]`: random layers of every
kind, 1-D to 3-D, against what torch does, found without convcalc's formulas (`oracles`), random
networks through `convcalc.api.verify`, which may disagree in nothing, and random torch modules,
followed, against what they do (`modules`). Exits with 1 if anything differs.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import convcalc
from convcalc.layers import KINDS
from convcalc.quantities import Shape
from convcalc.spec import Tree
from tests.torch import modules, strategies
from tests.torch.oracles import differences

LAYERS, NETWORKS, MODULES, SEED = 5_000, 2_000, 2_000, 20_261_123
RANKS = (1, 2, 3)

Case = tuple[Tree, Shape]


def drawn(what: st.SearchStrategy[Case], count: int, number: int, do: Callable[[Case], Any]) -> int:
    """Do something to `count` random cases; how many there were."""
    done = 0

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, derandomize=False,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(what)
    def one(case: Case) -> None:
        nonlocal done
        done += 1
        do(case)

    one()
    return done


def check_layers(count: int, number: int) -> list[str]:
    """Single layers against the oracles, as many of every kind and rank."""
    found: list[str] = []
    drawn_of: Counter[str] = Counter()
    each = -(-count // (len(KINDS) * len(RANKS)))

    def check(case: Case) -> None:
        tree, shape = case
        found.extend(
            f"{tree} at {shape}: {d.quantity} {d.analytic}, not {d.found}"
            for d in differences(tree, shape)
        )

    for index, kind in enumerate(KINDS):
        for rank in RANKS:
            what = strategies.layers(kind, rank)
            drawn_of[kind.word] += drawn(what, each, number + 10 * index + rank, check)
        print(f"\r{sum(drawn_of.values()):,} layers", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{sum(drawn_of.values()):,} layers: " + ", ".join(
        f"{word} {times}" for word, times in drawn_of.items()))  # fmt: skip
    return found


def check_networks(count: int, number: int) -> list[str]:
    """Random networks through verify."""
    found: list[str] = []
    verdicts: Counter[str] = Counter()
    done = 0

    def check(case: Case) -> None:
        nonlocal done
        tree, shape = case
        try:
            verification = convcalc.verify(tree, input=shape, layers=True)
        except convcalc.ConvcalcError as error:
            verdicts[f"refused: {error.message.split(':')[-1].strip()[:40]}"] += 1
            return
        verdicts.update(row.verdict for row in verification.rows)
        found.extend(
            f"{tree} at {shape}: {row.layer or ''} {row.quantity} {row.analytic}, "
            f"{row.measured} by {row.by}"
            for row in verification.disagreements
        )
        done += 1
        if done % 50 == 0:
            print(f"\r{done:,} networks", end="", file=sys.stderr, flush=True)

    for rank in RANKS:
        drawn(strategies.networks(rank), -(-count // len(RANKS)), number + rank, check)
    print(file=sys.stderr)
    rows = ", ".join(f"{times:,} {verdict}" for verdict, times in verdicts.most_common())
    print(f"{done:,} networks, of whose figures {rows}")
    return found


def check_modules(count: int) -> list[str]:
    """Random torch modules, followed; the first ones are those of the tests."""
    found: list[str] = []
    wrong = 0
    outcomes: Counter[tuple[str, str]] = Counter()
    for seed_ in range(count):
        case = modules.module(seed_)
        differing = modules.differences(case)
        wrong += bool(differing)
        outcome = modules.outcome(differing)
        outcomes.update((family, outcome) for family in modules.families(case))
        found += [
            f"module {seed_}: {d.quantity} {d.analytic}, not {d.found}" for d in differing[:3]
        ]
        if seed_ % 50 == 49:
            print(f"\r{seed_ + 1:,} modules", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{count:,} modules, {wrong:,} of which differ in something")
    print_families(outcomes)
    return found


def print_families(outcomes: Counter[tuple[str, str]]) -> None:
    """What came of the modules that have each kind of step."""
    print(f"{'modules with':24}" + "".join(f"{name:>12}" for name in modules.OUTCOMES))
    for family in sorted({family for family, _ in outcomes}):
        counts = (outcomes[family, name] for name in modules.OUTCOMES)
        print(f"{family:24}" + "".join(f"{count:12,}" for count in counts))


def main(arguments: list[str]) -> int:
    """Run, print, and say whether anything differs."""
    left_out = (LAYERS, NETWORKS, MODULES, SEED)
    layers, networks, models, number = (
        int(given) if given else usual
        for given, usual in zip([*arguments, "", "", "", ""], left_out, strict=False)
    )
    start = time.perf_counter()
    found = check_layers(layers, number) if layers else []
    found += check_networks(networks, number) if networks else []
    found += check_modules(models) if models else []
    for line in found[:50]:
        print(line)
    print(f"{len(found)} differences in {time.perf_counter() - start:.0f} s, seed {number}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
