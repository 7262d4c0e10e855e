"""What every unit has: a state, the units it waits for, and a way to be stopped."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime

from bartizan.supervision.status import State, UnitStatus

log = logging.getLogger("bartizan")


def now() -> str:
    """The time, RFC 3339, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Runner(ABC):
    """Drives one unit through its states. `settled` is set while others may build on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: State = "waiting"
        self.since = now()
        self.detail = ""
        self.settled = asyncio.Event()
        self.stopped = asyncio.Event()
        self.needs: Sequence[Runner] = ()
        self.dependents: list[Runner] = []
        self._work: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, or begins again after `stop` or a failure; without effect while it works."""
        if self._work is None or self._work.done():
            self.stopped.clear()
            self._work = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Ends, after everything that builds on it has ended."""
        await asyncio.gather(*(each.stopped.wait() for each in self.dependents))
        if self._work is not None:
            await self._end(self._work)
        self.enter("stopped")
        self.settled.clear()
        self.stopped.set()

    def enter(self, state: State, detail: str = "") -> None:
        if (state, detail) != (self.state, self.detail):
            log.info("%s is %s%s", self.name, state, f": {detail}" if detail else "")
            self.state, self.detail, self.since = state, detail, now()

    async def _run(self) -> None:
        self.enter("waiting")
        for need in self.needs:
            await need.settled.wait()
        await self._work_on()

    @abstractmethod
    async def _work_on(self) -> None:
        """Does what the unit is for, once its needs are met."""

    @abstractmethod
    async def _end(self, work: asyncio.Task[None]) -> None:
        """Brings the running work to its end."""

    @abstractmethod
    async def status(self) -> UnitStatus:
        """What is known about it now."""
