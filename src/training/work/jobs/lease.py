"""A worker's hold on a job: renewed in time, and with it what the job has told."""

import asyncio
import logging
import time
from datetime import timedelta

from training.adapters.failures import DatabaseUnavailable
from training.adapters.jobs import checkpoints as job_checkpoints
from training.adapters.jobs import queue as job_queue
from training.adapters.jobs.changes import JobEntry
from training.adapters.jobs.checkpoints import Checkpoint
from training.adapters.jobs.queue import LeaseLost, Orders
from training.adapters.postgres import Connection, Database
from training.domain.jobs.endings import Ending, cancelled, overdue
from training.domain.jobs.estimates import Estimate
from training.domain.jobs.job import Job, Progress
from training.work.jobs.messages import Reached, Said

_MAX_LINES = 10_000
_MAX_LINE_LENGTH = 2_000
_AGAIN_S = 0.5

log = logging.getLogger(__name__)


class Lease:
    """`renew_s` is the least time between two renewals that have news of the job."""

    def __init__(
        self, database: Database, job: Job, duration: timedelta, renew_s: float = 1.0
    ) -> None:
        self.job = job
        self._database = database
        self._duration = duration
        self._renew_s = renew_s
        self._estimate = Estimate()
        self._entries: list[JobEntry] = []
        self._progress: Progress | None = None
        self._lines = 0
        self._news = asyncio.Event()
        self._called = asyncio.Event()
        self._renewing = asyncio.Lock()

    def look(self) -> None:
        """Ask for orders now."""
        self._called.set()

    def reached(self, message: Reached) -> None:
        """The job has come further."""
        remaining_s = self._estimate.remaining_seconds(message.fraction, time.monotonic())
        self._progress = Progress(message.fraction, message.step, message.numbers, remaining_s)
        self._news.set()

    def said(self, message: Said) -> None:
        """The job has a line for its log."""
        self._lines += 1
        if self._lines > _MAX_LINES:
            return
        text = message.message[:_MAX_LINE_LENGTH]
        if self._lines == _MAX_LINES:
            text = "The log is full: what follows is left out."
        self._entries.append(JobEntry("log", {"message": text, "numbers": message.numbers}))
        self._news.set()

    async def hold(self) -> Ending | None:
        """Renew until the job is to stop: how it ends then, or None where it is another's."""
        while True:
            try:
                orders = await self.renew()
            except LeaseLost:
                return None
            except DatabaseUnavailable as error:
                # Whoever could take the job from us needs the same database.
                log.warning("lease not renewed", extra={"reason": str(error)})
                await asyncio.sleep(_AGAIN_S)
                continue
            if orders.cancel:
                return cancelled()
            if orders.overdue:
                return overdue()
            await self._wait()

    async def keep(self, checkpoint: Checkpoint) -> None:
        """Record a checkpoint; LeaseLost, DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            await job_queue.lock(connection, self.job)
            await job_checkpoints.keep(connection, self.job, checkpoint)

    async def renew(self) -> Orders:
        """Renew, and write down what was told since; LeaseLost, DatabaseUnavailable."""
        async with self._renewing:
            self._news.clear()
            self._called.clear()
            async with self._database.transaction() as connection:
                orders, written = await self._write(connection)
            del self._entries[:written]
            return orders

    async def _write(self, connection: Connection) -> tuple[Orders, int]:
        progress, written = self._progress, len(self._entries)
        entries = self._entries[:written]
        if progress is not None:
            entries.append(JobEntry("progress", _told(progress, self.job.attempt)))
        orders = await job_queue.renew(connection, self.job, self._duration, progress, entries)
        if self._progress is progress:
            self._progress = None
        return orders, written

    async def _wait(self) -> None:
        """Until the next renewal: soon with news, at once when called, else in a third of it."""
        if await _heard(self._called, timeout_s=self._renew_s):
            return
        idle_s = max(self._duration.total_seconds() / 3 - self._renew_s, 0)
        waiting = [asyncio.ensure_future(each.wait()) for each in (self._called, self._news)]
        try:
            await asyncio.wait(waiting, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()


def _told(progress: Progress, attempt: int) -> dict[str, object]:
    return {
        "attempt": attempt,
        "fraction": progress.fraction,
        "step": progress.step,
        "numbers": progress.numbers,
        "eta_seconds": progress.eta_seconds,
    }


async def _heard(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
