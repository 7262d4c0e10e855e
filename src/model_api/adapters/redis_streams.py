"""Appends to Redis Streams.

``RedisStreams(url, password, ...)`` is an async context manager:
``publish(entries, max_entries) -> list[str | None]`` gives, for each entry, why it was refused or
None; ``ping()``. Both raise ``StreamsUnavailable``.
"""

from collections.abc import Sequence
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

FIELD = "event"

_OUT_OF_ORDER = (
    "OOM", "READONLY", "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "MISCONF", "NOAUTH",
    "NOPERM", "WRONGPASS", "WRONGTYPE", "NOREPLICAS", "EXECABORT",
)  # fmt: skip
"""Errors that tell of the server, or of the stream, and not of the entry."""


class StreamsUnavailable(Exception):
    """Redis cannot take entries now: try later."""


class RedisStreams:
    """A connection that neither retries nor waits for long: whoever calls knows how to wait."""

    def __init__(self, url: str, password: str | None = None, *, timeout_s: float = 2.0) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            password=password,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def ping(self) -> None:
        """Ask Redis for a sign of life."""
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            raise StreamsUnavailable(type(error).__name__) from error

    async def publish(
        self, entries: Sequence[tuple[str, bytes]], max_entries: int
    ) -> list[str | None]:
        """Append (stream, event) pairs in one trip, each stream trimmed to about ``max_entries``.

        After StreamsUnavailable some of them may have been appended.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for stream, event in entries:
            pipeline.xadd(stream, {FIELD: event}, maxlen=max_entries, approximate=True)
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise StreamsUnavailable(type(error).__name__) from error
        return [_refusal(answer) for answer in answers]


def _refusal(answer: object) -> str | None:
    if not isinstance(answer, Exception):
        return None
    code = str(answer).partition(" ")[0]
    if not isinstance(answer, ResponseError) or code in _OUT_OF_ORDER:
        raise StreamsUnavailable(code) from answer
    return code
