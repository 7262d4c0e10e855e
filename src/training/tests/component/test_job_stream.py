"""The events of a job, over real connections to a real process; the test is the worker."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from training.adapters.jobs import queue as job_queue
from training.adapters.jobs import store as job_store
from training.adapters.jobs.changes import JobEntry
from training.adapters.jobs.queue import Claimant
from training.adapters.postgres import Database
from training.domain.jobs import endings
from training.domain.jobs.endings import Ending
from training.domain.jobs.job import Job, Progress
from training.tests.support.api import environment
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.served import Served, bare_environment, client, serving
from training.tests.support.waiting import eventually

LEASE = timedelta(seconds=600)
LISTENING = (
    "FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%training_job_events%'"
)
CLAIMANT = Claimant("test", ("train",), LEASE, tenant_concurrency=9)


@pytest.fixture(scope="module")
async def own_database(databases: Databases) -> AsyncIterator[TestDatabase]:
    """The database of the served process."""
    made = await databases.create()
    yield made
    await databases.drop(made)


@pytest.fixture(scope="module")
async def served(
    own_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """The service, without authentication: its one tenant is `default`. The last test stops it."""
    folder = tmp_path_factory.mktemp("served")
    variables = bare_environment(str(folder), **environment(folder, database=own_database))
    async with serving(variables) as served:
        yield served


@pytest.fixture
async def database(own_database: TestDatabase) -> AsyncIterator[Database]:
    """The same database, as the service's own role sees it."""
    async with Database(own_database.url, own_database.password) as database:
        yield database


async def running(database: Database) -> Job:
    """A job that the test has claimed."""
    async with database.transaction() as connection:
        await job_store.enqueue(
            connection, tenant="default", kind="train", parameters={}, actor="key-1"
        )
    return await claim(database)


async def claim(database: Database) -> Job:
    async with database.transaction() as connection:
        job = await job_queue.claim(connection, CLAIMANT)
    assert job is not None
    return job


async def tell(database: Database, job: Job, number: int) -> None:
    progress = Progress(number / 10, f"step {number}", {"loss": 1 / number}, 5.0)
    entry = JobEntry("progress", msgspec.to_builtins(progress))
    async with database.transaction() as connection:
        await job_queue.renew(connection, job, LEASE, progress, [entry])


async def end(database: Database, job: Job, ending: Ending | None = None) -> None:
    async with database.transaction() as connection:
        if ending is not None:
            await job_queue.end(connection, job, ending)
            return
        await job_queue.succeed(connection, await job_queue.lock(connection, job), {"version": 3})


