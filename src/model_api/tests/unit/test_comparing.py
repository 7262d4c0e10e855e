"""The second version's judgement: off the hot path, bounded, and dropped rather than waited for."""

import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from model_api.domain.deployments.comparison import AnsweredInput, Comparison, Disagreement
from model_api.domain.deployments.routing import Role, Served
from model_api.domain.deployments.tally import Tally
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.detector import Detector
from model_api.domain.judging.guard import judge
from model_api.domain.judging.judgement import Judgement
from model_api.domain.judging.policy import DEFAULT_POLICY, Policy
from model_api.tests.support.waiting import eventually
from model_api.tests.support.word_detector import WordDetector
from model_api.work.comparing import MAX_WAITING, MAX_WAITING_CHARACTERS, Comparing
from model_api.work.counting import Counting

NOW = datetime.now(UTC)
HIGH, LOW = 0.95, 0.1


def served(version: str, word: str) -> Served:
    # Of the bundle's manifest nothing is needed to judge.
    detector: Any = WordDetector(word)
    return Served(version, detector, NOW, NOW)


CHAMPION, CANDIDATE = served("1", "attack"), served("2", "assault")


def comparison(*texts: str, role: Role = Role.SHADOW) -> Comparison:
    """Texts that were answered by `allow`."""
    inputs = [AnsweredInput(uuid7(), text, Decision.ALLOW, LOW) for text in texts]
    answered, other = (CHAMPION, CANDIDATE) if role is Role.SHADOW else (CANDIDATE, CHAMPION)
    return Comparison("acme", inputs, DEFAULT_POLICY, answered, other, role)


class Noted(Counting):
    """Counts for ever, and keeps every disagreement."""

    def __init__(self) -> None:
        super().__init__(None)
        self.tallies: dict[tuple[str, Role], Tally] = {}
        self.found: list[Disagreement] = []

    def now(self, version: str, role: Role) -> Tally:
        return self.tallies.setdefault((version, role), Tally())

    def disagreed(self, disagreement: Disagreement) -> None:
        self.found.append(disagreement)


class Situation:
    """A comparing whose judging can be held up, or fail."""

    def __init__(self) -> None:
        self.going_on = threading.Event()
        self.going_on.set()
        self.dropped = 0
        self.counting = Noted()
        self.comparing = Comparing(self._attempt, self.counting, self._drop)

    async def compared(self, version: str, role: Role, count: int) -> Tally:
        """The tally, once so many inputs were compared or failed."""

        async def is_done() -> bool:
            tally = self.counting.now(version, role)
            return tally.compared + tally.errors == count

        await eventually(is_done)
        return self.counting.now(version, role)

    def _attempt(
        self, text: str, detector: Detector, policy: Policy
    ) -> tuple[Judgement | None, str | None]:
        assert threading.current_thread() is not threading.main_thread()
        self.going_on.wait(30)
        if text == "unjudgeable":
            return None, "detector-error"
        return judge(text, detector, policy), None

    def _drop(self, count: int) -> None:
        self.dropped += count


@pytest.fixture
async def situation() -> AsyncIterator[Situation]:
    situation = Situation()
    async with situation.comparing:
        yield situation
        situation.going_on.set()


async def test_a_shadow_is_counted_by_what_it_says(situation: Situation) -> None:
    asked = comparison("an assault", "an attack", "a quiet sea", "unjudgeable")

    situation.comparing.offer(asked)

    tally = await situation.compared("2", Role.SHADOW, 4)
    assert (tally.predictions, tally.errors, tally.blocked) == (4, 1, 1)
    assert (tally.compared, tally.disagreements) == (3, 1)
    (found,) = situation.counting.found
    assert found.prediction_id == asked.inputs[0].prediction_id
    assert (found.version, found.decision, found.score) == ("2", Decision.BLOCK, HIGH)
    assert (found.champion_version, found.champion_decision) == ("1", Decision.ALLOW)
    assert found.champion_score == LOW


async def test_of_a_canary_only_the_difference_is_counted(situation: Situation) -> None:
    situation.comparing.offer(comparison("an attack", "a quiet sea", role=Role.CANARY))

    tally = await situation.compared("2", Role.CANARY, 2)
    assert (tally.predictions, tally.compared, tally.disagreements) == (0, 2, 1)
    assert set(situation.counting.tallies) == {("2", Role.CANARY)}
    (found,) = situation.counting.found
    assert (found.version, found.decision, found.score) == ("2", Decision.ALLOW, LOW)
    assert (found.champion_version, found.champion_decision) == ("1", Decision.BLOCK)
    assert found.champion_score == HIGH


async def test_more_than_may_wait_is_dropped_at_once(situation: Situation) -> None:
    situation.going_on.clear()
    for _ in range(MAX_WAITING + 50):
        situation.comparing.offer(comparison("one", "two"))

    assert situation.dropped == 50 * 2
    situation.going_on.set()
    await situation.compared("2", Role.SHADOW, MAX_WAITING * 2)
    situation.comparing.offer(comparison("one"))
    await situation.compared("2", Role.SHADOW, MAX_WAITING * 2 + 1)


async def test_long_texts_that_wait_are_bounded_too(situation: Situation) -> None:
    situation.going_on.clear()
    long = "x" * (MAX_WAITING_CHARACTERS // 3)
    for _ in range(5):
        situation.comparing.offer(comparison(long))

    assert situation.dropped == 2
