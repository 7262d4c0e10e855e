"""One attempt at one job: prepared here, run in a process of its own, and settled here."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from training.adapters.jobs import checkpoints as job_checkpoints
from training.adapters.jobs.checkpoints import Checkpoint
from training.adapters.jobs.queue import LeaseLost
from training.adapters.postgres import Connection, Database
from training.domain.jobs import endings
from training.domain.jobs.endings import Ending
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import JobKind
from training.utils.process_limits import oom_kills
from training.work.jobs.child_process import COMMAND, ChildProcess
from training.work.jobs.lease import Lease
from training.work.jobs.messages import Done, Ended, Reached, Said, Save, Saved, Start, Stop
from training.work.jobs.settling import Settling, insisting, refusable
from training.work.jobs.verdicts import Outcome, Postponement, Success, outcome_of

_EXIT_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What every attempt of a worker needs.

    `command` has the interpreter run `serve` of `job_process.py`; `stop_grace_s` is what a job
    gets to stop in, `renew_s` the least time between two reports of its progress.
    """

    database: Database
    scratch: Path
    environment: Mapping[str, str]
    lease: timedelta
    memory_bytes: int | None
    command: Sequence[str] = COMMAND
    stop_grace_s: float = 5.0
    renew_s: float = 1.0


class Attempt:
    """Runs until the job is ended, handed back, or another's."""

    def __init__(self, job: Job, kind: JobKind[Connection], place: Workplace) -> None:
        self._job = job
        self._kind = kind
        self._place = place
        self._lease = Lease(place.database, job, place.lease, place.renew_s)
        self._leaving = asyncio.Event()

    def look(self) -> None:
        """See at once whether the job is to stop."""
        self._lease.look()

    def leave(self) -> None:
        """Stop, and hand the job back for another worker to go on with."""
        self._leaving.set()

    async def run(self) -> Job | None:
        """The job as the attempt left it; None where it is another's by now."""
        holding = asyncio.create_task(self._lease.hold())
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            outcome = await self._work(holding, leaving)
            if outcome is not None:
                settling = Settling(self._place.database, self._kind, self._lease)
                return await settling.settle(outcome)
        except LeaseLost:
            pass
        finally:
            holding.cancel()
            leaving.cancel()
        log.warning("a job is another worker's by now", extra={"job": str(self._job.id)})
        return None

    async def _work(
        self, holding: asyncio.Task[Ending | None], leaving: asyncio.Task[bool]
    ) -> Outcome | None:
        """What the job comes to; None where it is another's."""
        prepared = await insisting(lambda: refusable(self._job, self._prepare()))
        if not isinstance(prepared, tuple):
            return prepared
        place, job = self._place, self._job
        with ExitStack() as stack:
            try:
                folder = TemporaryDirectory(dir=place.scratch, ignore_cleanup_errors=True)
                scratch = stack.enter_context(folder)
                kills = oom_kills()
                child = await ChildProcess.start(place.environment, place.command)
            except OSError as error:
                # The job has done nothing yet: it is the machine that cannot.
                log.error("a job cannot be begun", extra={"job": str(job.id), "reason": str(error)})
                return Postponement("The worker's machine could not begin the job.")
            start = Start(
                job.id, job.tenant, job.attempt, job.kind, prepared[0], scratch, prepared[1]
            )
            listening = asyncio.create_task(self._listen(child))
            try:
                await child.send(start)
                await asyncio.wait(
                    (listening, holding, leaving), return_when=asyncio.FIRST_COMPLETED
                )
                if not listening.done():
                    return await self._interrupt(child, listening, holding)
                ended = listening.result()
                status = await child.end(_EXIT_S)
            finally:
                listening.cancel()
                await child.end()
        for_memory = kills is not None and kills != oom_kills()
        return outcome_of(job, ended, status, for_memory=for_memory, limit_bytes=place.memory_bytes)

    async def _interrupt(
        self,
        child: ChildProcess,
        listening: asyncio.Task[Ended | None],
        holding: asyncio.Task[Ending | None],
    ) -> Outcome | None:
        """Have the job stop: cancelled, overdue, another's, or to be handed back."""
        ending = holding.result() if holding.done() else endings.handed_back()
        if ending is None:
            return None
        await child.send(Stop())
        await asyncio.wait((listening,), timeout=self._place.stop_grace_s)
        if not holding.done() and listening.done() and isinstance(done := listening.result(), Done):
            # It was at its end anyway: nobody needs to go on.
            return Success(done.result)
        return ending

    async def _prepare(self) -> tuple[dict[str, Any], list[Checkpoint]]:
        async with self._place.database.transaction() as connection:
            inputs = await self._kind.prepare(connection, self._job)
            return inputs, await job_checkpoints.of(connection, self._job.id)

    async def _listen(self, child: ChildProcess) -> Ended | None:
        """Follow the job to its last word; None where it ended without one."""
        while (message := await child.receive()) is not None:
            if isinstance(message, Reached):
                self._lease.reached(message)
            elif isinstance(message, Said):
                self._lease.said(message)
            elif isinstance(message, Save):
                await child.send(Saved(await self._kept(message.checkpoint)))
            else:
                return message
        return None

    async def _kept(self, checkpoint: Checkpoint) -> bool:
        try:
            await insisting(lambda: self._lease.keep(checkpoint))
        except LeaseLost:
            return False
        return True
