"""Runs a task once; a failure stays until the next `up`."""

import asyncio
import contextlib
import logging

from bartizan.errors import BartizanError
from bartizan.supervision.runner import Runner
from bartizan.supervision.status import UnitStatus
from bartizan.supervision.units import Task

log = logging.getLogger("bartizan")


class TaskRunner(Runner):
    """A unit that is done once at each start."""

    def __init__(self, task: Task) -> None:
        super().__init__(task.name)
        self._task = task

    async def _work_on(self) -> None:
        self.enter("starting")
        try:
            await self._task.action()
        except (BartizanError, OSError) as error:
            self.enter("failed", str(error))
        except Exception as error:
            log.exception("%s failed", self.name)
            self.enter("failed", f"{type(error).__name__}: {error}")
        else:
            self.enter("done")
            self.settled.set()

    def start(self) -> None:
        if self.state != "done":
            super().start()

    async def _end(self, work: asyncio.Task[None]) -> None:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def status(self) -> UnitStatus:
        return UnitStatus(
            name=self.name, kind="task", state=self.state, since=self.since, detail=self.detail
        )
