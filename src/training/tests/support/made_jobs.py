"""Jobs that are simply there, under an id of one's own choice."""

from uuid import UUID

import asyncpg

from training.adapters.jobs import store as job_store
from training.adapters.jobs.changes import record_state
from training.adapters.jobs.rows import job_of
from training.domain.jobs.job import JobState


async def make_job(
    owner: asyncpg.Connection,
    tenant: str,
    job_id: UUID,
    kind: str,
    state: JobState = JobState.QUEUED,
) -> None:
    """A job that waits or has ended, in the place of one that there was of this id."""
    async with owner.transaction():
        await owner.execute("DELETE FROM jobs WHERE id = $1", job_id)
        job = await job_store.enqueue(
            owner, tenant=tenant, kind=kind, parameters={}, actor="a-key", tags={}
        )
        await owner.execute("DELETE FROM job_events WHERE job_id = $1", job.id)
        row = await owner.fetchrow(
            "UPDATE jobs SET id = $1, state = $3,"
            " finished_at = CASE WHEN $3 = 'queued' THEN NULL ELSE now() END,"
            " result = CASE WHEN $3 = 'succeeded' THEN '{}'::json END"
            " WHERE id = $2 RETURNING *",
            job_id,
            job.id,
            state.value,
        )
        await record_state(owner, job_of(row))
