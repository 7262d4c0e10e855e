"""The rate limit shared by all replicas: one atomic script, one round trip.

While Redis is away each process counts for itself, with the same quota: the platform stays up, and
N replicas let through at most N quotas. A failure is followed by a second without asking Redis.
"""

import time
from collections.abc import Callable
from pathlib import Path

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from dashboard_backend.domain.bounded_windows import BoundedWindows
from dashboard_backend.domain.rate_limits import RateDecision, RateLimit
from dashboard_backend.utils.circuit_breaker import CircuitBreaker, Permit

_SCRIPT = Path(__file__).with_name("rate_limit.lua").read_bytes()
_PATIENCE_SECONDS = 0.25
_MICROSECONDS = 1_000_000


class RedisLimiter:
    """Limits subjects by sliding windows. For one event loop."""

    def __init__(self, url: str, password: str | None, fell_back: Callable[[], None]) -> None:
        """Connects when first asked. `fell_back` hears of each decision taken without Redis."""
        pool = BlockingConnectionPool.from_url(
            url,
            password=password,
            max_connections=32,
            timeout=_PATIENCE_SECONDS,
            socket_timeout=_PATIENCE_SECONDS,
            socket_connect_timeout=_PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._sha = ""
        self._breaker = CircuitBreaker(failures=1, open_seconds=1.0)
        self._local = BoundedWindows()
        self._fell_back = fell_back

    async def take(self, subject: str, limit: RateLimit) -> tuple[RateDecision, bool]:
        """Spend one request of the subject's quota; the flag says that all replicas counted."""
        permit = self._breaker.acquire()
        if isinstance(permit, Permit):
            try:
                decision = await self._take_shared(subject, limit)
            except (RedisError, OSError, TimeoutError):
                self._breaker.failed(permit)
            except BaseException:
                self._breaker.abandoned(permit)
                raise
            else:
                self._breaker.succeeded(permit)
                return decision, True
        self._fell_back()
        return self._local.take(subject, limit, time.monotonic()), False

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _take_shared(self, subject: str, limit: RateLimit) -> RateDecision:
        name = f"bartizan:dashboard_backend:rate:{subject}:{limit.window}"
        arguments = (1, name, limit.requests, limit.window * _MICROSECONDS, 1)
        try:
            answer = await self._redis.evalsha(self._sha, *arguments)
        except NoScriptError:
            self._sha = await self._redis.script_load(_SCRIPT)
            answer = await self._redis.evalsha(self._sha, *arguments)
        allowed, remaining, reset = answer
        return RateDecision(allowed == 1, limit, remaining, reset / _MICROSECONDS)
