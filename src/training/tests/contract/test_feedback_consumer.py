"""Imports of feedback as a consumer of model_api: the real client against Pact's mock of it.

What it relies on stands in the contract that `test_model_api_consumer.py` writes.
"""

from datetime import datetime
from uuid import UUID

from training.adapters.datasets.guard_feedback import GuardFeedback
from training.domain.datasets.feedback import JudgedText
from training.tests.contract.feedback_interactions import EVERYTHING, FEEDBACK, PREDICTION
from training.tests.contract.test_model_api_consumer import pact_of


async def test_predictions_are_read_with_what_people_say_of_them() -> None:
    with pact_of(*FEEDBACK).serve("127.0.0.1") as service:
        guard = GuardFeedback(str(service.url), lambda _: "x.y.z")
        since = datetime.fromisoformat(EVERYTHING)
        found = [each async for each in guard.judged("default", since, 5)]
    assert found == [JudgedText(UUID(PREDICTION), ("benign",), None)]
