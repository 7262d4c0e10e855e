"""Nothing answered is lost: whatever dies in mid-traffic, every prediction is kept once.

Each test sends all the while; in the end every id that was answered with 200 must be in the table
exactly once, and in an event on the stream at least once.
"""

import asyncio
import time

import httpx

from e2e.faults import kill, paused, restarted
from e2e.records import Records, records_of
from e2e.running_platform import Platform
from e2e.traffic import Traffic, traffic

SOME = 200
OUTAGE_SECONDS = 10


async def test_kill_of_the_guard(
    platform: Platform, api: httpx.AsyncClient, records: Records
) -> None:
    async with traffic(api) as sent:
        await sent.more_answers(SOME)
        unit = await restarted(platform, kill(platform, "model_api"))
        await sent.more_answers(SOME)
    assert unit.last_exit is not None
    assert unit.last_exit.signal == "SIGKILL"
    # Meanwhile the gateway said so itself, and named the service.
    assert sent.broken == []
    assert sent.refusals, "the guard was away and nobody noticed"
    for refusal in sent.refusals:
        assert refusal.status in (502, 503)
        assert refusal.problem is not None
        assert "model_api" in str(refusal.problem["detail"])
    await records.assert_kept(sent.answered)


async def test_kill_of_the_relay(
    platform: Platform, api: httpx.AsyncClient, records: Records
) -> None:
    async with traffic(api) as sent:
        await sent.more_answers(SOME)
        await restarted(platform, kill(platform, "model_api-relay"))
        await sent.more_answers(SOME)
    sent.assert_all_answered()
    await records.assert_kept(sent.answered)


async def test_postgresql_stops_for_ten_seconds(
    platform: Platform, api: httpx.AsyncClient, records: Records
) -> None:
    async with traffic(api) as sent:
        await sent.more_answers(SOME)
        with paused(platform, "postgres"):
            await _answers_go_on(sent)
        await sent.more_answers(SOME)
    sent.assert_all_answered()
    # Those who asked first would have waited for all of it, had they waited for its end.
    assert sent.slowest < 0.8 * OUTAGE_SECONDS, str(sent)
    await records.assert_kept(sent.answered)


async def test_kill_of_the_guard_while_postgresql_is_stopped(
    platform: Platform, api: httpx.AsyncClient, records: Records
) -> None:
    """What it spooled before it died is replayed by the next one, with what that one spooled."""
    async with traffic(api) as sent:
        await sent.more_answers(SOME)
        with paused(platform, "postgres"):
            await sent.more_answers(SOME)
            before = kill(platform, "model_api")
            await sent.more_answers(SOME)
        await restarted(platform, before)
        await sent.more_answers(SOME)
    assert sent.unrecorded == [], str(sent)
    await records.assert_kept(sent.answered)


async def test_kill_of_postgresql(platform: Platform, api: httpx.AsyncClient) -> None:
    async with traffic(api) as sent:
        await sent.more_answers(SOME)
        await restarted(platform, kill(platform, "postgres"))
        await sent.more_answers(SOME)
    sent.assert_all_answered()
    async with records_of(platform) as records:
        await records.assert_kept(sent.answered)


async def test_kill_of_redis(platform: Platform, api: httpx.AsyncClient) -> None:
    async with traffic(api) as sent:
        await sent.more_answers(SOME)
        await restarted(platform, kill(platform, "redis"))
        await sent.more_answers(SOME)
    sent.assert_all_answered()
    async with records_of(platform) as records:
        await records.assert_kept(sent.answered)


async def _answers_go_on(sent: Traffic) -> None:
    """For the length of the outage, in each of its seconds."""
    ends = time.monotonic() + OUTAGE_SECONDS
    while time.monotonic() < ends:
        await sent.more_answers(1, seconds=5)
        await asyncio.sleep(1)
