"""Trains by every set of parameters that an order gives, and takes the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from training.domain.examples import Example
from training.domain.jobs.kinds import JobContext, JobFailed
from training.domain.trainers.order import Criterion
from training.domain.trainers.trials import Executor, Trial, TrialOutcome, best_of, score_of


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The best trial, and the score of each by its index; None where it could not be trained."""

    best: TrialOutcome
    scores: dict[int, float | None]


class _Kept(msgspec.Struct):
    out_of_fold: dict[str, Any] | None
    impossible: str | None


def sweep(
    context: JobContext,
    trials: Sequence[Trial],
    examples: Sequence[Example],
    executor: Executor,
    criterion: Criterion,
    share: float,
) -> SweepResult:
    """Run the trials that were not run before this attempt; JobFailed where none can be trained.

    `share` is that of the sweep in the job's progress. The best trial comes without a model where
    an earlier attempt trained it.
    """
    outcomes = [outcome for trial in trials if (outcome := _known(context, trial)) is not None]
    known = {outcome.index for outcome in outcomes}
    best: TrialOutcome | None = best_of(outcomes, criterion)
    for outcome in executor.run([each for each in trials if each.index not in known], examples):
        kept = _Kept(dict(outcome.out_of_fold) if outcome.out_of_fold else None, outcome.impossible)
        context.save(_name(outcome.index), msgspec.json.encode(kept))
        score = score_of(outcome, criterion)
        # Of all models only the best so far is held in memory.
        best = best_of([each for each in (best, outcome) if each is not None], criterion)
        outcomes.append(TrialOutcome(outcome.index, outcome.out_of_fold, outcome.impossible))
        done = f"{len(outcomes)} of {len(trials)} trials"
        measured = {} if score is None else {criterion: score}
        context.progress(share * len(outcomes) / len(trials), done, **measured)
        context.log(f"trial {outcome.index + 1} is done", **measured)
    if best is None:
        raise JobFailed(f"No trial can be trained: {outcomes[0].impossible}", "training-impossible")
    ordered = sorted(outcomes, key=lambda each: each.index)
    return SweepResult(best, {each.index: score_of(each, criterion) for each in ordered})


def _known(context: JobContext, trial: Trial) -> TrialOutcome | None:
    content = context.load(_name(trial.index))
    if content is None:
        return None
    kept = msgspec.json.decode(content, type=_Kept)
    return TrialOutcome(trial.index, kept.out_of_fold, kept.impossible)


def _name(index: int) -> str:
    return f"trial-{index}"
