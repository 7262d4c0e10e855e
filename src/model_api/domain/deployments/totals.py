"""What each version did over a while, on all replicas."""

from dataclasses import dataclass
from datetime import datetime

from model_api.domain.deployments.routing import Role


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that one input took to be judged."""

    mean: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class VersionTotals:
    """The sums of a version in one role; ``latency_ms`` is None where nothing was judged.

    ``feedback`` counts the opinions on its predictions, ``contradicting`` those of them that say
    the opposite: an attack that was allowed, a benign text that was not.
    """

    version: str
    role: Role
    predictions: int
    errors: int
    blocked: int
    flagged: int
    latency_ms: Latency | None
    compared: int
    disagreements: int
    feedback: int
    contradicting: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over the whole seconds from ``since`` to before ``until``."""

    since: datetime
    until: datetime
    versions: tuple[VersionTotals, ...]
