"""Rows from what people said of the guard's predictions."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Protocol

import msgspec

from training.domain.datasets.feedback import FeedbackCounts, JudgedText, NoFeedback


class FeedbackReader(Protocol):
    """The guard, as far as its predictions are concerned."""

    def judged(self, tenant: str, since: datetime, limit: int) -> AsyncIterator[JudgedText]:
        """The newest predictions since a moment."""
        ...


async def feedback_lines(
    guard: FeedbackReader, tenant: str, since: datetime, limit: int
) -> AsyncGenerator[bytes]:
    """A line of JSON for each text that people agree on.

    Raises NoFeedback at the end where there is none, and what the guard raises.
    """
    predictions = rows = without_text = contradicting = 0
    async for judged in guard.judged(tenant, since, limit):
        predictions += 1
        if not judged.labels:
            continue
        if len(set(judged.labels)) > 1:
            contradicting += 1
        elif judged.text is None:
            without_text += 1
        else:
            rows += 1
            row = {"text": judged.text, "label": judged.labels[0], "category": "feedback"}
            yield msgspec.json.encode(row) + b"\n"
    if rows == 0:
        raise NoFeedback(FeedbackCounts(predictions, without_text, contradicting))
