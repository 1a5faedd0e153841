"""`python -m tests.checking.damaged [N] [SEED]`: configurations and baselines, slightly damaged.

Each goes through the command line's entry function: a result, or one message and exit code 2, which
leaves the folder as it was. Anything else, and what costs more than its limit, is a finding.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from convcalc.cli.main import main as program
from convcalc.render.formats import CHECK_FORMATS
from tests.limits import Limit, cost

SLOW = Limit(seconds=1.0)
CONFIG, BASELINE = "convcalc.toml", "convcalc-baseline.json"

CONFIGS = [
    """\
# every option
input = "3x32x32"
batch = 2
padding = "same"
bias = false
after_conv = "bn+relu"
convention = "fvcore"
element_size = 2
local = true
fail_on = ["macs:2%", "params:0", "flops:1k", "output:off"]

[[entry]]
name = "stem"
network = "7x7s2@8+maxpool3x3s2p1"
params = "<= 10 k"
macs = { max = "1.2 G", min = 10, level = "warn", message = "the phone needs it" }
flops = "<= 2e9"
activations = ">= 1_000"
traffic = "4 MiB"
depth = { exact = 1 }
receptive_field = ">= 11x*"
output = [8, 8, 8]

[[entry]]
network = 'add(id | 3x3)'
level = "off"
receptive_field = "== 3"
message = "says the team"
""",
    """\
baseline = "convcalc-baseline.json"
fail_on = { flops = "1%", depth = 0 }
[[entry]]
name = "first"
network = "3*(3x3+relu)"
params = "<= 1.1*baseline"
receptive_field = "baseline"
[[entry]]
name = "second"
network = "zoo:lenet5"
incomplete = "warn"
fail_on = ["macs:off"]
output = "10"
""",
    """\
entry = [
  { name = "a", network = "7x1+1x7", params = 60_000 },
  { name = "b", network = \"\"\"3x3\"\"\", input = "16x17x17", params = { "max" = 3e3 } },
  { name = "c", network = "net.toml", "receptive_field" = "global" },
]
""",
    """\
[project]
name = "x"
[tool.convcalc]
input = "8x9x9"
[[tool.convcalc.entry]]
name = "a"
network = "convt2x2s2+3x3"
params = "<= 1 M"
""",
]
NETWORK = 'input = "1x28x28"\n[[stage]]\nname = "s"\nlayers = "5x5+gap+flatten+fc10"\n'
PIECES = [
    "'", '"', "[", "]", "{", "}", "=", "\n", "#", '"""', "[[entry]]", "name", "network = ", "<= ",
    ">=", "==", "%", "*baseline", "baseline", "-", "0", "9" * 40, "1e99", "1.5", "inf", "nan",
    "true", "null", "NaN", "Infinity", ",", ":", "{}", "[]", '"a"', "\\u0000", "\\ud800", "\x00",
    "é", "x", "global", "\t", "2020-01-01", "level = ", "max = ", "MiB", "k", "[" * 3000,
    "<<<<<<< HEAD\n", "=======\n", '"schema_version": 2,', "entry = 1\n", "convcalc",
]  # fmt: skip
OPTIONS = [
    [], [], [], ["--strict"], ["--hide-passed"], ["--exit-zero"], ["--baseline-lenient"],
    ["--baseline", BASELINE], ["--fail-on", "macs:2%"], ["--fail-on", "latency:20%"],
    ["--baseline", "3x3"], ["--require", "params<=1k"], ["--require", "macs<=0.5*baseline"],
    ["--save-baseline"], ["--save-baseline", BASELINE], ["--update"], ["a", "--update"], ["stem"],
    ["first", "7x7"], ["--against", "HEAD"], ["--output", "report"],
    *(["--format", form] for form in CHECK_FORMATS),
]  # fmt: skip


def baselines() -> list[str]:
    """Undamaged ones: of these configurations, and with what others do not have."""
    found = []
    for text in CONFIGS:
        with folder_of(text, None) as folder:
            run_in(folder, ["check", "--save-baseline", BASELINE])
            found.append((folder / BASELINE).read_text(encoding="utf-8"))
    latency = '"latency": {"nanoseconds": 1000, "device": "a machine"},\n      "macs"'
    return [*found, found[0].replace('"macs"', latency)]


