"""Networks as the command line names them: torch models with `--model-arg` are built here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.analysis.report import Report
from convcalc.errors import LayerError, OptionError


def with_arguments(networks: Sequence[str], given: Sequence[str] | None, size: Any) -> Any:
    """The networks, torch models built with the arguments of `--model-arg`.

    Raises:
        OptionError: arguments, and no model that takes them.
    """
    if not given:
        return list(networks)
    from convcalc.networks.input_size import parse_inputs
    from convcalc.networks.sources import is_model, named_model, need_torch

    if not any(map(is_model, networks)):
        raise OptionError("--model-arg is for torch models, package.module:attribute")
    need_torch("--model-arg")
    from convcalc.networks.arguments import read_arguments

    arguments = read_arguments(given)
    shape = parse_inputs(size) if size is not None else None
    return [named_model(n, arguments, shape) if is_model(n) else n for n in networks]


def check_complete(reports: Sequence[Report]) -> None:
    """Check that every operation is counted, for `--strict`.

    Raises:
        LayerError: a report leaves operations out.
    """
    for report in reports:
        if not report.complete:
            n = len(report.unknown)
            uncounted = "1 operation is" if n == 1 else f"{n:,} operations are"
            raise LayerError(
                f"{report.name} is incomplete, {uncounted} not counted: "
                + "; ".join(report.unknown[:5])
            )
