"""What the platform is made of: services that run, and tasks that are done once at each start."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bartizan.infrastructure.account import Account

Action = Callable[[], Awaitable[None]]
Probe = Callable[[], Awaitable[bool]]


async def nothing() -> None:
    """The preparation of a service that needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A process that is kept running.

    `prepare` is awaited before each start; `ready` says whether it does its work now; `needs` are
    the names of units that must be ready (or done) before the first start; `stop_seconds` is what
    it has between `stop_signal` and SIGKILL.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Probe
    needs: tuple[str, ...] = ()
    address: str = ""
    prepare: Action = nothing
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something done to the end at each start of the platform; doing it twice must be harmless."""

    name: str
    action: Action
    needs: tuple[str, ...] = ()


Unit = Service | Task
