"""What the routes of rollouts take."""

from typing import Annotated

import msgspec

from training.api.reasons import Reason
from training.domain.lifecycle.model import MAX_VERSION
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
)
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
    of the feedback on the version, how much contradicts it; too little of it holds no step up.
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


def _step(body: ShadowStep | CanaryStep) -> Step:
    is_shadow = isinstance(body, ShadowStep)
    return Step(
        stage=Stage.SHADOW if is_shadow else Stage.CANARY,
        share=body.sample if isinstance(body, ShadowStep) else body.weight,
        minutes=body.minutes,
        predictions=body.predictions,
    )
