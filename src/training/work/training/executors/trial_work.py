"""What is done for one trial, wherever that is: `train_trial`."""

from collections.abc import Sequence

import msgspec

from training.adapters.trainer_plugins import all_trainers
from training.domain.checkpoints import NO_CHECKPOINTS
from training.domain.examples import Example
from training.domain.trainers.trainer import TrainingImpossible
from training.domain.trainers.trials import Trial, TrialOutcome


def train_trial(trial: Trial, examples: Sequence[Example]) -> TrialOutcome:
    """Train and measure. The same everywhere: a training depends on its input alone."""
    trainer = all_trainers()[trial.trainer]
    parameters = msgspec.convert(trial.parameters, trainer.parameters)
    try:
        trained = trainer.train(examples, parameters, trial.seed, _quiet, NO_CHECKPOINTS)
    except TrainingImpossible as error:
        return TrialOutcome(trial.index, None, impossible=str(error))
    return TrialOutcome(trial.index, trained.out_of_fold, trained=trained)


def _quiet(fraction: float, step: str, **numbers: float) -> None:
    """The sweep tells which trials are done; their steps would be mixed up."""
