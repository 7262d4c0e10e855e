"""A worker: takes jobs from the queue, as many at a time as it has places, until it is stopped."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from training.adapters.failures import DatabaseUnavailable
from training.adapters.jobs import queue as job_queue
from training.adapters.jobs.changes import WORK_CHANNEL
from training.adapters.jobs.notices import JobNotices
from training.adapters.jobs.queue import Claimant
from training.adapters.postgres import Connection
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import JobKind
from training.work.jobs.attempt import Attempt, Workplace
from training.work.jobs.checkpoint_sweep import CheckpointSweep

log = logging.getLogger(__name__)

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


class WorkerMetrics(Protocol):
    """What is counted of a worker's doings."""

    def started(self, kind: str) -> None:
        """An attempt begins."""

    def ended(self, kind: str, state: str, seconds: float) -> None:
        """An attempt has ended; `state` is the job's, or `lost`."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`places` jobs at a time; the queue is looked at every `sweep_s` even when nobody calls."""

    places: int = 2
    sweep_s: float = 5.0
    housekeeping_s: float = 60.0


class Worker:
    """Owns nothing but its running attempts: everything else is in the database."""

    def __init__(
        self,
        kinds: Mapping[str, JobKind[Connection]],
        claimant: Claimant,
        place: Workplace,
        sweep: CheckpointSweep,
        metrics: WorkerMetrics,
        rhythm: Rhythm,
    ) -> None:
        self._kinds = kinds
        self._claimant = claimant
        self._place = place
        self._sweep = sweep
        self._metrics = metrics
        self._rhythm = rhythm
        self._running: dict[asyncio.Task[None], Attempt] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._sweep_at = self._release_at = float("-inf")

    def stop(self) -> None:
        """Take no more jobs, and hand back those that run."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`, through any absence of the database."""
        notices = JobNotices(self._place.database, WORK_CHANNEL, lambda _: self._wake.set())
        wait_s = _FIRST_WAIT_S
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    await notices.connect()
                    await self._look()
                except DatabaseUnavailable as error:
                    log.warning("the worker waits for the database", extra={"reason": str(error)})
                    # All workers were held up: each gets the time to renew its leases first.
                    self._release_at = time.monotonic() + self._claimant.lease.total_seconds()
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
                    continue
                wait_s = _FIRST_WAIT_S
                await self._rest()
        finally:
            notices.close()
            await self._leave()

    async def _look(self) -> None:
        for attempt in self._running.values():
            attempt.look()
        if time.monotonic() >= self._release_at:
            await self._release()
        while len(self._running) < self._rhythm.places and not self._stopping:
            async with self._place.database.transaction() as connection:
                job = await job_queue.claim(connection, self._claimant)
            if job is None:
                break
            self._begin(job)
        if time.monotonic() >= self._sweep_at:
            await self._sweep.run()
            self._sweep_at = time.monotonic() + self._rhythm.housekeeping_s

    async def _release(self) -> None:
        async with self._place.database.transaction() as connection:
            released = await job_queue.release_expired(connection, self._claimant.lease)
        for job in released:
            labels = {"job": str(job.id), "kind": job.kind, "state": job.state}
            log.warning("a job was taken from a worker that is gone", extra=labels)

    def _begin(self, job: Job) -> None:
        attempt = Attempt(job, self._kinds[job.kind], self._place)
        task = asyncio.create_task(self._attempt(attempt, job), name=f"job {job.id}")
        self._running[task] = attempt
        task.add_done_callback(self._ended)

    async def _attempt(self, attempt: Attempt, job: Job) -> None:
        labels = {"job": str(job.id), "kind": job.kind, "attempt": job.attempt}
        log.info("a job begins", extra=labels)
        self._metrics.started(job.kind)
        began = time.monotonic()
        state = "error"
        try:
            left = await attempt.run()
            state = "lost" if left is None else left.state
        finally:
            seconds = time.monotonic() - began
            self._metrics.ended(job.kind, state, seconds)
            log.info("a job's attempt ended", extra={**labels, "state": state, "seconds": seconds})

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            # Its lease runs out, and the job counts as killed.
            log.error("an attempt was given up", exc_info=task.exception())

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._rhythm.sweep_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _leave(self) -> None:
        tasks = list(self._running)
        for attempt in self._running.values():
            attempt.leave()
        await asyncio.gather(*tasks, return_exceptions=True)
