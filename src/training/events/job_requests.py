"""What people ask of jobs: the change, its audit entry and its events, or none.

``JobRequests(database, checks)``: ``enqueue``, ``cancel``, ``retry``. All raise
``DatabaseUnavailable``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from training.adapters.audit_log import audit
from training.adapters.jobs import store as job_store
from training.adapters.jobs.store import JobStore
from training.adapters.postgres import Connection, Database
from training.domain.identity import Changer
from training.domain.jobs.job import Job
from training.events.once import once


@dataclass(frozen=True, slots=True)
class JobWanted:
    """A job to queue."""

    kind: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    priority: int
    time_limit: timedelta | None


type Check = Callable[[Connection, str, Mapping[str, Any]], Awaitable[None]]
"""Looks whether a tenant's job can be done by these parameters; raises OrderInvalid."""


class JobRequests:
    """One transaction a request. `checks`, by the kind of job, are made before it is queued."""

    def __init__(self, database: Database, checks: Mapping[str, Check]) -> None:
        self._database = database
        self._checks = checks
        self._jobs = JobStore(database)

    async def enqueue(self, changer: Changer, wanted: JobWanted) -> Job:
        """Queue a job, once for an idempotency key; IdempotencyConflict, OrderInvalid.

        A repetition finds the job as it is by then.
        """

        async def work(connection: Connection) -> UUID:
            check = self._checks.get(wanted.kind)
            if check is not None:
                await check(connection, changer.tenant, wanted.parameters)
            job = await job_store.enqueue(
                connection,
                tenant=changer.tenant,
                kind=wanted.kind,
                parameters=wanted.parameters,
                actor=changer.actor,
                tags=wanted.tags,
                priority=wanted.priority,
                time_limit=wanted.time_limit,
            )
            await audit(connection, changer, "job.enqueued", str(job.id), {"kind": wanted.kind})
            return job.id

        async with self._database.transaction() as connection:
            job_id = await once(
                connection,
                changer,
                f"job.{wanted.kind}",
                msgspec.to_builtins(wanted),
                UUID,
                work,
            )
        job = await self._jobs.get(changer.tenant, job_id)
        if job is None:
            raise LookupError(f"job {job_id} was queued and is not there")
        return job

    async def cancel(self, changer: Changer, job_id: UUID) -> Job:
        """Have a job stop; JobUnknown, JobEnded."""
        async with self._database.transaction() as connection:
            job = await job_store.request_cancel(connection, changer.tenant, job_id)
            await audit(connection, changer, "job.cancelled", str(job_id), {"state": job.state})
        return job

    async def retry(self, changer: Changer, job_id: UUID) -> Job:
        """Queue an ended job again; JobUnknown, JobNotRetryable."""
        async with self._database.transaction() as connection:
            job = await job_store.retry(connection, changer.tenant, job_id)
            await audit(connection, changer, "job.retried", str(job_id), {"attempt": job.attempt})
        return job
