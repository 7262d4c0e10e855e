"""What the service knows of its own health."""

from collections.abc import Callable
from dataclasses import dataclass

from litestar import get
from litestar.di import NamedDependency
from msgspec import Struct


class HealthSummary(Struct, frozen=True, forbid_unknown_fields=True):
    """`status`: ok, starting, degraded (known callers only), or draining."""

    status: str
    version: str
    upstreams: dict[str, str]


@dataclass(slots=True)
class ServiceHealth:
    """Asks no outside system: it reads what the background work has found.

    `serviceable` says that known callers are let in; `waiting_for` is None once started.
    """

    version: str
    waiting_for: Callable[[], str | None]
    serviceable: Callable[[], bool]
    circuits: Callable[[], dict[str, str]]
    draining: bool = False

    def startup(self) -> tuple[bool, dict[str, str]]:
        """Whether the start is done, and what it waits for."""
        reason = self.waiting_for()
        return reason is None, {} if reason is None else {"waiting_for": reason}

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether requests should be sent here."""
        state = self._state()
        return state == "ok", {} if state == "ok" else {"reason": state}

    def summary(self) -> HealthSummary:
        """For people and for the platform's status."""
        return HealthSummary(self._state(), self.version, self.circuits())

    def _state(self) -> str:
        if self.draining:
            return "draining"
        if self.waiting_for() is not None:
            return "starting"
        return "ok" if self.serviceable() else "degraded"


@get("/health", operation_id="get_health", tags=["health"], sync_to_thread=False)
def get_health(health: NamedDependency[ServiceHealth]) -> HealthSummary:
    """A summary; probes belong on the ops port."""
    return health.summary()
