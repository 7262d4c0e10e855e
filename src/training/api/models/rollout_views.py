"""What the routes of rollouts give."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from training.api.models.rollout_orders import GateBody
from training.api.moments import Moment
from training.domain.rollout.measures import GateResult, Outcome
from training.domain.rollout.plan import OnInsufficientTraffic, StickyBy, describe_step
from training.domain.rollout.rollout import Cause, Kind, Rollout, RolloutState


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
