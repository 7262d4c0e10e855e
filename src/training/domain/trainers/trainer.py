"""What a trainer is: found by its name, told by declared parameters, and yielding a bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from training.domain.bundle.provenance import SourceCount
from training.domain.bundle.release import Release
from training.domain.checkpoints import Checkpoints
from training.domain.examples import Example
from training.domain.verdicts import Verdicts


class TrainingImpossible(ValueError):
    """These examples cannot train a model, whatever is tried; the message holds no text of rows."""


class Report(Protocol):
    """Told of the progress; may raise to stop the training."""

    def __call__(self, fraction: float, step: str, **numbers: float) -> None:
        """`fraction` of the training, in [0, 1], is done."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a bundle says about its making, beside what the training itself found."""

    release: Release
    sources: Sequence[SourceCount]
    training_data: Sequence[Mapping[str, object]]
    metrics: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    command: str = ""


class TrainedModel(Protocol):
    """The outcome of a training."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The threshold of each operating point."""

    @property
    def out_of_fold(self) -> Mapping[str, object]:
        """Measures of texts judged by a model that saw no near-duplicate of them."""

    @property
    def by_step(self) -> Sequence[Mapping[str, float]]:
        """Measures of each step of the training, in order."""

    def judge(self, texts: Sequence[str]) -> Verdicts:
        """What the model says about these texts."""

    def bundle(self, facts: Facts) -> Mapping[str, bytes]:
        """The files of the model bundle, `manifest.json` among them. Equal facts, equal bytes.

        TrainingImpossible where the model is too poor to be served.
        """


class Trainer[Parameters: msgspec.Struct](Protocol):
    """A way to train; stateless. `name` is what a job calls it by."""

    name: str
    summary: str
    parameters: type[Parameters]

    def train(
        self,
        examples: Sequence[Example],
        parameters: Parameters,
        seed: int,
        report: Report,
        checkpoints: Checkpoints,
    ) -> TrainedModel:
        """Train. Same examples, parameters and seed: the same model to the bit.

        TrainingImpossible; ValueError where parameters do not go together.
        """


type AnyTrainer = Trainer[Any]
