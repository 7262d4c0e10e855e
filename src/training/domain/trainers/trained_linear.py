"""What `linear` yields: a model with its operating points, its honest measures and its bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.domain.bundle.contents import MANIFEST, file_entries, json_bytes, npy_bytes
from training.domain.bundle.manifest import (
    MODEL_CARD_FILE,
    SELF_TEST_FILE,
    WEIGHTS_FILE,
    manifest_of,
)
from training.domain.bundle.model_card import model_card
from training.domain.bundle.self_test import self_test_suite
from training.domain.checkpoints import Checkpoints
from training.domain.examples import Example
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.training import TrainingRun, step_count, train_linear
from training.domain.trainers.trainer import Facts, Report, TrainingImpossible
from training.domain.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class TrainedLinear:
    """A linear model with its operating points and its honest measures."""

    run: TrainingRun

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The threshold of each operating point."""
        return {name: point.threshold for name, point in self.run.operating_points.items()}

    @property
    def out_of_fold(self) -> Mapping[str, object]:
        """Measures of texts judged by a model that saw no near-duplicate of them."""
        return self.run.out_of_fold

    @property
    def by_step(self) -> Sequence[Mapping[str, float]]:
        """Loss and AUC of each fold."""
        return self.run.by_fold

    def judge(self, texts: Sequence[str]) -> Verdicts:
        """What the model says about these texts."""
        return self.run.model.judge(texts)

    def bundle(self, facts: Facts) -> Mapping[str, bytes]:
        """The bundle of kind `linear-hashed-ngrams/1`; TrainingImpossible."""
        run = self.run
        try:
            suite = self_test_suite(run.model, self.thresholds["balanced"])
        except ValueError as error:
            raise TrainingImpossible(str(error)) from error
        metrics = {"out_of_fold": run.out_of_fold, **facts.metrics}
        card = model_card(
            facts.release,
            run.model,
            run.operating_points,
            facts.sources,
            metrics,
            suite.misjudged,
            command=facts.command,
        )
        files = {
            WEIGHTS_FILE: npy_bytes(run.model.weights),
            SELF_TEST_FILE: json_bytes(suite.cases),
            MODEL_CARD_FILE: card.encode(),
        }
        manifest = manifest_of(
            facts.release,
            run.model,
            run.operating_points,
            facts.training_data,
            metrics,
            file_entries(files),
        )
        return {**files, MANIFEST: json_bytes(manifest)}


def train(
    examples: Sequence[Example],
    configuration: LinearConfiguration,
    report: Report,
    checkpoints: Checkpoints,
) -> TrainedLinear:
    """Train a linear model; TrainingImpossible. Each head is a checkpoint."""
    texts = [example.text for example in examples]
    steps = _Steps(report, step_count(texts, configuration))
    try:
        run = train_linear(examples, configuration, steps, checkpoints)
    except ValueError as error:
        raise TrainingImpossible(str(error)) from error
    for number, measures in enumerate(run.by_fold, start=1):
        report(1.0, f"fold {number} judged", **measures)
    return TrainedLinear(run)


class _Steps:
    """Tells how many of about so many steps are done."""

    def __init__(self, report: Report, steps: int) -> None:
        self._report = report
        self._steps = steps
        self._done = 0

    def __call__(self, step: str) -> None:
        """A step begins."""
        self._report(min(self._done / self._steps, 1.0), step)
        self._done += 1
