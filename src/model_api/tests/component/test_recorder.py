"""Predictions recorded in a real database: stored and announced together, once."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.store import PredictionStore
from model_api.adapters.spool.spool import Spool
from model_api.events.outcome import Outcome, RecorderFull
from model_api.events.recorder import Recorder
from model_api.tests.support.counters import RecorderCounters
from model_api.tests.support.database import Databases, TestDatabase
from model_api.tests.support.predictions import a_prediction
from model_api.tests.support.waiting import eventually


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool", max_bytes=1_000_000) as spool:
        yield spool


@pytest.fixture
def counters() -> RecorderCounters:
    return RecorderCounters()


@pytest.fixture
async def recorder(
    database: Database, spool: Spool, counters: RecorderCounters
) -> AsyncIterator[Recorder]:
    # Patient: on a busy machine a database that is well may take longer than callers wait.
    async with Recorder(database, spool, counters, write_timeout_s=60) as recorder:
        yield recorder


@pytest.fixture
async def owner(
    databases: Databases, test_database: TestDatabase
) -> AsyncIterator[asyncpg.Connection]:
    connection = await databases.connect(test_database)
    yield connection
    await connection.close()


async def test_a_prediction_is_read_back_as_it_was_recorded(
    recorder: Recorder, database: Database
) -> None:
    prediction = a_prediction()

    assert await recorder.record([prediction], durable=True) is Outcome.COMMITTED

    assert await PredictionStore(database).get("acme", prediction.id) == prediction


async def test_absent_values_are_read_back_as_absent(
    recorder: Recorder, database: Database
) -> None:
    prediction = a_prediction(
        subject_fingerprint=None, session=None, score=None, spans=(), categories={}, key_id=None
    )

    await recorder.record([prediction], durable=True)

    assert await PredictionStore(database).get("acme", prediction.id) == prediction


async def test_another_tenant_does_not_see_it(recorder: Recorder, database: Database) -> None:
    prediction = a_prediction(tenant="acme")
    await recorder.record([prediction], durable=True)
    store = PredictionStore(database)

    assert await store.get("globex", prediction.id) is None
    assert await store.page("globex", limit=10) == []


async def test_each_tenant_of_a_group_gets_one_event_with_its_predictions_in_order(
    recorder: Recorder, owner: asyncpg.Connection
) -> None:
    acme = [a_prediction(tenant="acme") for _ in range(3)]
    globex = a_prediction(tenant="globex")

    await recorder.record([acme[0], globex, acme[1], acme[2]], durable=True)

    rows = await owner.fetch("SELECT tenant, data FROM outbox")
    announced = {
        row["tenant"]: [one["id"] for one in json.loads(row["data"])["predictions"]] for row in rows
    }
    assert len(rows) == 2
    assert announced == {"acme": [str(one.id) for one in acme], "globex": [str(globex.id)]}


async def test_what_is_there_already_is_neither_stored_nor_announced_again(
    recorder: Recorder, owner: asyncpg.Connection
) -> None:
    first, second = a_prediction(), a_prediction()
    await recorder.record([first], durable=True)

    await recorder.record([replace(first, score=0.9), second], durable=True)

    events = [json.loads(one["data"]) for one in await owner.fetch("SELECT data FROM outbox")]
    announced = [one["id"] for event in events for one in event["predictions"]]
    assert announced == [str(first.id), str(second.id)]
    assert await owner.fetchval("SELECT count(*) FROM predictions WHERE score = 0.9") == 0


async def test_what_arrives_during_a_write_is_the_next_group(
    recorder: Recorder, counters: RecorderCounters
) -> None:
    await asyncio.gather(*(recorder.record([a_prediction()], durable=True) for _ in range(100)))

    sizes = [count for _, count in counters.groups]
    assert sum(sizes) == 100
    # The first may be written alone; by then, all others wait.
    assert len(sizes) <= 2


async def test_a_group_is_bounded(recorder: Recorder, counters: RecorderCounters) -> None:
    await recorder.record([a_prediction() for _ in range(1200)], durable=True)

    assert sum(count for _, count in counters.groups) == 1200
    assert max(count for _, count in counters.groups) <= 512


async def test_a_fast_record_is_written_although_nobody_waits(
    recorder: Recorder, database: Database
) -> None:
    prediction = a_prediction()

    assert await recorder.record([prediction], durable=False) is Outcome.QUEUED

    store = PredictionStore(database)
    await eventually(lambda: store.get("acme", prediction.id))


async def test_closing_writes_what_is_queued(
    database: Database, spool: Spool, counters: RecorderCounters
) -> None:
    predictions = [a_prediction() for _ in range(50)]
    async with Recorder(database, spool, counters, write_timeout_s=60) as recorder:
        for prediction in predictions:
            await recorder.record([prediction], durable=False)

    assert len(await PredictionStore(database).page("acme", limit=100)) == 50
    with pytest.raises(RecorderFull):
        await recorder.record([a_prediction()], durable=True)


async def test_a_value_that_the_database_refuses_does_not_hold_up_the_others(
    recorder: Recorder, database: Database, counters: RecorderCounters, spool: Spool
) -> None:
    sound = [a_prediction() for _ in range(9)]
    refused = a_prediction(session="nul \x00 byte")

    await recorder.record([*sound[:4], refused, *sound[4:]], durable=True)

    stored = await PredictionStore(database).page("acme", limit=100)
    assert {one.id for one in stored} == {one.id for one in sound}
    assert counters.quarantined == 1
    assert not recorder.is_spooling
    assert str(refused.id).encode() in (spool.directory / "quarantine").read_bytes()


async def test_without_a_database_everything_goes_to_the_spool(
    spool: Spool, counters: RecorderCounters
) -> None:
    async with Recorder(None, spool, counters) as recorder:
        assert await recorder.record([a_prediction()], durable=True) is Outcome.SPOOLED
        assert recorder.is_spooling
    assert len(spool.read(10)) == 1


async def test_a_full_spool_refuses_and_says_so(tmp_path: Path, counters: RecorderCounters) -> None:
    with Spool(tmp_path / "spool", max_bytes=1000) as spool:
        async with Recorder(None, spool, counters) as recorder:
            await recorder.record([a_prediction()], durable=True)
            with pytest.raises(RecorderFull):
                await recorder.record([a_prediction()], durable=True)
    assert counters.losses == 1


async def test_the_queue_is_bounded(
    database: Database, spool: Spool, counters: RecorderCounters
) -> None:
    async with Recorder(database, spool, counters, max_queued_bytes=3000) as recorder:
        # None of these gives the writer a chance to run.
        await recorder.record([a_prediction()], durable=False)
        await recorder.record([a_prediction()], durable=False)
        with pytest.raises(RecorderFull):
            await recorder.record([a_prediction() for _ in range(3)], durable=False)
    assert counters.losses == 3
