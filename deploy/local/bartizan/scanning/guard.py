"""Judges a stream of rows through whatever guard there is, and keeps their order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bartizan.scanning.rows import BadRow, Item, Row
from bartizan.scanning.verdicts import Judgement, Outcome


class Guard(Protocol):
    """Judges texts; `width` batches may be given to it at a time."""

    width: int

    async def judge(self, texts: Sequence[str]) -> list[Judgement | str]:
        """For each text its judgement, or why there is none. Raises `BartizanError`."""
        ...


GuardContext = AbstractAsyncContextManager[Guard]


async def judged(guard: Guard, batches: AsyncIterator[list[Item]]) -> AsyncGenerator[Outcome]:
    """What came of each row, in the order of the input, as soon as it is known."""
    places = asyncio.Semaphore(guard.width)
    works: asyncio.Queue[asyncio.Task[list[Outcome]] | None] = asyncio.Queue()

    async def feed() -> None:
        try:
            async for batch in batches:
                await places.acquire()
                works.put_nowait(asyncio.create_task(_judge(guard, batch)))
        finally:
            works.put_nowait(None)

    feeding = asyncio.create_task(feed())
    current: asyncio.Task[list[Outcome]] | None = None
    try:
        while (current := await works.get()) is not None:
            for outcome in await current:
                yield outcome
            places.release()
        await feeding
    finally:
        feeding.cancel()
        left = [current, *(works.get_nowait() for _ in range(works.qsize()))]
        unfinished = [work for work in left if work is not None]
        for work in unfinished:
            work.cancel()
        await asyncio.gather(feeding, *unfinished, return_exceptions=True)


async def _judge(guard: Guard, batch: list[Item]) -> list[Outcome]:
    rows = [item for item in batch if isinstance(item, Row)]
    answers = iter(await guard.judge([row.text for row in rows]) if rows else [])
    return [_outcome(item, next(answers)) if isinstance(item, Row) else item for item in batch]


def _outcome(row: Row, answer: Judgement | str) -> Outcome:
    return BadRow(row.line, answer, row.end) if isinstance(answer, str) else (row, answer)
