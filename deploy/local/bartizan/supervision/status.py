"""What is known about each unit, as it goes over the control socket."""

from typing import Literal

import msgspec

State = Literal[
    "waiting", "starting", "ready", "unready", "backoff", "stopping", "stopped", "done", "failed"
]


class Exit(msgspec.Struct, frozen=True):
    """How a process ended: an exit status, or the name of the signal that killed it."""

    status: int | None
    signal: str | None
    at: str

    def __str__(self) -> str:
        return self.signal or f"status {self.status}"


class UnitStatus(msgspec.Struct, frozen=True):
    """One service or task. `since` is the RFC 3339 time at which it entered its state."""

    name: str
    kind: Literal["service", "task"]
    state: State
    since: str
    pid: int | None = None
    restarts: int = 0
    last_exit: Exit | None = None
    address: str = ""
    detail: str = ""

    @property
    def is_healthy(self) -> bool:
        return self.state in ("ready", "done")


class PlatformStatus(msgspec.Struct, frozen=True):
    """The whole platform, in the order of its topology."""

    pid: int
    build: str
    port_offset: int
    units: list[UnitStatus]

    @property
    def is_healthy(self) -> bool:
        return all(unit.is_healthy for unit in self.units)
