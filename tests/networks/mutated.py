"""`python -m tests.networks.mutated [N] [SEED]`: built-in network files, slightly damaged.

Each is read and analysed, or refused with one message; anything else, and what costs more than its
limit, is a finding.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import convcalc
from convcalc import networks
from convcalc.analysis import Setting, analyze_graph
from convcalc.networks.file import read_text
from tests.limits import Limit, cost

SLOW = Limit(seconds=1.0)
PIECES = ["'", '"', "[", "]", "{", "}", "=", "\n", "#", '"""', "[[stage]]", "[blocks]", "name",
          "layers = ", 'input="3x9"', "(", ")", ",", "|", "+", "*", "9999999999", "@", "g0", "s0",
          "u(1)", "cat(", "\\u0000", "\x00", "é", "-", "x", "0", "\t", "true", "1.5",
          "2020-01-01", "inf", "[stage]", "stage=[]", "blocks={}", "$", "$stem", "$input",
          "weights_of = ", "outputs = ['stem']", "zoo:vgg16[..2]", "(i for i in 0..2)", "^", "//",
          "other.toml", ".."]  # fmt: skip
PYRAMID = """
input = "3x32x32"
outputs = ["h3", "h4"]
[blocks]
"unit(c, n)" = "((n-1)*(3x3@(2*c//2)+relu)+1x1@c for i in 0..1)"
[[stage]]
name = "c3"
layers = "3x3s2@8"
[[stage]]
name = "c4"
layers = "3x3s2@16 + unit(16, 2)"
[[stage]]
name = "p3"
layers = "add($c3+1x1@16 | $c4+up2)"
[[stage]]
name = "h3"
layers = "$p3+cat(3x3d(r)@4 for r in 1, 2 | 1x1@4)"
[[stage]]
name = "h4"
layers = "$c4+cat(3x3d(r)@4 for r in 1, 2 | 1x1@4)"
weights_of = "h3"
"""
FILES = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(networks.__file__).parent / "zoo").rglob("*.toml"))
] + [PYRAMID] * 10


def damaged(rng: random.Random) -> str:
    """A file with pieces put in, cut out or doubled."""
    text = rng.choice(FILES)
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at, kind = rng.randrange(len(text) + 1), rng.random()
        if kind < 0.5:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind < 0.8:
            text = text[:at] + text[at + rng.choice([1, 1, 2, 5, 30]) :]
        else:
            start = rng.randrange(len(text) + 1)
            text = text[:at] + text[start : start + rng.choice([3, 20, 100])] + text[at:]
    return text


def run(count: int, seed: int, limit: Limit = SLOW) -> tuple[Counter[str], list[str]]:
    """What became of the files, and what should not have."""
    outcomes: Counter[str] = Counter()
    findings: list[str] = []
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        text = damaged(rng)
        try:
            with cost(limit) as spent:
                file = read_text(text, "damaged.toml", is_json=rng.random() < 0.05)
                graph = file.graph("damaged.toml")
                analyze_graph(graph, Setting(file.input or convcalc.Shape(3, (64, 64))))
            outcomes["read"] += 1
        except convcalc.ConvcalcError as error:
            outcomes[type(error).__name__] += 1
            if not str(error).strip():
                findings.append(f"{number}: an error without a message")
        except Exception as error:  # whatever it is: a finding
            findings.append(f"{number}: {type(error).__name__}: {error}")
        if spent.excess:
            findings.append(f"{number}: {spent.excess}")
    return outcomes, findings


if __name__ == "__main__":
    total, first = (int(n) for n in [*sys.argv[1:], "20000", "1"][:2])
    seen, wrong = run(total, first)
    print(f"{total:,} damaged files, seed {first}: {dict(seen)}; {len(wrong)} findings")
    print("\n".join(wrong[:20]))
    sys.exit(1 if wrong else 0)
