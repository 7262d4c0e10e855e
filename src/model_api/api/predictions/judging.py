"""Judges inputs without holding up the event loop, and never beyond a deadline."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from model_api.domain.judging.detector import Detector
from model_api.domain.judging.judgement import Judgement
from model_api.domain.judging.policy import Policy, PolicyInvalid

DEADLINE_EXCEEDED = "deadline-exceeded"
DETECTOR_ERROR = "detector-error"
POLICY_NOT_APPLICABLE = "policy-not-applicable"

INLINE_CHARACTERS = 8_000
"""Up to this much is judged on the event loop: a thread's hand-over costs more than it saves."""

_CHARACTERS_PER_INPUT = 250
"""What an input costs besides its length, in characters."""

log = logging.getLogger(__name__)

type Judge = Callable[[str, Detector, Policy], Judgement]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one input: a judgement, or the reason why there is none."""

    judgement: Judgement | None
    degraded: str | None
    latency_us: int


class Judging:
    """Small requests at once on the event loop, large ones in a few threads.

    A thread that is judging when the deadline comes finishes that one input in the background,
    unobserved; the request is answered in time.
    """

    def __init__(self, judge: Judge, threads: int) -> None:
        self._judge = judge
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="judge")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def judge_all(
        self, texts: Sequence[str], detector: Detector, policy: Policy, deadline: float
    ) -> list[Outcome]:
        """One outcome for each text, in order. `deadline` is on the clock of `time.monotonic`."""
        outcomes: list[Outcome] = []
        started = time.monotonic()
        if sum(map(len, texts)) + _CHARACTERS_PER_INPUT * len(texts) <= INLINE_CHARACTERS:
            self._judge_in_turn(texts, detector, policy, deadline, outcomes)
        else:
            work = asyncio.get_running_loop().run_in_executor(
                self._threads, self._judge_in_turn, texts, detector, policy, deadline, outcomes
            )
            try:
                async with asyncio.timeout(deadline - started):
                    await work
            except TimeoutError:
                # The thread may add one more to its own list; this one is settled.
                outcomes = list(outcomes)
        waited_us = int((time.monotonic() - started) * 1e6)
        late = Outcome(None, DEADLINE_EXCEEDED, waited_us)
        return outcomes + [late] * (len(texts) - len(outcomes))

    def _judge_in_turn(
        self,
        texts: Sequence[str],
        detector: Detector,
        policy: Policy,
        deadline: float,
        outcomes: list[Outcome],
    ) -> None:
        for text in texts:
            started = time.monotonic()
            if started >= deadline:
                return
            judgement, degraded = self.attempt(text, detector, policy)
            latency_us = int((time.monotonic() - started) * 1e6)
            outcomes.append(Outcome(judgement, degraded, latency_us))

    def attempt(
        self, text: str, detector: Detector, policy: Policy
    ) -> tuple[Judgement | None, str | None]:
        """The judgement, or why there is none; from any thread, and it raises nothing."""
        try:
            return self._judge(text, detector, policy), None
        except PolicyInvalid as error:
            log.warning(
                "the loaded model cannot judge by a policy",
                extra={"policy": policy.name, "field": error.field, "reason": error.reason},
            )
            return None, POLICY_NOT_APPLICABLE
        except Exception:
            # Whatever a model does wrong, the policy's fail mode decides, not a 500.
            log.exception("the detector failed", extra={"model": detector.version})
            return None, DETECTOR_ERROR
