"""The queue on a real PostgreSQL: who gets which job, and for how long."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from training.adapters.jobs import queue as job_queue
from training.adapters.jobs import store as job_store
from training.adapters.jobs.changes import JOB_CHANGED, JobEntry
from training.adapters.jobs.event_log import JobEventLog
from training.adapters.jobs.queue import Claimant, LeaseLost
from training.adapters.jobs.store import JobStore
from training.adapters.postgres import Database
from training.domain.jobs import endings
from training.domain.jobs.job import Job, JobState, Progress
from training.domain.jobs.refusals import JobEnded, JobNotRetryable, JobUnknown
from training.tests.support import child
from training.tests.support.database import TestDatabase
from training.tests.support.waiting import eventually

LEASE = timedelta(seconds=30)
WORKER = Claimant("worker-1", ("train", "import"), LEASE, tenant_concurrency=2)


async def enqueue(database: Database, tenant: str = "acme", **fields: Any) -> Job:
    made = {"kind": "train", "parameters": {"a": 1}, "actor": "key-1", **fields}
    async with database.transaction() as connection:
        return await job_store.enqueue(connection, tenant=tenant, **made)


async def claim(database: Database, claimant: Claimant = WORKER) -> Job | None:
    async with database.transaction() as connection:
        return await job_queue.claim(connection, claimant)


async def claimed(database: Database, claimant: Claimant = WORKER) -> Job:
    job = await claim(database, claimant)
    assert job is not None
    return job


async def release(database: Database, lease: timedelta = timedelta(0)) -> list[Job]:
    async with database.transaction() as connection:
        return await job_queue.release_expired(connection, lease)


async def end(database: Database, job: Job, ending: endings.Ending) -> Job:
    async with database.transaction() as connection:
        return await job_queue.end(connection, job, ending)


async def get(database: Database, job: Job) -> Job:
    found = await JobStore(database).get(job.tenant, job.id)
    assert found is not None
    return found


async def expire(own_rows: asyncpg.Connection, job: Job) -> None:
    await own_rows.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 s' WHERE id = $1", job.id
    )


async def test_the_more_urgent_job_goes_first_and_equals_in_their_order(database: Database) -> None:
    first, second = await enqueue(database), await enqueue(database)
    urgent = await enqueue(database, tenant="other", priority=5)
    order = [await claim(database) for _ in range(4)]
    assert [job and job.id for job in order] == [urgent.id, first.id, second.id, None]
    assert all(job.state is JobState.RUNNING and job.attempt == 1 for job in order if job)


async def test_a_worker_takes_only_kinds_that_it_knows(database: Database) -> None:
    await enqueue(database, kind="divine")
    assert await claim(database) is None


async def test_a_job_is_seen_only_when_its_transaction_is_committed(database: Database) -> None:
    async with database.transaction() as connection:
        await job_store.enqueue(
            connection, tenant="acme", kind="train", parameters={}, actor="key-1"
        )
        assert await claim(database) is None
    assert await claim(database) is not None


async def test_a_tenant_never_has_more_running_than_its_limit_under_many_claimers(
    database: Database, test_database: TestDatabase
) -> None:
    for _ in range(12):
        await enqueue(database)
    others = [await enqueue(database, tenant=f"t{number}") for number in range(3)]
    most = 0
    async with Database(test_database.url, test_database.password, max_connections=16) as pool:

        async def work(number: int) -> int:
            nonlocal most
            claimant = Claimant(f"worker-{number}", ("train",), LEASE, tenant_concurrency=3)
            done = 0
            while (job := await claim(pool, claimant)) is not None or await queued() > 0:
                if job is None:
                    continue
                most = max(most, await running("acme"))
                await end(pool, job, endings.failed("x", "y"))
                done += 1
            return done

        async def running(tenant: str) -> int:
            async with pool.connection() as connection:
                return int(
                    await connection.fetchval(
                        "SELECT count(*) FROM jobs WHERE state = 'running' AND tenant = $1", tenant
                    )
                )

        async def queued() -> int:
            async with pool.connection() as connection:
                return int(
                    await connection.fetchval("SELECT count(*) FROM jobs WHERE state = 'queued'")
                )

        done = await asyncio.gather(*(work(number) for number in range(4)))
    assert sum(done) == 12 + len(others)
    assert 1 <= most <= 3


async def test_claims_at_the_same_moment_share_the_places_exactly(
    database: Database, test_database: TestDatabase
) -> None:
    for _ in range(10):
        await enqueue(database)
    async with Database(test_database.url, test_database.password, max_connections=16) as pool:
        jobs = await asyncio.gather(*(claim(pool) for _ in range(16)))
    ids = [job.id for job in jobs if job is not None]
    assert len(ids) == len(set(ids)) == WORKER.tenant_concurrency


async def test_a_job_whose_worker_is_gone_goes_to_another_as_its_next_attempt(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    await enqueue(database)
    lost = await claimed(database)
    assert await release(database) == []
    await expire(own_rows, lost)
    assert [job.state for job in await release(database)] == [JobState.QUEUED]
    again = await claimed(database, Claimant("worker-2", ("train",), LEASE, 2))
    assert (again.id, again.attempt, again.killed_attempts) == (lost.id, 2, 1)


STAND_STILL = """
import asyncio, os, signal, sys
from training.adapters.postgres import Database

