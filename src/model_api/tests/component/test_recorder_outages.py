"""The database goes away in every way it can: answers go on, and no record is lost or doubled."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.store import PredictionStore
from model_api.adapters.spool.spool import Spool
from model_api.events.outcome import Outcome
from model_api.events.recorder import Recorder
from model_api.tests.support.child import environment, python
from model_api.tests.support.counters import RecorderCounters
from model_api.tests.support.database import Databases, TestDatabase
from model_api.tests.support.postgres_server import PostgresServer
from model_api.tests.support.predictions import a_prediction
from model_api.tests.support.waiting import eventually

WAIT_S = 3
"""How long a database that hangs is waited for."""


@pytest.fixture(scope="module")
def outage_server() -> Iterator[PostgresServer]:
    """A durable server, stopped by one test after another, and started again."""
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture(scope="module")
async def outage_databases(outage_server: PostgresServer) -> Databases:
    databases = Databases(outage_server)
    await databases.prepare()
    return databases


@pytest.fixture
async def target(outage_databases: Databases) -> TestDatabase:
    return await outage_databases.create()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool", max_bytes=50_000_000) as spool:
        yield spool


@pytest.fixture
def counters() -> RecorderCounters:
    return RecorderCounters()


@pytest.fixture
async def pool(target: TestDatabase) -> AsyncIterator[Database]:
    # Patient: on a busy machine a database that is well may take longer than callers wait.
    async with Database(target.url, target.password, timeout_s=60) as database:
        yield database


@pytest.fixture
async def recorder(
    pool: Database, spool: Spool, counters: RecorderCounters
) -> AsyncIterator[Recorder]:
    async with Recorder(pool, spool, counters, write_timeout_s=60) as recorder:
        yield recorder


@pytest.fixture
async def hasty(
    target: TestDatabase, spool: Spool, counters: RecorderCounters
) -> AsyncIterator[Recorder]:
    """A recorder that waits for the database no longer than callers do."""
    async with (
        Database(target.url, target.password) as database,
        Recorder(database, spool, counters) as recorder,
    ):
        yield recorder


async def test_a_stopped_database_is_replayed_into_when_it_is_back(
    recorder: Recorder, pool: Database, outage_server: PostgresServer, spool: Spool
) -> None:
    before, during, after = a_prediction(), a_prediction(), a_prediction()
    assert await recorder.record([before], durable=True) is Outcome.COMMITTED

    outage_server.stop()
    assert await recorder.record([during], durable=True) is Outcome.SPOOLED
    outage_server.start()

    await eventually(lambda: _is(not recorder.is_spooling))
    assert spool.is_empty
    assert await recorder.record([after], durable=True) is Outcome.COMMITTED
    stored = await PredictionStore(pool).page("acme", limit=10)
    assert stored == [after, during, before]


async def test_a_database_that_hangs_costs_one_wait(
    pool: Database, spool: Spool, counters: RecorderCounters, outage_server: PostgresServer
) -> None:
    async with Recorder(pool, spool, counters, write_timeout_s=WAIT_S) as recorder:
        await recorder.record([a_prediction()], durable=True)
        outage_server.pause()
        try:
            assert await recorder.record([a_prediction()], durable=True) is Outcome.SPOOLED
            started = time.monotonic()
            for _ in range(4):
                assert await recorder.record([a_prediction()], durable=True) is Outcome.SPOOLED
            # Not one of them waits for the database: what they wait for is the disk.
            assert time.monotonic() - started < 2 * WAIT_S
        finally:
            outage_server.resume()
        await eventually(lambda: _is(not recorder.is_spooling))
    # The statement given up on may have been carried out after all: still, each is there once.
    assert len(await PredictionStore(pool).page("acme", limit=100)) == 6


async def test_events_are_in_the_order_of_the_answers(
    recorder: Recorder,
    outage_server: PostgresServer,
    outage_databases: Databases,
    target: TestDatabase,
) -> None:
    predictions = [a_prediction() for _ in range(40)]
    for number, prediction in enumerate(predictions):
        if number == 10:
            outage_server.stop()
        if number == 20:
            outage_server.start()
        await recorder.record([prediction], durable=True)
    await eventually(lambda: _is(not recorder.is_spooling))

    assert await _announced(outage_databases, target) == [one.id for one in predictions]


async def test_a_read_only_database_is_as_good_as_none(
    recorder: Recorder, outage_databases: Databases, target: TestDatabase, pool: Database
) -> None:
    owner = await outage_databases.connect(target)
    await owner.execute(f"ALTER DATABASE {target.name} SET default_transaction_read_only = on")

    assert await recorder.record([a_prediction()], durable=True) is Outcome.SPOOLED

    await owner.execute("SET transaction_read_only = off")
    await owner.execute("SET default_transaction_read_only = off")
    await owner.execute(f"ALTER DATABASE {target.name} RESET default_transaction_read_only")
    await owner.close()
    await eventually(lambda: _is(not recorder.is_spooling))
    assert len(await PredictionStore(pool).page("acme", limit=10)) == 1


async def test_a_table_without_room_is_as_good_as_none(
    recorder: Recorder, outage_databases: Databases, target: TestDatabase, pool: Database
) -> None:
    owner = await outage_databases.connect(target)
    await owner.execute(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$"
    )
    await owner.execute(
        "CREATE TRIGGER no_room BEFORE INSERT ON predictions EXECUTE FUNCTION no_room()"
    )

    assert await recorder.record([a_prediction()], durable=True) is Outcome.SPOOLED

    await owner.execute("DROP TRIGGER no_room ON predictions")
    await owner.close()
    await eventually(lambda: _is(not recorder.is_spooling))
    assert len(await PredictionStore(pool).page("acme", limit=10)) == 1


async def test_a_lock_held_by_someone_else_holds_up_nobody(
    hasty: Recorder, outage_databases: Databases, target: TestDatabase, pool: Database
) -> None:
    owner = await outage_databases.connect(target)
    async with owner.transaction(), asyncio.timeout(60):
        await owner.execute("LOCK TABLE predictions")
        assert await hasty.record([a_prediction()], durable=True) is Outcome.SPOOLED
    await owner.close()

    await eventually(lambda: _is(not hasty.is_spooling))
    assert len(await PredictionStore(pool).page("acme", limit=10)) == 1


async def test_a_start_without_a_database_takes_up_what_the_last_process_left(
    outage_server: PostgresServer, target: TestDatabase, tmp_path: Path, counters: RecorderCounters
) -> None:
    outage_server.stop()
    async with Database(target.url, target.password) as pool:
        with Spool(tmp_path / "state", 1_000_000) as spool:
            async with Recorder(pool, spool, counters) as recorder:
                await recorder.record([a_prediction()], durable=True)
        with Spool(tmp_path / "state", 1_000_000) as spool:
            async with Recorder(pool, spool, counters) as recorder:
                assert await recorder.record([a_prediction()], durable=True) is Outcome.SPOOLED
                outage_server.start()
                await eventually(lambda: _is(not recorder.is_spooling))
        assert len(await PredictionStore(pool).page("acme", limit=10)) == 2


@pytest.mark.parametrize("outage", [False, True])
async def test_nothing_answered_is_lost_when_the_process_is_killed(
    outage: bool,
    outage_server: PostgresServer,
    outage_databases: Databases,
    target: TestDatabase,
    tmp_path: Path,
    counters: RecorderCounters,
) -> None:
    answered: list[UUID] = []
    for round_ in range(2):
        answered += await _answered_until_killed(
            target, tmp_path / "state", outage_server if outage and round_ > 0 else None
        )

    async with Database(target.url, target.password) as pool:
        with Spool(tmp_path / "state", 100_000_000) as spool:
            async with Recorder(pool, spool, counters) as recorder:
                await eventually(lambda: _is(not recorder.is_spooling))
    owner = await outage_databases.connect(target)
    stored = {row["id"] for row in await owner.fetch("SELECT id FROM predictions")}
    await owner.close()
    assert len(answered) > 100
    assert set(answered) <= stored
    announced = Counter(await _announced(outage_databases, target))
    assert set(announced) == stored
    assert set(announced.values()) == {1}


async def _answered_until_killed(
    target: TestDatabase, state: Path, stopping: PostgresServer | None
) -> list[UUID]:
    process = await asyncio.create_subprocess_exec(
        *python("-m", "model_api.tests.support.traffic", target.url, target.password, str(state)),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    output = process.stdout
    assert output is not None
    lines = [await output.readline() for _ in range(100)]
    if stopping is not None:
        await asyncio.to_thread(stopping.stop, signal.SIGQUIT)
        lines += [await output.readline() for _ in range(300)]
        await asyncio.to_thread(stopping.start)
        lines += [await output.readline() for _ in range(100)]
    process.kill()
    lines += (await output.read()).splitlines(keepends=True)
    await process.wait()
    return [UUID(line.decode().strip()) for line in lines if line.endswith(b"\n")]


async def _announced(databases: Databases, target: TestDatabase) -> list[UUID]:
    owner = await databases.connect(target)
    rows = await owner.fetch("SELECT data FROM outbox ORDER BY position")
    await owner.close()
    return [UUID(one["id"]) for row in rows for one in json.loads(row["data"])["predictions"]]


async def _is(condition: bool) -> bool:
    return condition
