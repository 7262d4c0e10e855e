"""The quota of a key: exact, shared by all processes, and told in the draft's header fields."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from dashboard_backend.adapters.redis_limiter import RedisLimiter
from dashboard_backend.domain.rate_limits import SLOTS, RateLimit
from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.gateway import Gateway, running
from dashboard_backend.tests.support.waiting import eventually

# Long enough for four questions on a machine that is busy, short enough to be waited for.
WINDOW_S = 3

# Runs in a process of its own: takes as fast as it can and prints how many were allowed.
HAMMER = """
import asyncio
import sys
from dashboard_backend.adapters.redis_limiter import RedisLimiter
from dashboard_backend.domain.rate_limits import RateLimit

async def main():
    limiter = RedisLimiter(sys.argv[1], sys.stdin.readline().strip(), lambda: None)
    takes = [limiter.take("one", RateLimit(100)) for _ in range(200)]
    answers = await asyncio.gather(*takes)
    print(sum(decision.allowed and shared for decision, shared in answers),
          sum(shared for _, shared in answers))

asyncio.run(main())
"""


def test_four_processes_get_exactly_the_quota_between_them(
    redis_url: str, redis_password: str
) -> None:
    hammers = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, redis_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    outputs = [hammer.communicate(redis_password + "\n", timeout=60)[0] for hammer in hammers]
    counts = [tuple(map(int, output.split())) for output in outputs]
    assert [shared for _, shared in counts] == [200] * 4
    assert sum(allowed for allowed, _ in counts) == 100


async def test_spent_quota_comes_back_after_the_window(
    redis_url: str, redis_password: str, redis: Redis
) -> None:
    limiter = RedisLimiter(redis_url, redis_password, lambda: None)
    limit = RateLimit(3, window=WINDOW_S)
    loop_decisions = [await limiter.take("s", limit) for _ in range(4)]
    assert [decision.allowed for decision, _ in loop_decisions] == [True, True, True, False]
    assert [decision.remaining for decision, _ in loop_decisions] == [2, 1, 0, 0]
    refused = loop_decisions[-1][0]
    assert 0 < refused.reset <= WINDOW_S * (1 + 1 / SLOTS)

    # Redis' own clock decides: wait until it forgets, which it must within window and slot.
    async def again() -> bool:
        decision, _ = await limiter.take("s", limit)
        assert decision.allowed or decision.reset <= refused.reset
        return decision.allowed

    await eventually(again)
    (name,) = await redis.keys("bartizan:*")
    assert 0 < await redis.pttl(name) <= 1000 * WINDOW_S * (1 + 1 / SLOTS) + 1
    await limiter.close()


async def test_subjects_and_limits_are_kept_apart(redis_url: str, redis_password: str) -> None:
    limiter = RedisLimiter(redis_url, redis_password, lambda: None)
    for subject in ("a", "b"):
        assert (await limiter.take(subject, RateLimit(1)))[0].allowed
        assert not (await limiter.take(subject, RateLimit(1)))[0].allowed
    # A raised limit counts what was spent under the former one.
    assert (await limiter.take("a", RateLimit(2)))[0].remaining == 0
    await limiter.close()


@pytest.fixture
async def limiter(redis_url: str, redis_password: str) -> AsyncIterator[RedisLimiter]:
    """A limiter that has counted once."""
    limiter = RedisLimiter(redis_url, redis_password, lambda: None)
    assert (await limiter.take("s", RateLimit(9)))[1]
    yield limiter
    await limiter.close()


@pytest.mark.parametrize("loss", ["script", "connection"])
async def test_lost_script_or_connection_is_had_again_unnoticed(
    limiter: RedisLimiter, redis: Redis, loss: str
) -> None:
    if loss == "script":
        await redis.script_flush()
    else:
        assert await redis.client_kill_filter(_type="normal", skipme=True)
        # A question that has been sent may not be sent again: let the end be heard of first.
        await redis.ping()
    decision, shared = await limiter.take("s", RateLimit(9))
    assert (shared, decision.remaining) == (True, 7)


async def test_hanging_redis_is_given_up_and_its_late_answers_reach_nobody(
    limiter: RedisLimiter, redis: Redis
) -> None:
    await redis.client_pause(60_000, all=False)
    answers = await asyncio.gather(*(limiter.take("s", RateLimit(9)) for _ in range(3)))
    assert [shared for _, shared in answers] == [False] * 3
    await redis.client_unpause()

    async def back() -> bool:
        decision, shared = await limiter.take("t", RateLimit(5))
        return shared and decision.remaining == 4

    await eventually(back)


async def test_refused_login_is_answered_from_this_process(redis_url: str) -> None:
    limiter = RedisLimiter(redis_url, "wrong", lambda: None)
    decision, shared = await limiter.take("s", RateLimit(9))
    assert (shared, decision.remaining) == (False, 8)
    await limiter.close()


async def test_caller_gone_does_not_shift_the_answers(limiter: RedisLimiter) -> None:
    gone = asyncio.create_task(limiter.take("a", RateLimit(100)))
    stays = asyncio.create_task(limiter.take("b", RateLimit(7)))
    await asyncio.sleep(0)
    gone.cancel()
    decision, shared = await stays
    assert (shared, decision.remaining) == (True, 6)


async def test_caller_beyond_the_quota_gets_429_and_when_to_come_back(gateway: Gateway) -> None:
    token = await gateway.make_key("keys:read", requests_per_minute=3)
    headers = gateway.bearer(token)
    answers = [await gateway.client.get("/keys", headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == [
        "r=2",
        "r=1",
        "r=0",
        "r=0",
        "r=0",
    ]
    refused = answers[-1]
    assert refused.headers["ratelimit-policy"] == '"default";q=3;w=60'
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 61
    assert refused.headers["ratelimit"] == f'"default";r=0;t={wait}'
    assert refused.json()["code"] == "RATE_LIMITED"
    assert "x-ratelimit-scope" not in refused.headers


async def test_proxied_answers_and_refusals_carry_the_fields_once(gateway: Gateway) -> None:
    token = await gateway.make_key("predict", requests_per_minute=9)
    came = await gateway.client.post(
        "/api/model_api/predict", json={}, headers=gateway.bearer(token)
    )
    forbidden = await gateway.client.get("/api/model_api/models", headers=gateway.bearer(token))
    assert came.status_code == 200
    assert forbidden.status_code == 403
    for answer in (came, forbidden):
        assert answer.headers.get_list("ratelimit-policy") == ['"default";q=9;w=60']


async def test_without_redis_each_process_counts_for_itself(settings: Settings) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    async with running(away) as gateway:
        token = await gateway.make_key("keys:read", requests_per_minute=3)
        answers = [
            await gateway.client.get("/keys", headers=gateway.bearer(token)) for _ in range(4)
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert {answer.headers["x-ratelimit-scope"] for answer in answers} == {"process"}
        metrics = gateway.service.render_metrics().decode()
        assert "bartizan_dashboard_backend_rate_limit_fallbacks_total 5.0" in metrics
