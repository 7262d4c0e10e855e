"""Imports of feedback as a consumer of model_api: the real client against Pact's mock of it.

What it relies on stands in the contract that `test_model_api_consumer.py` writes.
"""

from datetime import datetime

import pytest

from training.adapters.datasets.guard_feedback import GuardFeedback
from training.domain.datasets.feedback import FeedbackWalk, Opinion, TextMissing
from training.tests.contract.feedback_interactions import (
    EVERYTHING,
    TENANT,
    TEXT,
    WITH_TEXT,
    WITHOUT,
)
from training.tests.contract.model_api_interactions import Interaction
from training.tests.contract.test_model_api_consumer import pact_of


@pytest.mark.parametrize(
    ("interaction", "text", "missing"),
    [(WITH_TEXT, TEXT, None), (WITHOUT, None, TextMissing.NOT_STORED)],
    ids=("stored", "not stored"),
)
async def test_feedback_is_read_page_by_page(
    interaction: Interaction, text: str | None, missing: TextMissing | None
) -> None:
    walk = FeedbackWalk(datetime.fromisoformat(EVERYTHING), 10)
    with pact_of(interaction).serve("127.0.0.1") as service:
        guard = GuardFeedback(str(service.url), lambda _: "x.y.z")
        (page,) = [each async for each in guard.pages(TENANT, walk)]
    (opinion,) = page.opinions
    assert opinion == Opinion("attack", opinion.created_at, False, text, missing)
    assert page.next_cursor is None
