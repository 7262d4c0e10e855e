"""Which feedback makes a row."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from training.domain.datasets.feedback import JudgedText, NoFeedback
from training.work.imports.feedback import feedback_lines


class Guard:
    """Predictions that somebody has in mind."""

    def __init__(self, *found: tuple[tuple[str, ...], str | None]) -> None:
        self._found = found

    async def judged(self, tenant: str, since: datetime, limit: int) -> AsyncIterator[JudgedText]:
        for labels, text in self._found[:limit]:
            yield JudgedText(uuid4(), labels, text)


async def lines(guard: Guard, limit: int = 100) -> list[tuple[str, str]]:
    rows = [json.loads(each) async for each in feedback_lines(guard, "t", datetime.now(UTC), limit)]
    return [(row["text"], row["label"]) for row in rows]


async def test_feedback_that_agrees_with_itself_makes_a_row_where_the_text_was_stored() -> None:
    guard = Guard(
        (("attack",), "an attack\nin two lines"),
        ((), None),
        (("benign", "benign"), "harmless"),
        (("attack", "benign"), "they do not agree"),
        (("attack",), None),
    )
    assert await lines(guard) == [("an attack\nin two lines", "attack"), ("harmless", "benign")]


async def test_where_nothing_makes_a_row_the_counts_say_why() -> None:
    guard = Guard((("attack",), None), (("attack", "benign"), "text"), ((), None))
    with pytest.raises(NoFeedback, match=r"Of 3 predictions none .* 1 have .* with 1 it"):
        await lines(guard)
