"""What the routes of rollouts take and give."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec

from training.api.moments import Moment
from training.api.reasons import Reason
from training.domain.lifecycle.model import MAX_VERSION
from training.domain.rollout.measures import GateResult, Outcome
from training.domain.rollout.plan import (
    MAX_MINUTES,
    MAX_PREDICTIONS,
    MAX_STEPS,
    MAX_WINDOW_SECONDS,
    MIN_WINDOW_SECONDS,
    Gate,
    Gates,
    OnInsufficientTraffic,
    Stage,
    Step,
    StickyBy,
    check_gates,
    check_plan,
    describe_step,
)
from training.domain.rollout.rollout import Cause, Kind, Rollout, RolloutState
from training.domain.rollout.shaping import Wanted

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Minutes = Annotated[float, msgspec.Meta(gt=0, le=MAX_MINUTES)]
Predictions = Annotated[int, msgspec.Meta(ge=1, le=MAX_PREDICTIONS)]
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)]


class ShadowStep(
    msgspec.Struct, tag_field="stage", tag="shadow", forbid_unknown_fields=True, frozen=True
):
    """The version judges a share `sample` of the requests too, and never answers.

    A step ends after `minutes` or after so many `predictions` of the version, whichever is first.
    """

    sample: Share = 1.0
    minutes: Minutes | None = None
    predictions: Predictions | None = None


class CanaryStep(
    msgspec.Struct, tag_field="stage", tag="canary", forbid_unknown_fields=True, frozen=True
):
    """The version answers for a share `weight` of the keys that `sticky_by` names."""

    weight: Share
    minutes: Minutes | None = None
    predictions: Predictions | None = None


class GateBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A limit over the last `window_seconds`. It says nothing before the version has had
    `minimum_predictions` (comparisons, for `disagreement`; feedback, for `feedback`)."""

    maximum: Annotated[float, msgspec.Meta(ge=0)]
    window_seconds: Annotated[int, msgspec.Meta(ge=MIN_WINDOW_SECONDS, le=MAX_WINDOW_SECONDS)] = 300
    minimum_predictions: Predictions = 50


class GatesBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The gates that are watched, at any moment of the plan. A failed one rolls back by itself.

    `error_rate`: the version's errors by its predictions. `latency_ratio`: its 95th percentile by
    the champion's. `disagreement`: of what a shadow compared, how much it would decide otherwise.
    `block_rate_shift`: the difference of the shares that version and champion block. `feedback`:
    of the feedback on the version, how much contradicts it.
    """

    error_rate: GateBody | None = None
    latency_ratio: GateBody | None = None
    disagreement: GateBody | None = None
    block_rate_shift: GateBody | None = None
    feedback: GateBody | None = None


class RolloutCreate(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A rollout to begin. Without steps the version is champion once every replica has loaded it.

    `accept_worse` rolls out what the evaluation says is worse. With `on_insufficient_traffic` a
    step whose gates have not seen enough at its end holds, or continues without them.
    """

    version: Number
    plan: Annotated[list[ShadowStep | CanaryStep], msgspec.Meta(max_length=MAX_STEPS)]
    gates: GatesBody = GatesBody()
    sticky_by: StickyBy = StickyBy.SESSION
    accept_worse: bool = False
    on_insufficient_traffic: OnInsufficientTraffic = OnInsufficientTraffic.HOLD
    reason: Reason


class ReasonOption(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Why, if there is something to say; it stays in the history."""

    reason: Reason = "no reason was given"


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate said last, `in_words` too."""

    gate: str
    outcome: Outcome
    measured: float | None
    maximum: float
    window_seconds: int
    sample_size: int
    minimum_predictions: int
    in_words: str


class EndingView(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rollout went back, or goes back."""

    cause: Cause
    reason: str
    actor: str
    evidence: Mapping[str, Any]


class RolloutView(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout as it stands. `step` counts from 0; `step_started_at` is None until the guard
    follows the step; `waiting_for` says what holds it up, if anything does; `generation` is that
    of the deployment that the guard was asked for last."""

    id: UUID
    model: str
    kind: Kind
    version: int
    former_champion: str | None
    state: RolloutState
    stopped_in: RolloutState | None
    waiting_for: str | None
    plan: Sequence[Mapping[str, Any]]
    step: int
    step_started_at: Moment | None
    step_predictions: int
    gates: Mapping[str, GateBody]
    gate_results: Sequence[GateView]
    sticky_by: StickyBy
    accept_worse: bool
    on_insufficient_traffic: OnInsufficientTraffic
    reason: str
    started_by: str
    created_at: Moment
    changed_at: Moment
    finished_at: Moment | None
    generation: int | None
    ending: EndingView | None


class RolloutPage(msgspec.Struct, frozen=True):
    """Rollouts, the newest first."""

    items: list[RolloutView]
    next_cursor: str | None


def wanted_of(body: RolloutCreate) -> Wanted:
    """The rollout that a body asks for; PlanInvalid."""
    plan = [_step(step) for step in body.plan]
    gates = Gates(
        **{
            name: Gate(
                maximum=gate.maximum,
                window_seconds=gate.window_seconds,
                minimum=gate.minimum_predictions,
            )
            for name in body.gates.__struct_fields__
            if (gate := getattr(body.gates, name)) is not None
        }
    )
    check_plan(plan)
    check_gates(gates)
    return Wanted(
        version=body.version,
        plan=plan,
        gates=gates,
        sticky_by=body.sticky_by,
        accept_worse=body.accept_worse,
        on_insufficient_traffic=body.on_insufficient_traffic,
        reason=body.reason,
    )


def rollout_view(rollout: Rollout) -> RolloutView:
    """A rollout as it is shown."""
    ending = rollout.ending
    return RolloutView(
        id=rollout.id,
        model=rollout.model,
        kind=rollout.kind,
        version=rollout.version,
        former_champion=None if rollout.champion is None else rollout.champion.version,
        state=rollout.state,
        stopped_in=rollout.stopped_in,
        waiting_for=rollout.waiting_for,
        plan=[describe_step(step) for step in rollout.plan],
        step=rollout.step,
        step_started_at=rollout.entered_at,
        step_predictions=rollout.step_predictions,
        gates={
            name: GateBody(gate.maximum, gate.window_seconds, gate.minimum)
            for name, gate in rollout.gates.named()
        },
        gate_results=[_gate_view(result) for result in rollout.gate_results],
        sticky_by=rollout.sticky_by,
        accept_worse=rollout.accept_worse,
        on_insufficient_traffic=rollout.on_insufficient_traffic,
        reason=rollout.reason,
        started_by=rollout.started_by,
        created_at=rollout.created_at,
        changed_at=rollout.changed_at,
        finished_at=rollout.finished_at,
        generation=rollout.generation,
        ending=None
        if ending is None
        else EndingView(
            cause=ending.cause,
            reason=ending.reason,
            actor=ending.actor,
            evidence=ending.evidence,
        ),
    )


def _step(body: ShadowStep | CanaryStep) -> Step:
    is_shadow = isinstance(body, ShadowStep)
    return Step(
        stage=Stage.SHADOW if is_shadow else Stage.CANARY,
        share=body.sample if isinstance(body, ShadowStep) else body.weight,
        minutes=body.minutes,
        predictions=body.predictions,
    )


def _gate_view(result: GateResult) -> GateView:
    return GateView(
        gate=result.gate,
        outcome=result.outcome,
        measured=result.measured,
        maximum=result.maximum,
        window_seconds=result.window_seconds,
        sample_size=result.sample_size,
        minimum_predictions=result.minimum,
        in_words=result.in_words,
    )