async def main(url, password, statement):
    async with Database(url, password, timeout_s=0.5) as database, database.transaction() as held:
        await held.execute("SELECT FROM jobs FOR UPDATE")
        waiting = asyncio.create_task(held.execute(statement)) if statement else None
        await asyncio.sleep(0.1)
        print("locked", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("statement", ["", "SELECT pg_sleep(600)"])
async def test_a_process_that_stands_still_in_a_transaction_does_not_keep_the_job(
    statement: str, database: Database, test_database: TestDatabase, own_rows: asyncpg.Connection
) -> None:
    await enqueue(database)
    await expire(own_rows, await claimed(database))
    process = await asyncio.create_subprocess_exec(
        *child.python("-c", STAND_STILL, test_database.url, test_database.password, statement),
        env=child.environment(),
        stdout=asyncio.subprocess.PIPE,
    )

    async def is_released() -> bool:
        return len(await release(database)) == 1

    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"locked\n"
        await eventually(is_released)
    finally:
        process.kill()
        await process.wait()


async def test_nobody_is_taken_for_gone_just_after_the_database_has_come_back(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    await enqueue(database)
    await expire(own_rows, await claimed(database))
    assert await release(database, timedelta(days=1)) == []
    assert len(await release(database)) == 1


async def test_who_has_lost_the_lease_can_neither_renew_nor_finish(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    await enqueue(database)
    lost = await claimed(database)
    await expire(own_rows, lost)
    await release(database)
    again = await claimed(database)
    with pytest.raises(LeaseLost):
        async with database.transaction() as connection:
            await job_queue.renew(connection, lost, LEASE, Progress(1, "done"), [])
    with pytest.raises(LeaseLost):
        async with database.transaction() as connection:
            await job_queue.lock(connection, lost)
    with pytest.raises(LeaseLost):
        await end(database, lost, endings.failed("x", "y"))
    now = await get(database, lost)
    assert (now.state, now.attempt, now.progress) == (JobState.RUNNING, again.attempt, None)


async def test_a_renewal_keeps_the_job_and_what_it_told(database: Database) -> None:
    job = await enqueue(database)
    mine = await claimed(database)
    said = JobEntry("log", {"message": "reading", "numbers": {"rows": 3}})
    progress = Progress(0.25, "fold 1", {"loss": 0.5}, 12.0)
    async with database.transaction() as connection:
        orders = await job_queue.renew(connection, mine, LEASE, progress, [said])
    assert (orders.cancel, orders.overdue) == (False, False)
    assert (await get(database, job)).progress == progress
    events = await JobEventLog(database).after(job.id, 0, limit=10)
    assert [event.kind for event in events] == ["state", "state", "log"]
    assert await JobEventLog(database).after(job.id, events[1].id, limit=10) == events[2:]


async def test_the_third_kill_parks_the_job(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database)
    for _ in range(3):
        await expire(own_rows, await claimed(database))
        await release(database)
    parked = await get(database, job)
    assert (parked.state, parked.killed_attempts) == (JobState.POISONED, 3)
    assert parked.error is not None
    assert parked.error.code == "poisoned"
    assert await claim(database) is None


async def test_a_job_handed_back_is_taken_again_and_was_not_killed(database: Database) -> None:
    await enqueue(database)
    for _ in range(5):
        await end(database, await claimed(database), endings.handed_back())
    again = await claimed(database)
    assert (again.attempt, again.killed_attempts) == (6, 0)


async def test_a_postponed_job_waits_and_says_why(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database)
    await end(database, await claimed(database), endings.postponed(3, "The store is away."))
    waiting = await get(database, job)
    assert waiting.state is JobState.QUEUED
    assert waiting.error is not None
    assert waiting.error.message == "The store is away."
    assert await claim(database) is None
    await own_rows.execute("UPDATE jobs SET due_at = now()")
    again = await claimed(database)
    assert (again.error, again.killed_attempts) == (None, 0)


async def test_a_waiting_job_is_cancelled_at_once(database: Database) -> None:
    job = await enqueue(database)
    async with database.transaction() as connection:
        cancelled = await job_store.request_cancel(connection, "acme", job.id)
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.finished_at is not None
    assert await claim(database) is None
    with pytest.raises(JobEnded):
        async with database.transaction() as connection:
            await job_store.request_cancel(connection, "acme", job.id)


async def test_a_running_job_is_told_to_stop_and_is_not_taken_up_again(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database)
    mine = await claimed(database)
    async with database.transaction() as connection:
        asked = await job_store.request_cancel(connection, "acme", job.id)
        await job_store.request_cancel(connection, "acme", job.id)
    assert asked.state is JobState.RUNNING
    async with database.transaction() as connection:
        assert (await job_queue.renew(connection, mine, LEASE, None, [])).cancel
    # Its worker is gone before it could obey, or hands it back as it leaves.
    ended = await end(database, mine, endings.handed_back())
    assert ended.state is JobState.CANCELLED


async def test_a_killed_job_that_was_to_be_cancelled_is_cancelled(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database)
    await expire(own_rows, await claimed(database))
    async with database.transaction() as connection:
        await job_store.request_cancel(connection, "acme", job.id)
    assert [each.state for each in await release(database)] == [JobState.CANCELLED]


async def test_a_job_that_waits_beyond_its_deadline_fails(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database, time_limit=timedelta(seconds=60))
    assert job.deadline_at is not None
    assert abs(job.deadline_at - datetime.now(UTC) - timedelta(seconds=60)) < timedelta(seconds=5)
    assert await release(database) == []
    await own_rows.execute("UPDATE jobs SET deadline_at = now()")
    assert await claim(database) is None
    (late,) = await release(database)
    assert late.state is JobState.FAILED
    assert late.error is not None
    assert late.error.code == "deadline-exceeded"


async def test_a_running_job_learns_that_its_deadline_has_passed(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    await enqueue(database, time_limit=timedelta(seconds=60))
    mine = await claimed(database)
    await own_rows.execute("UPDATE jobs SET deadline_at = now()")
    async with database.transaction() as connection:
        assert (await job_queue.renew(connection, mine, LEASE, None, [])).overdue


async def test_a_retry_begins_with_a_clean_record_and_its_time_limit_anew(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database, time_limit=timedelta(seconds=60))
    with pytest.raises(JobNotRetryable):
        async with database.transaction() as connection:
            await job_store.retry(connection, "acme", job.id)
    await own_rows.execute("UPDATE jobs SET deadline_at = now()")
    await release(database)
    async with database.transaction() as connection:
        again = await job_store.retry(connection, "acme", job.id)
    assert (again.state, again.error, again.finished_at) == (JobState.QUEUED, None, None)
    assert again.deadline_at is not None
    assert again.deadline_at > datetime.now(UTC) + timedelta(seconds=50)
    assert (await claimed(database)).id == job.id


async def test_a_job_is_its_tenants_alone(database: Database) -> None:
    job = await enqueue(database)
    assert await JobStore(database).get("stranger", job.id) is None
    assert await JobStore(database).page("stranger", limit=10) == []
    for change in (job_store.request_cancel, job_store.retry):
        with pytest.raises(JobUnknown):
            async with database.transaction() as connection:
                await change(connection, "stranger", job.id)


async def test_jobs_are_listed_newest_first_by_state_and_kind(database: Database) -> None:
    made = [await enqueue(database, kind=kind) for kind in ("train", "import", "train")]
    store = JobStore(database)
    assert [job.id for job in await store.page("acme", limit=2)] == [made[2].id, made[1].id]
    rest = await store.page("acme", limit=2, before=made[1].id)
    assert [job.id for job in rest] == [made[0].id]
    by_kind = await store.page("acme", limit=9, kind="import")
    assert [job.id for job in by_kind] == [made[1].id]
    assert await store.page("acme", limit=9, state=JobState.FAILED) == []


async def test_beginning_and_end_of_a_job_are_told_to_the_world(
    database: Database, own_rows: asyncpg.Connection
) -> None:
    job = await enqueue(database, tags={"team": "a"})
    mine = await claimed(database)
    async with database.transaction() as connection:
        locked = await job_queue.lock(connection, mine)
        await job_queue.succeed(connection, locked, {"made": 1})
    told = await own_rows.fetch(
        "SELECT type, subject, data->>'state' AS state FROM outbox ORDER BY position"
    )
    assert [tuple(row) for row in told] == [
        (JOB_CHANGED, str(job.id), "running"),
        (JOB_CHANGED, str(job.id), "succeeded"),
    ]
    done = await get(database, job)
    assert (done.state, done.result, done.tags) == (JobState.SUCCEEDED, {"made": 1}, {"team": "a"})
