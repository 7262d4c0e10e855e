"""The data plane: texts in, decisions out, recorded. Every protocol is a thin skin over this."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from uuid_utils.compat import uuid7

from model_api.api import problem_kinds as kinds
from model_api.api.predictions.judging import Judging, Outcome
from model_api.api.problems import ProblemError
from model_api.domain.deployments.comparison import AnsweredInput, Comparison
from model_api.domain.deployments.routing import Asker, Role, Routes, Served
from model_api.domain.deployments.tally import Tally
from model_api.domain.fingerprint import Fingerprints
from model_api.domain.identity import Caller
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.detector import Detector
from model_api.domain.judging.policy import AuditMode, FailMode, Policy
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
        """The champion."""
        ...

    @property
    def routes(self) -> Routes:
        """Which version answers whom."""
        ...


class Tallies(Protocol):
    """Counts what each version does."""

    def now(self, version: str, role: Role) -> Tally:
        """Where to count at this moment."""
        ...


class Comparisons(Protocol):
    """Judges again by another version, when there is time."""

    def offer(self, comparison: Comparison) -> None:
        """Compare, later or never; it does not wait."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Inputs to judge, and in whose matter."""

    texts: Sequence[str]
    policy: str
    subject: str | None
    session: str | None
    model_version: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Predictions in the order of the inputs, with what they rest on."""

    predictions: Sequence[Prediction]
    outcomes: Sequence[Outcome]
    served: Served
    role: Role
    policy: Policy
    recorded: bool


_random = random.SystemRandom()


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
        tallies: Tallies,
        comparisons: Comparisons,
    ) -> None:
        self._models = models
        self._policies = policies
        self._judging = judging
        self._records = records
        self._fingerprints = fingerprints
        self._monitor = monitor
        self._tallies = tallies
        self._comparisons = comparisons

    async def predict(self, caller: Caller, asked: Asked, context: RequestContext) -> Answered:
        """Judge and record; ProblemError where the policy is unknown or fails closed, or the
        version asked for is not loaded. One version judges all the inputs."""
        policy = self._policies.find(caller.tenant, asked.policy)
        if policy is None:
            raise ProblemError(kinds.UNKNOWN_POLICY, "The tenant has no policy of this name.")
        routes = self._models.routes
        served, role = _route(routes, caller, asked, context)
        started = time.monotonic()
        deadline = started + policy.deadline_ms / 1000
        if context.deadline is not None:
            deadline = min(deadline, context.deadline)
        outcomes = await self._judge(asked.texts, served, role, policy, deadline)
        if role is Role.CANARY and _is_any_degraded(outcomes) and time.monotonic() < deadline:
            self._monitor.canary_fallbacks.inc()
            served, role = routes.champion, Role.CHAMPION
            outcomes = await self._judge(asked.texts, served, role, policy, deadline)
        self._monitor.judgement_duration.observe(time.monotonic() - started)
        self._settle(outcomes, policy)
        predictions = self._describe(caller, asked, context, (served, role), policy, outcomes)
        recorded = await self._record(predictions, asked.texts, policy)
        for prediction in predictions:
            self._monitor.predicted(prediction.decision)
        if role is Role.CANARY or routes.shadow is not None:
            self._compare(caller, routes, (served, role), asked.texts, policy, predictions)
        return Answered(predictions, outcomes, served, role, policy, recorded)

    async def _judge(
        self, texts: Sequence[str], served: Served, role: Role, policy: Policy, deadline: float
    ) -> list[Outcome]:
        """Let one version judge, and count what it did."""
        outcomes = await self._judging.judge_all(texts, served.detector, policy, deadline)
        tally = self._tallies.now(served.version, role)
        for outcome in outcomes:
            if outcome.judgement is None:
                tally.failed()
            else:
                tally.judged(outcome.judgement.would_be_decision, outcome.latency_us)
        return outcomes

    def _compare(
        self,
        caller: Caller,
        routes: Routes,
        answered: tuple[Served, Role],
        texts: Sequence[str],
        policy: Policy,
        predictions: Sequence[Prediction],
    ) -> None:
        """Have the champion judge what the canary answered, or the shadow what the champion did."""
        served, role = answered
        if role is Role.CANARY:
            other, candidate = routes.champion, Role.CANARY
        elif (
            role is Role.CHAMPION
            and routes.shadow is not None
            and _random.random() < routes.shadow.sample
        ):
            other, candidate = routes.shadow.served, Role.SHADOW
        else:
            return
        inputs = [
            AnsweredInput(each.id, text, each.would_be_decision, each.score)
            for each, text in zip(predictions, texts, strict=True)
            if each.score is not None
        ]
        self._comparisons.offer(Comparison(caller.tenant, inputs, policy, served, other, candidate))

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
        answered: tuple[Served, Role],
        policy: Policy,
        outcomes: Sequence[Outcome],
    ) -> list[Prediction]:
        now = datetime.now(UTC)
        served, role = answered
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
                    model_name=served.detector.name,
                    model_version=served.version,
                    model_digest=served.digest,
                    model_role=role,
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


def _route(
    routes: Routes, caller: Caller, asked: Asked, context: RequestContext
) -> tuple[Served, Role]:
    if asked.model_version is not None:
        pinned = routes.pins.get(asked.model_version)
        if pinned is None:
            raise ProblemError(
                kinds.MODEL_VERSION_NOT_LOADED, "No version of this name is loaded here."
            )
        return pinned, Role.PINNED
    if routes.canary is None:
        return routes.champion, Role.CHAMPION
    return routes.route(Asker(caller.tenant, asked.session, asked.subject, context.request_id))


def _is_any_degraded(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.degraded is not None for outcome in outcomes)
