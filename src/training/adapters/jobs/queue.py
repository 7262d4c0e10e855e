"""Jobs as their workers see them: ``claim``, ``renew``, ``lock``, ``end``, ``release_expired``.

A claim is a lease, and its fence is the number of the attempt: whoever comes with an older one
raises ``LeaseLost`` and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from training.adapters.jobs.changes import JobEntry, record, record_state, wake_workers
from training.adapters.jobs.rows import as_json, job_of
from training.adapters.postgres import Connection
from training.domain.jobs import endings
from training.domain.jobs.endings import Ending
from training.domain.jobs.job import Job, JobState, Progress

_CLAIMS = 0x626172_6A6F6273
"""The advisory lock under which jobs are claimed."""


class LeaseLost(Exception):
    """The job is no longer this attempt's: another took it up, or it has ended."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """A worker: its name, for which kinds it is, and the terms on which it takes jobs."""

    worker: str
    kinds: Sequence[str]
    lease: timedelta
    tenant_concurrency: int


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker learns about its job at each renewal of the lease."""

    cancel: bool
    overdue: bool


async def claim(connection: Connection, claimant: Claimant) -> Job | None:
    """Take the most urgent job that may run now; within a transaction.

    Claims come one after the other, so that two of them cannot both take a tenant's last place;
    they last a millisecond and the jobs minutes.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _CLAIMS)
    # A statement of its own, which sees what the claimant before has committed.
    row = await connection.fetchrow(
        "WITH full_tenants AS (SELECT tenant FROM jobs WHERE state = 'running'"
        " GROUP BY tenant HAVING count(*) >= $1),"
        " next AS (SELECT id FROM jobs WHERE state = 'queued' AND kind = ANY($2::text[])"
        " AND due_at <= now() AND (deadline_at IS NULL OR deadline_at > now())"
        " AND tenant NOT IN (SELECT tenant FROM full_tenants)"
        " ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $3,"
        " lease_until = now() + $4, started_at = coalesce(started_at, now()),"
        " error_code = NULL, error_message = NULL"
        " WHERE id = (SELECT id FROM next) RETURNING *",
        claimant.tenant_concurrency,
        claimant.kinds,
        claimant.worker,
        claimant.lease,
    )
    if row is None:
        return None
    job = job_of(row)
    await record_state(connection, job)
    return job


async def renew(
    connection: Connection,
    job: Job,
    lease: timedelta,
    progress: Progress | None,
    entries: Sequence[JobEntry],
) -> Orders:
    """Keep the job for another lease, and write down how far it is; LeaseLost."""
    row = await connection.fetchrow(
        "UPDATE jobs SET lease_until = now() + $3, progress = coalesce($4, progress)"
        " WHERE id = $1 AND attempt = $2 AND state = 'running'"
        " RETURNING cancel_requested_at IS NOT NULL AS cancel,"
        " coalesce(deadline_at <= now(), false) AS overdue",
        job.id,
        job.attempt,
        lease,
        None if progress is None else as_json(progress),
    )
    if row is None:
        raise LeaseLost(str(job.id))
    if entries:
        await record(connection, job.id, entries)
    return Orders(row["cancel"], row["overdue"])


async def lock(connection: Connection, job: Job) -> Job:
    """The job as it is now, which stays this attempt's until the transaction ends; LeaseLost."""
    row = await connection.fetchrow(
        "SELECT * FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'running' FOR UPDATE",
        job.id,
        job.attempt,
    )
    if row is None:
        raise LeaseLost(str(job.id))
    return job_of(row)


async def succeed(connection: Connection, job: Job, result: dict[str, object]) -> Job:
    """End a job that the caller has locked, with its result."""
    return await _close(connection, job, Ending(JobState.SUCCEEDED), result)


async def end(connection: Connection, job: Job, ending: Ending) -> Job:
    """End an attempt otherwise, or hand the job back; LeaseLost."""
    now = await lock(connection, job)
    # Whoever was told that the job will stop must not see it start again.
    if ending.state is JobState.QUEUED and now.cancel_requested_at is not None:
        ending = endings.cancelled()
    return await _close(connection, now, ending, None)


async def release_expired(connection: Connection, lease: timedelta, limit: int = 100) -> list[Job]:
    """Take the jobs from workers that are gone, and end those that wait beyond their deadline.

    A database that was away has held up every worker: each gets the time to renew its lease.
    """
    rows = await connection.fetch(
        "SELECT * FROM jobs WHERE (state = 'running' AND lease_until < now()"
        " AND pg_postmaster_start_time() < now() - $2::interval)"
        " OR (state = 'queued' AND deadline_at <= now()) LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
        lease,
    )
    now = datetime.now(UTC)
    released = []
    for job in map(job_of, rows):
        waited = job.state is JobState.QUEUED
        ending = endings.overdue() if waited else endings.killed(job, now)
        released.append(await _close(connection, job, ending, None))
    return released


async def postponements(connection: Connection, job_id: UUID) -> int:
    """How often the job was postponed."""
    return int(await connection.fetchval("SELECT postponements FROM jobs WHERE id = $1", job_id))


async def _close(
    connection: Connection, job: Job, ending: Ending, result: dict[str, object] | None
) -> Job:
    error = ending.error
    row = await connection.fetchrow(
        "UPDATE jobs SET state = $2::text, lease_until = NULL, worker = NULL, result = $3,"
        " error_code = $4, error_message = $5, killed_attempts = killed_attempts + $6,"
        " postponements = postponements + $7, due_at = now() + make_interval(secs => $8),"
        " finished_at = CASE WHEN $2::text = 'queued' THEN NULL ELSE now() END"
        " WHERE id = $1 RETURNING *",
        job.id,
        ending.state,
        None if result is None else as_json(result),
        None if error is None else error.code,
        None if error is None else error.message,
        int(ending.was_killed),
        int(ending.is_postponed),
        ending.delay_s,
    )
    closed = job_of(row)
    await record_state(connection, closed)
    # A place has become free for another job of the tenant.
    await wake_workers(connection)
    return closed
