"""The last step of an attempt: the job's effects and its end in one transaction, or another end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from training.adapters.failures import DatabaseUnavailable
from training.adapters.jobs import queue as job_queue
from training.adapters.object_store import UNAVAILABLE, StoreUnavailable
from training.adapters.postgres import Connection, Database
from training.domain.jobs import endings
from training.domain.jobs.endings import Ending
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import FinishAgain, JobFailed, JobKind, JobPostponed
from training.utils.structured_logging import describe_exception
from training.work.jobs.lease import Lease
from training.work.jobs.verdicts import Killed, Outcome, Postponement, Success, internal_error

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_CONFLICTS = 20

log = logging.getLogger(__name__)


async def insisting[Result](work: Callable[[], Awaitable[Result]]) -> Result:
    """Do the work again until the database is there for it."""
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            return await work()
        except DatabaseUnavailable as error:
            log.warning("a job waits for the database", extra={"reason": str(error)})
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


async def refusable[Result](job: Job, work: Awaitable[Result]) -> Result | Postponement | Ending:
    """The result of a kind's own code, or what its refusal means for the job."""
    try:
        return await work
    except JobFailed as failure:
        return endings.failed(failure.code, str(failure))
    except JobPostponed as absence:
        return Postponement(str(absence))
    except StoreUnavailable:
        return Postponement(UNAVAILABLE)
    except (job_queue.LeaseLost, DatabaseUnavailable):
        raise
    except Exception as error:
        log.exception("a job's kind failed", extra={"job": str(job.id), "kind": job.kind})
        return internal_error(job, describe_exception(error))


class Settling:
    """Ends the attempts of one lease."""

    def __init__(self, database: Database, kind: JobKind[Connection], lease: Lease) -> None:
        self._database = database
        self._kind = kind
        self._lease = lease

    async def settle(self, outcome: Outcome) -> Job:
        """The job as it is afterwards; LeaseLost where that is no longer ours to say."""
        job = self._lease.job
        await insisting(self._lease.renew)
        if isinstance(outcome, Success):
            sealed = await refusable(job, self._kind.seal(job, outcome.result))
            if isinstance(sealed, dict):
                finished = await insisting(lambda: refusable(job, self._finish_in_turn(sealed)))
                if isinstance(finished, Job):
                    return finished
                outcome = finished
            else:
                outcome = sealed
        return await insisting(lambda: self._end(outcome))

    async def _finish_in_turn(self, result: dict[str, Any]) -> Job:
        for _ in range(_CONFLICTS):
            try:
                return await self._finish(result)
            except FinishAgain:
                continue
        return await self._finish(result)

    async def _finish(self, result: dict[str, Any]) -> Job:
        # A copy, since a kind may change it, and this may be done again.
        shown = dict(result)
        async with self._database.transaction() as connection:
            job = await job_queue.lock(connection, self._lease.job)
            await self._kind.finish(connection, job, shown)
            return await job_queue.succeed(connection, job, shown)

    async def _end(self, outcome: Killed | Postponement | Ending) -> Job:
        async with self._database.transaction() as connection:
            job = await job_queue.lock(connection, self._lease.job)
            if isinstance(outcome, Killed):
                ending = endings.killed(job, datetime.now(UTC))
            elif isinstance(outcome, Postponement):
                count = await job_queue.postponements(connection, job.id)
                ending = endings.postponed(count, outcome.reason)
            else:
                ending = outcome
            return await job_queue.end(connection, job, ending)
