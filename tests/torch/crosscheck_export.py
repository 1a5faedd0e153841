"""`python -m tests.torch.crosscheck_export [PATTERN] [--jobs N] [--every N]`: models written as
network files and read back.

Every model of timm that is followed completely, or with `torchvision:` before the pattern those of
torchvision for classification, segmentation and video. `export_text` compares params, MACs, FLOPs,
outputs and fields itself; here shapes, fields of every output and supports are compared again, and
the share of nodes in the generic form is counted. Prints a line for each that is refused, and ends
with 1 if fewer than 95% are written.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import warnings
from fnmatch import fnmatch
from typing import Any, NamedTuple

import torch

import convcalc
from convcalc.api.export import export as export_text
from convcalc.api.export import is_now_exact
from convcalc.errors import ConvcalcError
from convcalc.networks.file import read_text
from tests.torch.torchvision_shim import torchvision_models

BAR = 0.95
TORCHVISION = "torchvision:"


class Written(NamedTuple):
    """What came of one model."""

    name: str
    outcome: str  # "equal", "incomplete", "refused", "differs" or "not built"
    detail: str = ""
    nodes: int = 0
    generic: int = 0
    """Nodes in the form that no word says."""


def build(name: str) -> tuple[Any, tuple[int, ...]]:
    """A model without weights, and the size of its input."""
    if name.startswith(TORCHVISION):
        models = torchvision_models()
        name = name.removeprefix(TORCHVISION)
        has_backbone = hasattr(models.segmentation, name)
        extra = {"weights_backbone": None} if has_backbone else {}
        model: Any = models.get_model(name, weights=None, **extra)
        is_video = hasattr(models.video, name)
        return model.eval(), (3, 16, 224, 224) if is_video else (3, 224, 224)
    import timm

    model = timm.create_model(name, pretrained=False)
    return model.eval(), tuple(model.default_cfg.get("input_size", (3, 224, 224)))


def written(name: str) -> Written:
    """Build a model, write it, read it back."""
    try:
        try:
            with torch.device("meta"):
                model, size = build(name)
        except NotImplementedError:  # some set weights when they are built
            model, size = build(name)
    except Exception as error:
        return Written(name, "not built", _first_line(error))
    try:
        graph = convcalc.from_torch(model, input=size)
        here = convcalc.analyze(graph, input=size)
        if not here.complete:
            return Written(name, "incomplete", here.unknown[0])
        text = export_text(graph, input=size)
    except ConvcalcError as error:
        return Written(name, "refused", _first_line(error))
    except Exception as error:
        return Written(name, "differs", f"crash: {_first_line(error)}")
    there = convcalc.analyze(read_text(text, name).graph(name), input=size)
    ours = [output.receptive_field for output in here.outputs.values()]
    theirs = [output.receptive_field for output in there.outputs.values()]
    fields = all(a == b or is_now_exact(a, b) for a, b in zip(ours, theirs, strict=True))
    same = fields and (here.params, here.macs) == (there.params, there.macs)
    nodes, generic = len(there.layers), text.count("\nstep = ")
    return Written(name, "equal" if same else "differs", "", nodes, generic)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


def listed(pattern: str, every: int) -> list[str]:
    """The names of the models."""
    models = torchvision_models()
    if pattern.startswith(TORCHVISION):
        modules = [models, models.segmentation, models.video]
        names = [name for module in modules for name in models.list_models(module=module)]
        wanted = pattern.removeprefix(TORCHVISION)
        return [TORCHVISION + name for name in names if fnmatch(name, wanted)][::every]
    import timm

    return [name for name in timm.list_models() if fnmatch(name, pattern)][::every]


def run_part(names: list[str]) -> None:
    """Write models and print what came of each as a line of JSON."""
    torchvision_models()
    warnings.simplefilter("ignore")
    for name in names:
        with contextlib.redirect_stdout(io.StringIO()):
            found = written(name)
        print(json.dumps(found), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--part", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part is not None:
        run_part(given.part)
        return 0
    names = listed(given.pattern, given.every)
    command = [sys.executable, "-m", "tests.torch.crosscheck_export", "--part"]
    parts = [
        subprocess.Popen([*command, *names[job :: given.jobs]], stdout=subprocess.PIPE, text=True)
        for job in range(given.jobs)
    ]
    found = [Written(*json.loads(line)) for part in parts
             for line in part.communicate()[0].splitlines()]  # fmt: skip
    for one in found:
        if one.outcome not in ("equal", "not built"):
            print(f"{one.name}: {one.outcome}: {one.detail}")
    tried = [one for one in found if one.outcome not in ("not built", "incomplete")]
    equal = [one for one in tried if one.outcome == "equal"]
    shares = sorted((one.generic / one.nodes, one.name) for one in equal)
    print(f"{len(equal)} of {len(tried)} written and read back equal; {len(found)} models")
    if shares:
        middle = shares[len(shares) // 2][0]
        print(f"nodes in the generic form: {middle:.0%} in the middle, {shares[-1][0]:.0%} at most")
    return int(len(equal) < BAR * len(tried))


if __name__ == "__main__":
    sys.exit(main())
