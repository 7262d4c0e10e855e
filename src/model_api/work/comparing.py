"""Has another version judge what was answered, off the hot path, and counts the differences.

``Comparing(attempt, counting, dropped)`` is an async context manager: ``offer(comparison)`` never
waits, and drops the comparison where too much waits already.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Self

from uuid_utils.compat import uuid7

from model_api.domain.deployments.comparison import AnsweredInput, Comparison, Disagreement
from model_api.domain.deployments.routing import Role
from model_api.domain.judging.detector import Detector
from model_api.domain.judging.judgement import Judgement
from model_api.domain.judging.policy import Policy
from model_api.work.counting import Counting

MAX_WAITING = 256
MAX_WAITING_CHARACTERS = 4 << 20


type Attempt = Callable[[str, Detector, Policy], tuple[Judgement | None, str | None]]
"""Judges a text, or says why it cannot; raises nothing."""

type _Judged = tuple[Judgement | None, int]


class Comparing:
    """One thread, one comparison after another: what it costs the answers stays bounded."""

    def __init__(
        self, attempt: Attempt, counting: Counting, dropped: Callable[[int], None]
    ) -> None:
        self._attempt = attempt
        self._counting = counting
        self._dropped = dropped
        self._waiting: deque[Comparison] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compare")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_comparing(), name="comparing")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(cancel_futures=True)

    def offer(self, comparison: Comparison) -> None:
        """Compare when there is time."""
        characters = comparison.characters
        if (
            len(self._waiting) >= MAX_WAITING
            or self._characters + characters > MAX_WAITING_CHARACTERS
        ):
            self._dropped(len(comparison.inputs))
            return
        self._waiting.append(comparison)
        self._characters += characters
        self._wake.set()

    async def _keep_comparing(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            comparison = self._waiting.popleft()
            self._characters -= comparison.characters
            judged = await loop.run_in_executor(self._thread, self._judge, comparison)
            for answered, outcome in zip(comparison.inputs, judged, strict=True):
                self._count(comparison, answered, *outcome)

    def _judge(self, comparison: Comparison) -> list[_Judged]:
        judged: list[_Judged] = []
        for each in comparison.inputs:
            started = time.monotonic()
            judgement, _ = self._attempt(each.text, comparison.other.detector, comparison.policy)
            judged.append((judgement, int((time.monotonic() - started) * 1e6)))
        return judged

    def _count(
        self,
        comparison: Comparison,
        answered: AnsweredInput,
        judgement: Judgement | None,
        latency_us: int,
    ) -> None:
        is_shadow = comparison.role is Role.SHADOW
        candidate = comparison.other if is_shadow else comparison.answered
        tally = self._counting.now(candidate.version, comparison.role)
        if is_shadow and judgement is not None:
            tally.judged(judgement.would_be_decision, latency_us)
        elif is_shadow:
            tally.failed()
        if judgement is None:
            return
        tally.compared += 1
        if judgement.would_be_decision is answered.decision:
            return
        tally.disagreements += 1
        said = (answered.decision, answered.score)
        other = (judgement.would_be_decision, judgement.score)
        decision, score = other if is_shadow else said
        champion_decision, champion_score = said if is_shadow else other
        champion = comparison.answered if is_shadow else comparison.other
        self._counting.disagreed(
            Disagreement(
                id=uuid7(),
                tenant=comparison.tenant,
                prediction_id=answered.prediction_id,
                at=datetime.now(UTC),
                version=candidate.version,
                decision=decision,
                score=score,
                champion_version=champion.version,
                champion_decision=champion_decision,
                champion_score=champion_score,
            )
        )
