"""How a rollout moves: by itself, by what is observed, and by what people ask for. All pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from training.domain.rollout.measures import GateResult, Observation, Outcome, judge
from training.domain.rollout.plan import OnInsufficientTraffic, Stage
from training.domain.rollout.refusals import StepIllegal
from training.domain.rollout.rollout import Ending, Kind, Rollout, RolloutState

_NEED_NOT_COME = frozenset({"feedback"})
"""Gates that hold no step up: traffic makes the other numbers, but nobody has to give feedback."""

_MAY_PAUSE = frozenset({RolloutState.STAGING, RolloutState.SHADOW, RolloutState.CANARY})


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing is due; why, in words."""

    results: Sequence[GateResult]
    waiting_for: str | None


@dataclass(frozen=True, slots=True)
class Advance:
    """The step is over, and these gates passed."""

    results: Sequence[GateResult]


@dataclass(frozen=True, slots=True)
class GoBack:
    """A gate failed."""

    results: Sequence[GateResult]
    failed: GateResult


type Decision = Stay | Advance | GoBack


def decide(rollout: Rollout, observation: Observation, now: datetime) -> Decision:
    """What the numbers ask for. A failed gate counts at any moment, pauses included."""
    step = rollout.watched_step
    if step is None:
        return Stay((), None)
    judged = (
        judge(name, gate, observation.windows[name], step, rollout.candidate.version)
        for name, gate in rollout.gates.named()
    )
    results = [result for result in judged if result is not None]
    failed = next((each for each in results if each.outcome is Outcome.FAILED), None)
    if failed is not None:
        return GoBack(results, failed)
    if rollout.state is RolloutState.PAUSED:
        return Stay(results, "it is paused")
    if rollout.phase is RolloutState.AWAITING_APPROVAL:
        return Stay(results, "a second person must approve")
    if not has_ended(rollout, observation, now):
        return Stay(results, None)
    unsure = [
        each
        for each in results
        if each.outcome is Outcome.TOO_LITTLE_TRAFFIC and each.gate not in _NEED_NOT_COME
    ]
    if unsure and rollout.on_insufficient_traffic is OnInsufficientTraffic.HOLD:
        return Stay(results, "; ".join(each.in_words for each in unsure))
    return Advance([each for each in results if each.outcome is Outcome.PASSED])


def has_ended(rollout: Rollout, observation: Observation, now: datetime) -> bool:
    """Whether the step has lasted its minutes or has seen its predictions."""
    step = rollout.watched_step
    if step is None or rollout.entered_at is None:
        return False
    if step.minutes is not None and rollout.elapsed(now).total_seconds() >= step.minutes * 60:
        return True
    seen = predictions_seen(rollout, observation)
    return step.predictions is not None and seen >= step.predictions


def predictions_seen(rollout: Rollout, observation: Observation) -> int:
    """The candidate's predictions in this step."""
    step = rollout.watched_step
    if step is None:
        return 0
    counts = observation.step.of(step.stage.value, rollout.candidate.version)
    return 0 if counts is None else counts.predictions


def advance(rollout: Rollout, now: datetime, *, needs_approval: bool) -> Rollout:
    """The rollout in its next step, or behind its plan."""
    following = rollout.step + (0 if rollout.phase is RolloutState.STAGING else 1)
    if rollout.skipped_from is not None or following >= len(rollout.plan):
        return _behind_the_plan(rollout, now, needs_approval=needs_approval)
    is_shadow = rollout.plan[following].stage is Stage.SHADOW
    return replace(
        _told_nothing(rollout, now),
        state=RolloutState.SHADOW if is_shadow else RolloutState.CANARY,
        step=following,
        entered_at=None,
        paused_seconds=0.0,
        step_predictions=0,
    )


def follow(rollout: Rollout, now: datetime) -> Rollout:
    """The guard follows the step: its time begins."""
    return replace(rollout, entered_at=now, changed_at=now, waiting_for=None)


def pause(rollout: Rollout, now: datetime) -> Rollout:
    """Stand still. StepIllegal."""
    if rollout.state not in _MAY_PAUSE:
        raise StepIllegal(rollout, "paused")
    return replace(
        rollout,
        state=RolloutState.PAUSED,
        stopped_in=rollout.state,
        paused_at=now,
        changed_at=now,
        waiting_for="it is paused",
    )


def resume(rollout: Rollout, now: datetime) -> Rollout:
    """Go on. StepIllegal."""
    if rollout.state is not RolloutState.PAUSED:
        raise StepIllegal(rollout, "resumed")
    return _running(rollout, now)


def skip_steps(rollout: Rollout, now: datetime, *, needs_approval: bool) -> Rollout:
    """Leave out what is left of the plan; the candidate is staged first. StepIllegal."""
    if rollout.kind is not Kind.ROLLOUT or rollout.phase not in _MAY_PAUSE:
        raise StepIllegal(rollout, "promoted")
    rollout = replace(_running(rollout, now), skipped_from=rollout.step)
    if rollout.state is RolloutState.STAGING:
        return rollout
    return _behind_the_plan(rollout, now, needs_approval=needs_approval)


def await_approval(rollout: Rollout, now: datetime) -> Rollout:
    """Behind the plan, a second person is waited for; the guard goes on with the last step."""
    return replace(_told_nothing(rollout, now), state=RolloutState.AWAITING_APPROVAL)


def approve(rollout: Rollout, now: datetime) -> Rollout:
    """The second person agrees. StepIllegal."""
    if rollout.state is not RolloutState.AWAITING_APPROVAL:
        raise StepIllegal(rollout, "approved")
    return replace(_told_nothing(rollout, now), state=RolloutState.PROMOTING)


def go_back(rollout: Rollout, ending: Ending, now: datetime) -> Rollout:
    """Undo the rollout. StepIllegal."""
    if rollout.state.is_final or rollout.state is RolloutState.ROLLING_BACK:
        raise StepIllegal(rollout, "rolled back")
    return replace(
        _running(rollout, now), state=RolloutState.ROLLING_BACK, ending=ending, waiting_for=None
    )


def finish(rollout: Rollout, state: RolloutState, now: datetime) -> Rollout:
    """The end."""
    return replace(rollout, state=state, changed_at=now, finished_at=now, waiting_for=None)


def _running(rollout: Rollout, now: datetime) -> Rollout:
    if rollout.stopped_in is None or rollout.paused_at is None:
        return replace(rollout, changed_at=now)
    # A pause before the guard followed the step took nothing of the step's time.
    began = max(rollout.paused_at, rollout.entered_at or now)
    return replace(
        rollout,
        state=rollout.stopped_in,
        stopped_in=None,
        paused_at=None,
        paused_seconds=rollout.paused_seconds + (now - began).total_seconds(),
        changed_at=now,
        waiting_for=None,
    )


def _behind_the_plan(rollout: Rollout, now: datetime, *, needs_approval: bool) -> Rollout:
    if needs_approval:
        return await_approval(rollout, now)
    return replace(_told_nothing(rollout, now), state=RolloutState.PROMOTING)


def _told_nothing(rollout: Rollout, now: datetime) -> Rollout:
    return replace(rollout, changed_at=now, waiting_for=None, gate_results=())
