"""The rate limit shared by all replicas: one atomic script, run for all who wait in one round trip.

While Redis is away each process counts for itself, with the same quota: the platform stays up, and
N replicas let through at most N quotas. A failure is followed by a second without asking Redis.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from dashboard_backend.domain.bounded_windows import BoundedWindows
from dashboard_backend.domain.rate_limits import RateDecision, RateLimit
from dashboard_backend.utils.circuit_breaker import CircuitBreaker, Permit

_SCRIPT = Path(__file__).with_name("rate_limit.lua").read_bytes()
_PATIENCE_SECONDS = 1.0
_MICROSECONDS = 1_000_000

type _Answer = tuple[int, int, int]
type _Waiting = tuple[str, RateLimit, asyncio.Future[_Answer]]


class RedisLimiter:
    """Limits subjects by sliding windows. For one event loop."""

    def __init__(self, url: str, password: str | None, fell_back: Callable[[], None]) -> None:
        """Connects when first asked. `fell_back` hears of each decision taken without Redis."""
        self._redis: Redis = Redis.from_url(
            url,
            password=password,
            socket_timeout=_PATIENCE_SECONDS,
            socket_connect_timeout=_PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._sha = ""
        self._waiting: list[_Waiting] = []
        self._asking: asyncio.Task[None] | None = None
        self._breaker = CircuitBreaker(failures=1, open_seconds=1.0)
        self._local = BoundedWindows()
        self._fell_back = fell_back

    async def take(self, subject: str, limit: RateLimit) -> tuple[RateDecision, bool]:
        """Spend one request of the subject's quota; the flag says that all replicas counted."""
        permit = self._breaker.acquire()
        if isinstance(permit, Permit):
            try:
                allowed, remaining, reset = await self._ask(subject, limit)
            except (RedisError, OSError, TimeoutError):
                self._breaker.failed(permit)
            except BaseException:
                self._breaker.abandoned(permit)
                raise
            else:
                self._breaker.succeeded(permit)
                decision = RateDecision(allowed == 1, limit, remaining, reset / _MICROSECONDS)
                return decision, True
        self._fell_back()
        return self._local.take(subject, limit, time.monotonic()), False

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _ask(self, subject: str, limit: RateLimit) -> _Answer:
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((subject, limit, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        return await answer

    async def _ask_for_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._ask_for(batch)
        finally:
            self._asking = None

    async def _ask_for(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._run(batch)
            if any(isinstance(result, NoScriptError) for result in results):
                # Redis was restarted: no script of the batch has run.
                self._sha = await self._redis.script_load(_SCRIPT)
                results = await self._run(batch)
        except (RedisError, OSError, TimeoutError) as error:
            results = [error] * len(batch)
        for (_, _, answer), result in zip(batch, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)

    async def _run(self, batch: list[_Waiting]) -> list[_Answer | BaseException]:
        pipeline = self._redis.pipeline(transaction=False)
        for subject, limit, _ in batch:
            name = f"bartizan:dashboard_backend:rate:{subject}:{limit.window}"
            window = limit.window * _MICROSECONDS
            pipeline.evalsha(self._sha, 1, name, limit.requests, window, 1)
        results: list[_Answer | BaseException] = await pipeline.execute(raise_on_error=False)
        return results
