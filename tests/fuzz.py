"""Random strings through the command line's entry function: `python -m tests.fuzz [N] [SEED]`.

Counts whatever is not the program's own answer: an exception, an exit code other than 0 or 2, a
traceback in the output, an error without a message (or output beside it), and what costs more than
its limit: a second of processor time here, a count of calls in the tests.
Every string is drawn from its number and the seed, so `run_one` repeats a finding.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import NamedTuple

from convcalc.cli.main import main
from convcalc.layers import KINDS, MERGES, MODIFIERS
from convcalc.render.formats import FORMATS
from tests.limits import Limit, cost

SLOW = Limit(seconds=1.0)
"""What no string may cost."""

DEFAULT_NUMBER = 100_000
WORKERS = 2

WORDS = [name for kind in (*KINDS, *MERGES) for name in (kind.word, *kind.aliases)]
EXAMPLES = [kind.example for kind in (*KINDS, *MERGES)] + [
    "7x7",
    "7x1+1x7",
    "3*(3x3+relu)",
    "add(7x1 | 1x7)",
    "2*add(id | 3x3+bn+relu+3x3+bn)",
    "cat(1x1@64 | 1x1@96+3x3@128 | 1x1@16+5x5@32 | maxpool3x3s1p1+1x1@32)",
    "mul(id | gap+1x1@4+relu+1x1@64+sigmoid)",
    "7x7s2@64+maxpool3x3s2p1+3*3x3+gap+fc1000",
    "up2bilinear+convt4x4s2p1+pad1:0x2+crop1+take0-3",
    "2*(3x3d(2^i)@16+relu for i in 0..3)",
    "cat(1x1@64 | 3x3d(r)@(8*r) for r in 6, 12, 18)",
    "(kxk@(c+32)s(s) for k, c, s in (3, 16, 2), (5, 24, 1))",
    "zoo:vgg16[..conv2]+3x3@64",
    "zoo:alexnet[2..3]",
    "conv2d3x3+maxpool2d2x2+7*7+conv2d4",
    "7x1 then 1x7 then relu",
    "7x1 plus (1x7 then relu)",
    "((1x1 beside 3x3) then 2 times 1x1@64) plus id",
    "((3x3 for i in 1..9) for j in 1..9)",
    "7*7@64+dw2d3+conv(3x3,64)",
]
NUMBERS = ["0", "1", "2", "3", "4", "5", "7", "8", "16", "64", "100", "999", "1000", "4096",
           "10000", "10001", "65536", "999999", "4194304", "999999999", "1000000000",
           "9999999999", "9" * 50, "9" * 5000, "-1", "1.5", "1e9", "007", "", "٣",
           "１"]  # fmt: skip
SIGNS = [*"+*|()@:x×-_.,;sdpgbo^/$[] ", "//", "..", " for i in ", "(i)", "zoo:", " then "]
FOREIGN = ["х", "Χ", "＋", "–", "é", "日", "😀", "\x00", "\x1b[31m", "\n", "\t", "\u202e", "\ud800",
           "\u0301", "\ufeff", "[bold]", "%s", "{0}", "\\", "'", '"', "`", "$(x)", "--",
           "\r"]  # fmt: skip


class Finding(NamedTuple):
    """A string that was not answered as it should, or slowly."""

    what: str
    number: int
    arguments: list[str]


class Result(NamedTuple):
    """What one string came to."""

    number: int
    seconds: float
    code: int
    finding: Finding | None


# The strings


def noise(rng: random.Random) -> str:
    """Anything at all."""
    pool = rng.choice([SIGNS + FOREIGN + WORDS + NUMBERS, SIGNS, list("7x1+@()|* "), FOREIGN])
    if rng.random() < 0.1:
        return "".join(chr(rng.randrange(1, 0xD800)) for _ in range(rng.randrange(40)))
    return "".join(rng.choices(pool, k=rng.randrange(30)))


def number(rng: random.Random) -> str:
    """Mostly small ones."""
    if rng.random() < 0.95:
        return str(rng.choice([1, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 16, 64]))
    return rng.choice(NUMBERS)


def layer(rng: random.Random) -> str:
    """A word or a kernel with modifiers, which may or may not belong to it."""
    if rng.random() < 0.3:
        return rng.choice(["relu", "bn", "id", "1x1", "3x3", "dw3x3", "gap", "dropout"])
    kind = rng.choice(KINDS)
    strict = rng.random() < 0.7  # only what the kind takes
    word = kind.word if kind.word != "conv" or rng.random() < 0.1 else ""
    rank = 2 if strict else rng.choice([1, 2, 2, 2, 2, 3, 4])
    sized = kind.size is not None if strict else rng.random() < 0.8
    size = "x".join(number(rng) for _ in range(rank)) if sized or not word else ""
    if strict and kind.size is not None and kind.size.form in ("count", "range"):
        size = number(rng) + (f"-{number(rng)}" if kind.size.form == "range" else "")
    parts = [word, size]
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        letter = rng.choice(list(kind.modifiers if strict else MODIFIERS) or [""])
        if not letter or (strict and letter in "".join(parts)):
            continue
        value = "x".join(number(rng) for _ in range(1 if strict else rng.choice([1, 1, 2, 3])))
        if letter == "b" and strict:
            value = rng.choice("01")
        if letter == "p" and rng.random() < 0.5:
            value = rng.choice(["same", "valid", "full", "tfsame", "1:0", "sme", "1:2x3"])
        parts.append(letter + value)
    if rng.random() < 0.05:
        parts.append(rng.choice(["ceil", "bilinear", "x", "relu"]))
    return "".join(parts)


def network(rng: random.Random, depth: int = 3) -> str:
    """What the grammar allows, with random layers and repeats."""
    terms = []
    for _ in range(rng.choice([1, 1, 2, 2, 3, 5])):
        drawn = rng.random()
        if depth and drawn < 0.25:
            merge = rng.choice(["cat", "cat", "add", "mul", "", "ad"])
            branches = [network(rng, depth - 1) for _ in range(rng.choice([1, 2, 2, 3]))]
            term = f"{merge}({' | '.join(branches)})"
        elif drawn < 0.6:
            term = rng.choice(EXAMPLES)
        else:
            term = layer(rng)
        if rng.random() < 0.15:
            term = f"{number(rng)}*{term}"
        terms.append(term)
    return "+".join(terms)


def mutated(rng: random.Random) -> str:
    """A good specification, slightly wrong."""
    text = network(rng, 2) if rng.random() < 0.5 else rng.choice(EXAMPLES)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(text) + 1)
        piece = rng.choice([rng.choice(SIGNS), rng.choice(NUMBERS), rng.choice(FOREIGN),
                            rng.choice(WORDS), ""])  # fmt: skip
        text = text[:at] + piece + text[at + rng.choice([0, 1, 1, 2]) :]
    return text


def extreme(rng: random.Random) -> str:
    """Deep, long, tall or wide."""
    n = rng.choice([10, 49, 50, 51, 200, 2000])
    k = rng.choice([2, 3, 7, 100, 999, 5000, 100_000, 4_194_304, 999_999_999])
    shapes: list[Callable[[], str]] = [
        lambda: "(" * n + "3x3" + ")" * n,
        lambda: "add(" * min(n, 49) + "3x3" + "|id)" * min(n, 49),
        lambda: "(" * n,
        lambda: f"{k}*(" * min(n, 49) + "3x3" + ")" * min(n, 49),
        lambda: "+".join(["3x3"] * n),
        lambda: f"{n}*3x3s2",
        lambda: f"{n}*up2+{n}*maxpool2x2",
        lambda: f"{n}*(convt3x3s{rng.choice([2, 3, 5, 7])}+3x3s{rng.choice([2, 3, 4])})",
        lambda: f"{k}x{k}+1x1d{k}",
        lambda: f"add({k}x1 | 1x{k} | 3x3d{k})",
        lambda: f"{n}*add(id | 3x3d{k} | 5x5d{rng.choice([2, 3, 101])})",
        lambda: f"{n}*cat(id|id)",
        lambda: f"up{k}+3x3+maxpool{k}x{k}",
        lambda: f"convt{k}x{k}s{rng.choice([2, 97, 4096, 999_983])}p{k // 2}",
        lambda: f"pad{k}+crop{k}+take0-{k}",
        lambda: f"{min(k, 10_000)}*(3x3s{rng.choice([1, 1, 2])})",
        lambda: f"add({'|'.join(f'3x3d{d}' for d in range(1, min(n, 200)))})",
        lambda: f"add(up3+3x3s2|up2+3x3s{rng.choice([2, 3])}|id)",
        lambda: rng.choice(WORDS) * n,
        lambda: "9" * n,
        lambda: rng.choice(FOREIGN) * n,
    ]
    return rng.choice(shapes)()


def a_network(rng: random.Random) -> str:
    draw: Callable[[random.Random], str] = rng.choices(
        [noise, network, mutated, extreme, lambda rng: rng.choice(EXAMPLES)], [2, 8, 4, 1, 5]
    )[0]
    return draw(rng)


def an_input(rng: random.Random) -> str:
    if rng.random() < 0.15:
        return noise(rng)
    if rng.random() < 0.12:
        return rng.choice(["CxHxW", "CxT", "3xHx8", "NxNxN", "Cx8x8", "CxDxHxW", "C"])
    if rng.random() < 0.6:
        return rng.choice(["64x56x56", "16x17x17", "768x17x17", "3x224x224", "8x100", "4x8x9x10"])
    return "x".join(number(rng) for _ in range(rng.choice([1, 2, 3, 3, 3, 3, 4, 5])))


OPTIONS: dict[str, Callable[[random.Random], str]] = {
    "--input": an_input,
    "--batch": number,
    "--padding": lambda rng: rng.choice(["same", "valid", "full", "tfsame", "1", "1x2", "", "x"]),
    "--after-conv": lambda rng: rng.choice(["bn+relu", "relu", "gelu+dropout", a_network(rng)]),
    "--convention": lambda rng: rng.choice(["torch", "macs", "convcalc", noise(rng)]),
    "--element-size": number,
    "--format": lambda rng: rng.choice([*FORMATS, *FORMATS, *FORMATS, noise(rng)]),
}
FLAGS = ["--local", "--no-bias", "--bias", "--layers"]


def sound(rng: random.Random) -> str:
    """A network that most inputs suit: what runs all the way through."""
    terms = []
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        h, w = rng.choice([1, 2, 3, 3, 5, 7]), rng.choice([1, 2, 3, 3, 5, 7])
        d, s = rng.choice([1, 1, 2, 3]), rng.choice([1, 1, 1, 2, 3])
        kernel = f"{rng.choice(['', '', 'dw', 'sep', 'convt'])}{h}x{w}s{s}d{d}"
        branch = f"{h}x{w}d{d}"
        term = rng.choice([
            kernel, kernel, f"maxpool{h}x{w}s{s}ceil", "relu", "bn", f"1x1@{8 * h}",
            f"add(id | {branch})", f"cat({branch} | {w}x{h}@24 | id)", f"up{h}", "up2bilinear",
            f"{h * d}*({branch}+relu)", f"add({h}x1|1x{w}|{branch})", f"pad{h}:{d}", "shuffle",
            "mul(id | gap+1x1+relu+1x1+sigmoid)", "gap", "lrn", "softmax", "prelu", "gng8",
        ])  # fmt: skip
        terms.append(term)
    return "+".join(terms)


def sound_arguments(rng: random.Random) -> list[str]:
    """A call that most often succeeds, in any format."""
    command = rng.choice(["compare", "show"])
    arguments = [command, *(sound(rng) for _ in range(2 if command == "compare" else 1))]
    arguments += ["--input", rng.choice(["64x56x56", "8x9x7", "768x17x17", "16x1x1", "CxHxW",
                                         "Cx9x9", "8x999x1", "64x1920x1080"])]  # fmt: skip
    arguments += ["--format", rng.choice(FORMATS)]
    arguments += ["--padding", rng.choice(["same", "same", "valid", "full", "tfsame", "2:1"])]
    if rng.random() < 0.3:
        arguments += ["--after-conv", rng.choice(["bn+relu", "gelu", "add(id|tanh)"])]
    return arguments


def arguments_of(number_: int, seed: int) -> list[str]:
    """The arguments that belong to a number."""
    rng = random.Random(f"{seed}:{number_}")
    if rng.random() < 0.3:
        return sound_arguments(rng)
    if rng.random() < 0.005:
        return [noise(rng) for _ in range(rng.randrange(1, 4))]
    command = rng.choices(["compare", "show", "rf", "export", "layers"], [5, 5, 1, 0.5, 0.1])[0]
    arguments = [command]
    if command != "layers":
        few = rng.choice([2, 2, 3]) if command == "compare" else 1
        arguments += [a_network(rng) for _ in range(few)]
    if command == "rf":
        for option, values in (("--at", ["conv1", "add1", "cnv"]), ("--from", ["conv1", "relu1"]),
                               ("--unit", ["0,0", "3", "1,2,3", "99999,0", "a"])):  # fmt: skip
            if rng.random() < 0.2:
                arguments += [option, rng.choice(values)]
    for option, draw in OPTIONS.items():
        if rng.random() < (0.6 if option == "--input" else 0.15):
            arguments += [option, draw(rng)]
    arguments += [flag for flag in FLAGS if rng.random() < 0.08]
    # Whatever begins with a dash would be read as an option, which --debug and --output must not.
    return [text for text in arguments if not text.startswith(("--deb", "--out", "--o", "--d"))]


# Running them


def run_one(number_: int, seed: int, limit: Limit = SLOW) -> Result:
    """One string through `main`, in this process."""
    arguments = arguments_of(number_, seed)
    out, err = io.StringIO(), io.StringIO()
    code, wrong = -1, None
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            cost(limit) as spent,
        ):
            code = main(arguments)
    except BaseException as error:
        wrong = f"raised {type(error).__name__}: {str(error)[:200]}"
    wrong = wrong or _wrong(code, out.getvalue(), err.getvalue()) or spent.excess
    finding = Finding(wrong, number_, arguments) if wrong else None
    return Result(number_, spent.seconds, code, finding)


def _wrong(code: int, out: str, err: str) -> str | None:
    """What is not as it should be, if anything."""
    if code not in (0, 2):
        return f"exit code {code}"
    if "Traceback" in out + err:
        return "a traceback"
    if code == 2 and out:
        return "an error with output on stdout"
    if code == 2 and not err.strip():
        return "an error without a message"
    if err.startswith("error:") and len(err) > 5_000:  # typer's own boxes repeat what was written
        return f"a message of {len(err):,} characters"
    if code == 0 and any(not line.startswith("warning: ") for line in err.splitlines()):
        return "a message, and yet exit code 0"
    return None


def _warm() -> None:
    """What a process loads once is no string's fault."""
    for arguments in (["show", "7x7", "--input", "CxHxW"], ["layers"], ["show", "7y7"]):
        for form in FORMATS:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                main([*arguments, "--format", form])


