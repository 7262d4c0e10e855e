"""Jobs as their owners see them: `enqueue`, `request_cancel`, `retry` in the caller's transaction;
``JobStore(database)``: ``get``, ``page``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from training.adapters.jobs.changes import record_state, wake_workers
from training.adapters.jobs.rows import as_json, job_of
from training.adapters.postgres import Connection, Database
from training.domain.jobs.job import Job, JobState
from training.domain.jobs.refusals import JobEnded, JobNotRetryable, JobUnknown

_LAST_ID = UUID(int=2**128 - 1)


async def enqueue(
    connection: Connection,
    *,
    tenant: str,
    kind: str,
    parameters: Mapping[str, Any],
    actor: str,
    tags: Mapping[str, str] | None = None,
    priority: int = 0,
    time_limit: timedelta | None = None,
) -> Job:
    """Queue a job. Workers see it when the caller's transaction is committed.

    It fails unless it is done within `time_limit`, waiting included.
    """
    now = datetime.now(UTC)
    row = await connection.fetchrow(
        "INSERT INTO jobs (id, tenant, kind, parameters, tags, priority, actor, state, created_at,"
        " time_limit, deadline_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10)"
        " RETURNING *",
        uuid7(),
        tenant,
        kind,
        as_json(parameters),
        as_json(tags or {}),
        priority,
        actor,
        now,
        time_limit,
        None if time_limit is None else now + time_limit,
    )
    return await _told(connection, job_of(row))


async def request_cancel(connection: Connection, tenant: str, job_id: UUID) -> Job:
    """Cancel a waiting job at once; a running one stops as soon as it can. JobUnknown, JobEnded."""
    job = await _lock(connection, tenant, job_id)
    if job.state.is_terminal:
        raise JobEnded(str(job_id))
    if job.cancel_requested_at is not None:
        return job
    row = await connection.fetchrow(
        "UPDATE jobs SET cancel_requested_at = now(),"
        " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,"
        " finished_at = CASE state WHEN 'queued' THEN now() END,"
        " error_code = NULL, error_message = NULL WHERE id = $1 RETURNING *",
        job_id,
    )
    changed = job_of(row)
    if changed.state is JobState.CANCELLED:
        await record_state(connection, changed)
    await wake_workers(connection)
    return changed


async def retry(connection: Connection, tenant: str, job_id: UUID) -> Job:
    """Queue an ended job again; it goes on from its checkpoint. JobUnknown, JobNotRetryable."""
    job = await _lock(connection, tenant, job_id)
    if not job.state.is_retryable:
        raise JobNotRetryable(str(job_id))
    # The time that the job was given counts anew, or a retry of an overdue job would be in vain.
    row = await connection.fetchrow(
        "UPDATE jobs SET state = 'queued', killed_attempts = 0, postponements = 0,"
        " due_at = '-infinity', deadline_at = now() + time_limit,"
        " finished_at = NULL, cancel_requested_at = NULL, error_code = NULL, error_message = NULL"
        " WHERE id = $1 RETURNING *",
        job_id,
    )
    return await _told(connection, job_of(row))


class JobStore:
    """Jobs, to read. All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, job_id: UUID) -> Job | None:
        """The tenant's job, if there is one of this id."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM jobs WHERE tenant = $1 AND id = $2", tenant, job_id
            )
        return None if row is None else job_of(row)

    async def page(
        self,
        tenant: str,
        *,
        limit: int,
        before: UUID | None = None,
        state: JobState | None = None,
        kind: str | None = None,
    ) -> list[Job]:
        """Up to `limit` jobs, newest first, older than `before`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT * FROM jobs WHERE tenant = $1 AND id < $2"
                " AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR kind = $4)"
                " ORDER BY id DESC LIMIT $5",
                tenant,
                before or _LAST_ID,
                state,
                kind,
                limit,
            )
        return [job_of(row) for row in rows]


async def _lock(connection: Connection, tenant: str, job_id: UUID) -> Job:
    row = await connection.fetchrow(
        "SELECT * FROM jobs WHERE tenant = $1 AND id = $2 FOR UPDATE", tenant, job_id
    )
    if row is None:
        raise JobUnknown(str(job_id))
    return job_of(row)


async def _told(connection: Connection, job: Job) -> Job:
    await record_state(connection, job)
    await wake_workers(connection)
    return job