@contextlib.contextmanager
def folder_of(config: str | bytes, baseline: str | bytes | None) -> Iterator[Path]:
    """A folder with those files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_pyproject = "tool.convcalc" in str(config)
        (folder / ("pyproject.toml" if in_pyproject else CONFIG)).write_bytes(_bytes(config))
        (folder / "net.toml").write_text(NETWORK, encoding="utf-8")
        if baseline is not None:
            (folder / BASELINE).write_bytes(_bytes(baseline))
        yield folder


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def run_in(folder: Path, arguments: list[str]) -> tuple[int, str, str]:
    """The program in that folder: exit code and both streams."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = program(arguments)
    finally:
        os.chdir(before)
    return code, out.getvalue(), err.getvalue()


def damaged(rng: random.Random, text: str) -> bytes:
    """A text with digits changed, pieces put in, cut out or doubled, cut short, a byte changed."""
    if rng.random() < 0.3:
        digits = [index for index, char in enumerate(text) if char.isdigit()]
        for index in rng.sample(digits, min(2, len(digits))):
            text = text[:index] + rng.choice("0123456789") + text[index + 1 :]
        return _bytes(text)
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at, kind = rng.randrange(len(text) + 1), rng.random()
        if kind < 0.5:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind < 0.75:
            text = text[:at] + text[at + rng.choice([1, 1, 2, 5, 30]) :]
        elif kind < 0.95:
            start = rng.randrange(len(text) + 1)
            text = text[:at] + text[start : start + rng.choice([3, 20, 100])] + text[at:]
        else:
            text = text[:at]
    data = bytearray(_bytes(text))
    if data and rng.random() < 0.1:
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def judged(
    config: str | bytes,
    baseline: str | bytes | None,
    arguments: list[str],
    limit: Limit = SLOW,
) -> tuple[str, str | None]:
    """What became of it, and what should not have."""
    with folder_of(config, baseline) as folder:
        before = contents(folder)
        try:
            with cost(limit) as spent:
                code, out, err = run_in(folder, ["check", *arguments])
        except BaseException as error:
            return "raised", f"raised {type(error).__name__}: {str(error)[:200]}"
        after = contents(folder)
    outcome = f"exit {code}"
    if code not in (0, 1, 2):
        return outcome, outcome
    if "Traceback" in out + err:
        return outcome, "a traceback"
    if spent.excess:
        return outcome, spent.excess
    own = re.sub("^warning: .*\n", "", err)
    if code == 2 and not own.startswith("error: "):
        return outcome, f"no message: {err[:200]!r}"
    if code == 2 and out and "--format" not in arguments:  # reports say that there was an error
        return outcome, "an error with output"
    if "--output" in arguments:
        after.pop("report", None)
    if code == 2 and after != before:
        return outcome, "an error, and files changed"
    if any(name.startswith(".") for name in after):
        return outcome, "a temporary file is left"
    return outcome, None


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def run(count: int, seed: int, limit: Limit = SLOW) -> tuple[Counter[str], list[str]]:
    """What became of the files, and what should not have."""
    outcomes: Counter[str] = Counter()
    findings: list[str] = []
    good = baselines()
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        which = rng.randrange(len(CONFIGS))
        config: str | bytes = CONFIGS[which]
        baseline: str | bytes | None = (
            good[-1] if which == 0 and rng.random() < 0.3 else good[which]
        )
        if number % 2:
            baseline = damaged(rng, str(baseline))
        else:
            config = damaged(rng, str(config))
            baseline = None if rng.random() < 0.3 else baseline
        arguments = rng.choice(OPTIONS)
        outcome, wrong = judged(config, baseline, arguments, limit)
        outcomes[f"{'baseline' if number % 2 else 'configuration'}: {outcome}"] += 1
        if wrong:
            findings.append(f"{number} {arguments}: {wrong}")
    return outcomes, findings


def main() -> int:
    """Run, and say what was found."""
    numbers = [int(argument.replace("_", "")) for argument in sys.argv[1:]]
    count, seed = [*numbers, *(20_000, 20261124)[len(numbers) :]]
    start = time.perf_counter()
    outcomes, findings = run(count, seed)
    print(f"{count:,} files, seed {seed}, {time.perf_counter() - start:.0f} s")
    for outcome, times in sorted(outcomes.items()):
        print(f"  {outcome}: {times:,}")
    print(f"{len(findings)} findings")
    for finding in findings[:40]:
        print(f"  {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