def _run_many(job: tuple[int, int, int, Limit]) -> list[Result]:
    first, last, seed, limit = job
    return [run_one(number_, seed, limit) for number_ in range(first, last)]


def results(count: int, seed: int, workers: int, limit: Limit) -> Iterator[Result]:
    """All of them, in chunks over processes."""
    chunk = 250
    jobs = [(at, min(at + chunk, count), seed, limit) for at in range(0, count, chunk)]
    if workers == 1:
        _warm()
        for job in jobs:
            yield from _run_many(job)
        return
    with get_context("spawn").Pool(workers, _warm) as pool:
        for done in pool.imap_unordered(_run_many, jobs):
            yield from done


def run(count: int, seed: int, workers: int = WORKERS, limit: Limit = SLOW) -> list[Finding]:
    """Run, print a summary, and return what was found."""
    start = time.perf_counter()
    codes: Counter[int] = Counter()
    findings: list[Finding] = []
    slowest: list[tuple[float, int]] = []
    for result in results(count, seed, workers, limit):
        codes[result.code] += 1
        if result.finding:
            findings.append(result.finding)
        slowest = sorted([*slowest, (result.seconds, result.number)], reverse=True)[:5]
    seconds = time.perf_counter() - start
    print(f"{count:,} strings, seed {seed}, {seconds:.0f} s with {workers} workers")
    print("exit codes: " + ", ".join(f"{code}: {n:,}" for code, n in sorted(codes.items())))
    print("slowest:")
    for took, number_ in slowest:
        print(f"  {took:.3f} s  {number_}: {_brief(arguments_of(number_, seed))}")
    print(f"{len(findings)} findings")
    for finding in sorted(findings, key=lambda finding: finding.number)[:40]:
        print(f"  {finding.number}: {finding.what}: {_brief(finding.arguments)}")
    return findings


def _brief(arguments: list[str]) -> str:
    text = ascii(arguments)
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-200:]}"


if __name__ == "__main__":
    for name in ("COLUMNS", "FORCE_COLOR"):
        os.environ.pop(name, None)
    numbers = [int(argument.replace("_", "")) for argument in sys.argv[1:]]
    count_ = numbers[0] if numbers else DEFAULT_NUMBER
    sys.exit(1 if run(count_, numbers[1] if len(numbers) > 1 else 1) else 0)
