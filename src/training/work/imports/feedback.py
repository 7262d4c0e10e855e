"""Rows from what people said of the guard's predictions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from training.domain.datasets.feedback import FeedbackPage, FeedbackWalk, Opinion


class FeedbackReader(Protocol):
    """The guard, as far as its feedback is concerned."""

    def pages(self, tenant: str, walk: FeedbackWalk) -> AsyncGenerator[FeedbackPage]:
        """The tenant's feedback, from where the walk has come; GuardUnavailable."""
        ...


async def feedback_lines(
    guard: FeedbackReader, tenant: str, walk: FeedbackWalk
) -> AsyncGenerator[tuple[bytes, FeedbackWalk]]:
    """For each page of feedback a line of JSON for each row, and the walk behind that page."""
    if walk.is_over:
        return
    async with aclosing(guard.pages(tenant, walk)) as pages:
        async for page in pages:
            walk, rows = walk.over(page)
            yield b"".join(_line(each) for each in rows), walk
            if walk.is_over:
                return


def _line(opinion: Opinion) -> bytes:
    row = {"text": opinion.text, "label": opinion.label, "category": "feedback"}
    return msgspec.json.encode(row) + b"\n"
