"""What may be done to a model: each command gives the facts it leads to, or raises `Refused`.

The rules: one champion, one rollout under way; a version is rolled out that is neither rejected
nor champion, and not worse by its evaluation unless that is accepted; what needs a second person
is not promoted without one; a version in a rollout is neither rejected nor retired.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from training.domain.lifecycle import facts, refusals
from training.domain.lifecycle.model import ActiveRollout, Model, Verdict, Version, VersionState

_MAY_ROLL_OUT = frozenset({VersionState.REGISTERED, VersionState.ROLLED_BACK, VersionState.RETIRED})
_MAY_BE_REJECTED = frozenset({VersionState.REGISTERED, VersionState.ROLLED_BACK})
_MAY_BE_RETIRED = _MAY_BE_REJECTED
_BEFORE_SHADOW = frozenset({VersionState.STAGED, VersionState.SHADOW})
_BEFORE_CANARY = frozenset({VersionState.STAGED, VersionState.SHADOW, VersionState.CANARY})


def register(model: Model, registered: facts.VersionRegistered) -> tuple[facts.Fact, ...]:
    """A new version; nothing where it is registered with the same bundle. VersionDiffers."""
    present = model.versions.get(registered.version)
    if present is None:
        return (registered,)
    if present.digest != registered.digest:
        raise refusals.VersionDiffers(registered.version, present.digest)
    return ()


def start_rollout(
    model: Model,
    rollout: UUID,
    version: int,
    *,
    accept_worse: bool = False,
    verdicts: Mapping[int, str] | None = None,
    plan: Sequence[Mapping[str, Any]] = (),
    gates: Mapping[str, Any] | None = None,
) -> tuple[facts.Fact, ...]:
    """VersionUnknown, RolloutActive, TransitionIllegal, EvaluationWorse.

    `verdicts` are those of later comparisons, by the version that this one was held against: the
    champion may be another than at the registration.
    """
    candidate = _version(model, version)
    _no_rollout(model)
    if candidate.state not in _MAY_ROLL_OUT:
        raise refusals.TransitionIllegal(version, candidate.state, "rolled out")
    said = {candidate.verdict, (verdicts or {}).get(model.champion or 0)}
    if model.champion is not None and Verdict.WORSE in said and not accept_worse:
        raise refusals.EvaluationWorse(version)
    return (
        facts.RolloutStarted(
            version=version,
            rollout=rollout,
            accept_worse=accept_worse,
            plan=tuple(plan),
            gates=gates or {},
        ),
    )


def start_rollback(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """Back to the former champion. RolloutActive, NothingToRollBackTo."""
    _no_rollout(model)
    if model.champion is None or model.fallback is None:
        raise refusals.NothingToRollBackTo
    return (
        facts.RolloutStarted(
            version=model.fallback.version, rollout=rollout, reverts=model.champion
        ),
    )


def stage(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """Every replica has loaded the version."""
    active = _active(model, rollout)
    _in_state(model, active, _MAY_ROLL_OUT, "staged")
    return (facts.VersionStaged(version=active.version, rollout=rollout),)


def start_shadow(model: Model, rollout: UUID, sample: float) -> tuple[facts.Fact, ...]:
    """The version judges silently."""
    active = _active(model, rollout)
    _in_state(model, active, _BEFORE_SHADOW, "a shadow")
    return (facts.ShadowStarted(version=active.version, rollout=rollout, sample=sample),)


def start_canary(
    model: Model, rollout: UUID, weight: float, sticky_by: str
) -> tuple[facts.Fact, ...]:
    """The version answers for some."""
    active = _active(model, rollout)
    _in_state(model, active, _BEFORE_CANARY, "a canary")
    return (
        facts.CanaryStarted(
            version=active.version, rollout=rollout, weight=weight, sticky_by=sticky_by
        ),
    )


def pause(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """RolloutNotActive, RolloutPausedAlready."""
    active = _active(model, rollout)
    if active.is_paused:
        raise refusals.RolloutPausedAlready(rollout)
    return (facts.RolloutPaused(version=active.version, rollout=rollout),)


def resume(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """RolloutNotActive, RolloutNotPaused."""
    active = _active(model, rollout)
    if not active.is_paused:
        raise refusals.RolloutNotPaused(rollout)
    return (facts.RolloutResumed(version=active.version, rollout=rollout),)


def skip_steps(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """Leave out what is left of the plan. RolloutNotActive."""
    active = _active(model, rollout)
    return (facts.StepsSkipped(version=active.version, rollout=rollout),)


def request_approval(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """Nothing where no approval is needed, or it is there, or it is awaited."""
    active = _active(model, rollout)
    if not needs_approval(active) or active.awaits_approval:
        return ()
    return (facts.ApprovalRequested(version=active.version, rollout=rollout),)


def approve(model: Model, rollout: UUID, actor: str) -> tuple[facts.Fact, ...]:
    """RolloutNotActive, ApprovalNotAwaited, SecondPersonNeeded."""
    active = _active(model, rollout)
    if not active.awaits_approval:
        raise refusals.ApprovalNotAwaited(rollout)
    if actor == active.proposed_by:
        raise refusals.SecondPersonNeeded
    return (facts.ApprovalGiven(version=active.version, rollout=rollout),)


def needs_approval(active: ActiveRollout) -> bool:
    """Whether a promotion would lack its second person."""
    return active.needs_approval and active.approved_by is None


def promote(model: Model, rollout: UUID) -> tuple[facts.Fact, ...]:
    """The rollout's end: its version is champion, the former one retired, or, of a rollback, the
    champion that it reverts rolled back. RolloutNotActive, TransitionIllegal, ApprovalMissing."""
    active = _active(model, rollout)
    if active.reverts is not None:
        return (
            facts.RolledBack(
                version=active.reverts, rollout=rollout, champion=active.version, cause="reverted"
            ),
        )
    _in_state(model, active, _BEFORE_CANARY, "champion")
    if needs_approval(active):
        raise refusals.ApprovalMissing(rollout)
    promoted = facts.Promoted(version=active.version, rollout=rollout, previous=model.champion)
    if model.champion is None:
        return (promoted,)
    return (promoted, facts.Retired(version=model.champion))


def roll_back(
    model: Model, rollout: UUID, cause: str, evidence: Mapping[str, Any]
) -> tuple[facts.Fact, ...]:
    """The rollout's other end: the champion stays what it was. RolloutNotActive."""
    active = _active(model, rollout)
    return (
        facts.RolledBack(
            version=active.version,
            rollout=rollout,
            champion=model.champion,
            cause=cause,
            evidence=evidence,
        ),
    )


