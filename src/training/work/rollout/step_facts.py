"""What the history says of a rollout's steps: ``begin_step``, ``gate_fact``."""

from collections.abc import Sequence

from training.domain.lifecycle import commands, facts
from training.domain.lifecycle.facts import Fact
from training.domain.lifecycle.model import Model
from training.domain.rollout.measures import GateResult
from training.domain.rollout.plan import Stage
from training.domain.rollout.rollout import Rollout


def begin_step(model: Model, rollout: Rollout) -> Sequence[Fact]:
    """The guard follows the step that the rollout is in."""
    step = rollout.plan[rollout.step]
    if step.stage is Stage.SHADOW:
        return commands.start_shadow(model, rollout.id, step.share)
    return commands.start_canary(model, rollout.id, step.share, rollout.sticky_by)


def gate_fact(
    kind: type[facts.GatePassed | facts.GateFailed], rollout: Rollout, result: GateResult
) -> Fact:
    """A gate of the step, with the numbers that it was held against."""
    return kind(
        version=rollout.version,
        rollout=rollout.id,
        step=rollout.step,
        gate=result.gate,
        measured=result.measured,
        maximum=result.maximum,
        window_seconds=result.window_seconds,
        sample_size=result.sample_size,
    )
