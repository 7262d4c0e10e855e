"""``eventually(check)``: wait for a condition, and fail when it does not come."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import repeat


async def eventually(check: Callable[[], object], within_s: float = 60.0) -> None:
    """Return as soon as the check's result is true; it may be a coroutine's."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    for pause_s in repeat(0.02):
        result = check()
        if await result if isinstance(result, Awaitable) else result:
            return
        assert loop.time() < deadline, f"not within {within_s} s"
        await asyncio.sleep(pause_s)