def reject(model: Model, version: int) -> tuple[facts.Fact, ...]:
    """VersionUnknown, TransitionIllegal."""
    _idle(model, version, _MAY_BE_REJECTED, "rejected")
    return (facts.Rejected(version=version),)


def retire(model: Model, version: int) -> tuple[facts.Fact, ...]:
    """VersionUnknown, TransitionIllegal."""
    _idle(model, version, _MAY_BE_RETIRED, "retired")
    return (facts.Retired(version=version),)


def set_policy(model: Model, four_eyes: bool) -> tuple[facts.Fact, ...]:
    """Nothing where it is so already."""
    if model.four_eyes is four_eyes:
        return ()
    return (facts.PromotionPolicyChanged(four_eyes=four_eyes),)


def _version(model: Model, version: int) -> Version:
    try:
        return model.versions[version]
    except KeyError:
        raise refusals.VersionUnknown(version) from None


def _no_rollout(model: Model) -> None:
    if model.rollout is not None:
        raise refusals.RolloutActive(model.rollout.id)


def _active(model: Model, rollout: UUID) -> ActiveRollout:
    if model.rollout is None or model.rollout.id != rollout:
        raise refusals.RolloutNotActive(rollout)
    return model.rollout


def _in_state(
    model: Model, active: ActiveRollout, allowed: frozenset[VersionState], wanted: str
) -> None:
    state = model.versions[active.version].state
    if active.reverts is not None or state not in allowed:
        raise refusals.TransitionIllegal(active.version, state, wanted)


def _idle(model: Model, version: int, allowed: frozenset[VersionState], wanted: str) -> None:
    present = _version(model, version)
    in_rollout = model.rollout is not None and model.rollout.version == version
    if in_rollout or present.state not in allowed:
        raise refusals.TransitionIllegal(version, present.state, wanted)