class Listener:
    """A client of server-sent events, over a real connection."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        """The next event; comments are passed over. StopAsyncIteration at the end."""
        event: dict[str, str] = {}
        while True:
            line = await anext(self._lines)
            if line.startswith(":"):
                continue
            if not line:
                if event:
                    return event
                continue
            name, _, value = line.partition(": ")
            event[name] = value

    async def rest(self) -> list[dict[str, str]]:
        """All events to the end of the stream."""
        events = []
        while True:
            try:
                events.append(await self.next())
            except StopAsyncIteration:
                return events


@asynccontextmanager
async def listening(url: str, job_id: UUID, last_id: str | None = None) -> AsyncIterator[Listener]:
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as client,
        client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        yield Listener(response)


async def test_events_come_as_they_happen_and_end_with_the_job(
    served: Served, database: Database
) -> None:
    url, _ = await served.urls()
    job = await running(database)
    async with listening(url, job.id) as listener:
        assert [(await listener.next())["event"] for _ in range(2)] == ["state", "state"]
        await tell(database, job, 1)
        event = await listener.next()
        assert event["event"] == "progress"
        told = json.loads(event["data"])
        assert (told["fraction"], told["step"], told["numbers"]) == (0.1, "step 1", {"loss": 1.0})
        assert told["at"].endswith("Z")
        await end(database, job)
        (last,) = await listener.rest()
    assert json.loads(last["data"])["state"] == "succeeded"
    assert json.loads(last["data"])["result"] == {"version": 3}
    assert int(last["id"]) > int(event["id"])


async def test_who_was_cut_off_goes_on_behind_the_last_event(
    served: Served, database: Database
) -> None:
    url, _ = await served.urls()
    job = await running(database)
    async with listening(url, job.id) as listener:
        await listener.next()
        seen = await listener.next()
    await tell(database, job, 1)
    await tell(database, job, 2)
    async with listening(url, job.id, seen["id"]) as listener:
        steps = [json.loads((await listener.next())["data"])["step"] for _ in range(2)]
        assert steps == ["step 1", "step 2"]
        await end(database, job)
        (last,) = await listener.rest()
    # So that a browser, which connects anew whenever a stream ends, does not do so for ever.
    async with client(url) as api:
        seen_all = await api.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": last["id"]})
        assert (seen_all.status_code, seen_all.content) == (204, b"")


async def test_a_retry_is_followed_to_its_own_end(served: Served, database: Database) -> None:
    url, _ = await served.urls()
    job = await running(database)
    await end(database, job, endings.failed("x", "y"))
    async with database.transaction() as connection:
        await job_store.retry(connection, "default", job.id)
    again = await claim(database)
    async with listening(url, job.id) as listener:
        for _ in range(5):
            event = await listener.next()
        assert json.loads(event["data"]) | {"at": ""} == {
            "at": "",
            "state": "running",
            "attempt": 2,
        }
        await end(database, again)
        assert len(await listener.rest()) == 1


async def test_many_listeners_share_one_connection_to_the_database(
    served: Served, database: Database
) -> None:
    url, _ = await served.urls()
    job = await running(database)
    async with asyncio.TaskGroup() as group:

        async def follow() -> list[str]:
            async with listening(url, job.id) as listener:
                await listener.next()
                await listener.next()
                ready.append(1)
                return [event["event"] for event in await listener.rest()]

        ready: list[int] = []
        following = [group.create_task(follow()) for _ in range(40)]

        async def all_follow() -> bool:
            return len(ready) == 40

        await eventually(all_follow)
        async with database.connection() as connection:
            count = await connection.fetchval(f"SELECT count(*) {LISTENING}")
        await tell(database, job, 1)
        await end(database, job)
    assert count == 1
    assert all(task.result() == ["progress", "state"] for task in following)


async def test_events_are_not_lost_with_the_connection_that_listens(
    served: Served, database: Database
) -> None:
    url, _ = await served.urls()
    job = await running(database)
    async with listening(url, job.id) as listener:
        await listener.next()
        await listener.next()
        async with database.connection() as connection:
            killed = await connection.fetchval(
                f"SELECT count(pg_terminate_backend(pid)) {LISTENING}"
            )
        assert killed == 1
        await tell(database, job, 1)
        assert (await listener.next())["event"] == "progress"


async def test_the_log_is_followed_to_the_end(served: Served, database: Database) -> None:
    url, _ = await served.urls()
    job = await running(database)
    entry = JobEntry("log", {"message": "a\nline", "numbers": {"rows": 3}})
    async with (
        client(url) as api,
        api.stream("GET", f"/jobs/{job.id}/log", params={"follow": True}) as response,
    ):
        lines = response.aiter_lines()
        async with database.transaction() as connection:
            await job_queue.renew(connection, job, LEASE, None, [entry])
        assert (await anext(lines)).endswith(" a line rows=3")
        await end(database, job)
        assert [line async for line in lines] == []


async def test_listeners_do_not_hold_up_a_stop(served: Served, database: Database) -> None:
    url, _ = await served.urls()
    job = await running(database)
    async with listening(url, job.id) as listener:
        await listener.next()
        await listener.next()
        served.signal(signal.SIGTERM)
        assert await listener.rest() == []
    assert await served.ended() == 0
