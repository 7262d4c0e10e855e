"""The data plane: texts in, decisions out, recorded. Every protocol is a thin skin over this."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from uuid_utils.compat import uuid7

from model_api.api import problem_kinds as kinds
from model_api.api.judging import Judging, Outcome
from model_api.api.problems import ProblemError
from model_api.domain.decision import Decision
from model_api.domain.detector import Detector
from model_api.domain.fingerprint import Fingerprints
from model_api.domain.identity import Caller
from model_api.domain.policy import AuditMode, FailMode, Policy
from model_api.domain.prediction import Prediction
from model_api.events.outcome import RecorderFull
from model_api.utils.performance_monitor import PerformanceMonitor
from model_api.utils.request_context import RequestContext


class Records(Protocol):
    """Keeps predictions."""

    async def keep(
        self, predictions: Sequence[Prediction], texts: Sequence[str] | None, *, durable: bool
    ) -> bool:
        """Keep them, with their texts where those are to be stored; RecorderFull.

        Where `durable`, they have reached the database or the disk when this returns. False where
        the service runs without any place for records.
        """
        ...


class PolicyBook(Protocol):
    """The policies in force, in memory."""

    def find(self, tenant: str, name: str) -> Policy | None:
        """The tenant's policy of this name."""
        ...


class ModelHolder(Protocol):
    """What is loaded now."""

    @property
    def detector(self) -> Detector:
        """The detector that judges."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Inputs to judge, and in whose matter."""

    texts: Sequence[str]
    policy: str
    subject: str | None
    session: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Predictions in the order of the inputs, with what they rest on."""

    predictions: Sequence[Prediction]
    outcomes: Sequence[Outcome]
    detector: Detector
    policy: Policy
    recorded: bool


class DataPlane:
    """Judges by the caller's policy and keeps the record."""

    def __init__(
        self,
        models: ModelHolder,
        policies: PolicyBook,
        judging: Judging,
        records: Records,
        fingerprints: Fingerprints,
        monitor: PerformanceMonitor,
    ) -> None:
        self._models = models
        self._policies = policies
        self._judging = judging
        self._records = records
        self._fingerprints = fingerprints
        self._monitor = monitor

    async def predict(self, caller: Caller, asked: Asked, context: RequestContext) -> Answered:
        """Judge and record; ProblemError where the policy is unknown, or fails closed."""
        policy = self._policies.find(caller.tenant, asked.policy)
        if policy is None:
            raise ProblemError(kinds.UNKNOWN_POLICY, "The tenant has no policy of this name.")
        detector = self._models.detector
        started = time.monotonic()
        deadline = started + policy.deadline_ms / 1000
        if context.deadline is not None:
            deadline = min(deadline, context.deadline)
        outcomes = await self._judging.judge_all(asked.texts, detector, policy, deadline)
        self._monitor.judgement_duration.observe(time.monotonic() - started)
        self._settle(outcomes, policy)
        predictions = self._describe(caller, asked, context, detector, policy, outcomes)
        recorded = await self._record(predictions, asked.texts, policy)
        for prediction in predictions:
            self._monitor.predicted(prediction.decision)
        return Answered(predictions, outcomes, detector, policy, recorded)

    def _settle(self, outcomes: Sequence[Outcome], policy: Policy) -> None:
        """Let the policy's fail mode decide about inputs without a judgement."""
        for index, outcome in enumerate(outcomes):
            if outcome.degraded is None:
                continue
            self._monitor.degraded.labels(outcome.degraded).inc()
            if policy.fail_mode is FailMode.CLOSED:
                raise ProblemError(
                    kinds.JUDGEMENT_UNAVAILABLE,
                    f"Input {index} could not be judged ({outcome.degraded}), and the policy "
                    f"{policy.name} fails closed.",
                )

    def _describe(
        self,
        caller: Caller,
        asked: Asked,
        context: RequestContext,
        detector: Detector,
        policy: Policy,
        outcomes: Sequence[Outcome],
    ) -> list[Prediction]:
        now = datetime.now(UTC)
        fingerprints = self._fingerprints
        subject = (
            None if asked.subject is None else fingerprints.of_subject(caller.tenant, asked.subject)
        )
        predictions = []
        for text, outcome in zip(asked.texts, outcomes, strict=True):
            judgement = outcome.judgement
            predictions.append(
                Prediction(
                    id=uuid7(),
                    tenant=caller.tenant,
                    created_at=now,
                    subject_fingerprint=subject,
                    session=asked.session,
                    decision=judgement.decision if judgement else Decision.ALLOW,
                    would_be_decision=judgement.would_be_decision if judgement else Decision.ALLOW,
                    score=judgement.score if judgement else None,
                    categories=judgement.categories if judgement else {},
                    spans=judgement.spans if judgement else (),
                    signals=(
                        {signal.name: signal.count for signal in judgement.signals}
                        if judgement
                        else {}
                    ),
                    model_name=detector.name,
                    model_version=detector.version,
                    model_digest=detector.digest,
                    policy_name=policy.name,
                    policy_version=policy.version,
                    mode=policy.mode,
                    degraded=outcome.degraded,
                    latency_us=outcome.latency_us,
                    text_fingerprint=fingerprints.of_text(caller.tenant, text),
                    text_length=len(text),
                    request_id=context.request_id,
                    key_id=caller.key_id,
                )
            )
        return predictions

    async def _record(
        self, predictions: Sequence[Prediction], texts: Sequence[str], policy: Policy
    ) -> bool:
        try:
            recorded = await self._records.keep(
                predictions,
                texts if policy.store_text else None,
                durable=policy.audit is AuditMode.DURABLE,
            )
        except RecorderFull:
            self._monitor.unrecorded.inc(len(predictions))
            if policy.fail_mode is FailMode.CLOSED:
                raise ProblemError(
                    kinds.RECORDER_FULL,
                    f"The predictions cannot be recorded, and the policy {policy.name} fails "
                    "closed.",
                    headers={"Retry-After": "2"},
                ) from None
            return False
        if not recorded:
            self._monitor.unrecorded.inc(len(predictions))
        return recorded
