"""Waiting for a condition, for a bounded time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_POLL = 0.1


async def until[Value](
    probe: Callable[[], Awaitable[Value]],
    what: str,
    *,
    seconds: float = 30,
    every: float = _POLL,
) -> Value:
    """The first truthy value of `probe`; fails by naming `what` never came, and what came last.

    `every` so many seconds it is asked: seldom where asking costs what is waited for its time.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = await probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s still not: {what} (last: {value!r})")
        await asyncio.sleep(every)
