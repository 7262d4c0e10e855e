"""The table, and which goals were met."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from load.measuring import Cell

MODEL_API_GOAL_MS = 1.5
GATEWAY_GOAL_MS = 1.0

COLUMNS = (
    "target", "asked/s", "answered/s", "p50 ms", "p95 ms", "p99 ms", "errors", "gateway",
    "model_api", "services", "× bare", "relay", "postgres", "redis",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goal:
    """A promise and what was measured, in CPU milliseconds a request."""

    promise: str
    rate: float
    limit_ms: float
    measured_ms: float

    @property
    def is_met(self) -> bool:
        """Whether the promise was kept."""
        return self.measured_ms <= self.limit_ms

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "NOT met"
        return f"{self.promise} ({self.rate:g}/s): {self.measured_ms:.2f} ms, {verdict}"


def table(cells: Sequence[Cell], bare: str) -> Table:
    """One line a target and rate. The columns after `errors` are CPU milliseconds a request."""
    shown = Table(title="Open loop; latency from the due time; CPU in ms a request", box=None)
    for column in COLUMNS:
        shown.add_column(column, justify="left" if column == "target" else "right")
    for cell in cells:
        floor = _of(cells, bare, cell.rate).service_ms()
        shown.add_row(
            cell.target.name,
            f"{cell.rate:g}",
            f"{cell.throughput:.0f}",
            *(f"{cell.latency_ms(share):.2f}" for share in (0.50, 0.95, 0.99)),
            str(cell.errors),
            *(_cpu(cell, name) for name in COLUMNS[7:9]),
            f"{cell.service_ms():.2f}",
            f"{cell.service_ms() / floor:.1f}" if floor else "",
            *(_cpu(cell, name) for name in COLUMNS[11:]),
        )
    return shown


def goals(cells: Sequence[Cell], alone: str, through_gateway: str) -> list[Goal]:
    """The promises about CPU, at every rate."""
    found = []
    for cell in cells:
        if cell.target.name == alone:
            promise = f"model_api with durable audit ≤ {MODEL_API_GOAL_MS} ms CPU"
            found.append(Goal(promise, cell.rate, MODEL_API_GOAL_MS, cell.service_ms()))
        elif cell.target.name == through_gateway:
            added = cell.service_ms() - _of(cells, alone, cell.rate).service_ms()
            promise = f"the gateway adds ≤ {GATEWAY_GOAL_MS} ms CPU"
            found.append(Goal(promise, cell.rate, GATEWAY_GOAL_MS, added))
    return sorted(found, key=lambda goal: (goal.promise, goal.rate))


def _cpu(cell: Cell, name: str) -> str:
    return f"{cell.cpu_ms(name):.2f}" if name in cell.target.processes else ""


def _of(cells: Sequence[Cell], target: str, rate: float) -> Cell:
    return next(cell for cell in cells if (cell.target.name, cell.rate) == (target, rate))
