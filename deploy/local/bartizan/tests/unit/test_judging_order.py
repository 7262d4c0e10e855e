import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bartizan.errors import BartizanError
from bartizan.scanning.batches import MAX_ROWS, batches
from bartizan.scanning.guard import judged
from bartizan.scanning.rows import BadRow, Item, Row
from bartizan.scanning.verdicts import Judgement

ALLOWED = Judgement("allow", 0.0, [])


class LastFirst:
    """A guard in which a batch is answered only after all batches that came after it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.running = 0
        self.most = 0

    async def judge(self, texts: Sequence[str]) -> list[Judgement | str]:
        self.running += 1
        self.most = max(self.most, self.running)
        for _ in range(20 - self.running):
            await asyncio.sleep(0)
        self.running -= 1
        return [text if text.startswith("refuse") else ALLOWED for text in texts]


def items_of(kinds: list[str]) -> list[Item]:
    return [
        BadRow(line, "bad") if kind == "bad" else Row(line, line, kind)
        for line, kind in enumerate(kinds, 1)
    ]


KINDS = st.lists(st.sampled_from(["fine", "refuse", "bad"]), max_size=300)


@given(KINDS, st.integers(1, 5))
def test_outcomes_keep_the_order_of_the_input(kinds: list[str], width: int) -> None:
    guard = LastFirst(width)

    async def run() -> list[tuple[int, str]]:
        lines = []
        async for outcome in judged(guard, batches(iter(items_of(kinds)))):
            if isinstance(outcome, BadRow):
                lines.append((outcome.line, outcome.reason))
            else:
                lines.append((outcome[0].line, "fine"))
        return lines

    assert asyncio.run(run()) == list(enumerate(kinds, 1))
    assert guard.most <= width


async def test_batches_are_bounded_and_never_wait_for_more() -> None:
    sizes = [len(batch) async for batch in batches(iter(items_of(["fine"] * 1000)))]
    assert sum(sizes) == 1000
    assert max(sizes) <= MAX_ROWS


async def test_what_was_read_before_an_error_is_judged() -> None:
    def broken() -> Iterator[Item]:
        yield Row(1, 1, "fine")
        raise BartizanError("the disk is gone")

    found = batches(broken())
    assert len(await anext(found)) == 1
    with pytest.raises(BartizanError, match="the disk is gone"):
        await anext(found)


async def test_an_error_of_the_guard_ends_the_scan() -> None:
    class Broken:
        width = 2

        async def judge(self, texts: Sequence[str]) -> list[Judgement | str]:
            raise BartizanError("no guard")

    async def endless() -> AsyncIterator[list[Item]]:
        while True:
            yield items_of(["fine"])

    with pytest.raises(BartizanError, match="no guard"):
        await anext(judged(Broken(), endless()))
