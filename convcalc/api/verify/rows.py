"""One row of agreement for each figure: what convcalc says, what was measured, and a verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

AGREES = "agrees"
BY_CONVENTION = "differs by convention"
DISAGREES = "disagrees"
NOT_MEASURED = "not measured"

TORCH, FVCORE, PROBE = "torch", "fvcore", "probe"
COUNTER = "FlopCounterMode"


class Row(NamedTuple):
    """One quantity of one network, or of one of its layers."""

    network: str
    layer: str | None
    quantity: str
    analytic: str
    measured: str
    by: str
    verdict: str
    reason: str = ""


class Rows:
    """Collects the rows of one network."""

    def __init__(self, network: str) -> None:
        self.network = network
        self.rows: list[Row] = []

    def add(
        self, quantity: str, analytic: Any, measured: Any, by: str, reason: str = "",
        layer: str | None = None, verdict: str | None = None,
    ) -> None:  # fmt: skip
        """Add a row; without a `verdict` it agrees if the two are equal."""
        verdict = verdict or (AGREES if analytic == measured else DISAGREES)
        left, right = (f"{v:,}" if isinstance(v, int) else str(v) for v in (analytic, measured))
        self.rows.append(Row(self.network, layer, quantity, left, right, by, verdict, reason))

    def not_measured(self, quantity: str, analytic: Any, by: str, reason: str) -> None:
        """Add a row that nothing could be measured for, and why."""
        self.add(quantity, analytic, "-", by, reason, verdict=NOT_MEASURED)
