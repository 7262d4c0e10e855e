"""A model from datasets: read, trained, by a sweep where one is wanted, and made a bundle."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.adapters.datasets.objects import ObjectAltered
from training.adapters.datasets.reader import read_examples
from training.adapters.object_store import ObjectMissing
from training.adapters.trainer_plugins import all_trainers
from training.domain.bundle.contents import MANIFEST
from training.domain.bundle.provenance import SourceCount, count_sources
from training.domain.bundle.release import Release
from training.domain.examples import Example
from training.domain.fingerprints import comparable_bytes, fingerprints, is_member
from training.domain.jobs.kinds import JobContext, JobFailed
from training.domain.trainers.making import bundle_version, licence_of
from training.domain.trainers.order import Executor as ExecutorChoice
from training.domain.trainers.order import RayExecutor as RayChoice
from training.domain.trainers.trainer import Facts, TrainedModel, TrainingImpossible
from training.domain.trainers.trials import Executor, Trial
from training.work.training.executors.local import LocalExecutor
from training.work.training.executors.ray_cluster import RayExecutor
from training.work.training.inputs import DatasetInput, TrainInputs
from training.work.training.sweep import sweep

MODEL_LICENCE = "Apache-2.0"


class _Manifest(msgspec.Struct):
    name: str


@dataclass(frozen=True, slots=True)
class MadeModel:
    """The model, its bundle, and how it came about.

    `scores`: of each trial, where there were. `trained_on`: the fingerprints of its texts.
    """

    trained: TrainedModel
    version: str
    bundle: Mapping[str, bytes]
    parameters: Mapping[str, Any]
    scores: Mapping[int, float | None]
    trained_on: NDArray[np.uint64]


def make_model(
    context: JobContext, inputs: TrainInputs, protected: NDArray[np.uint64], share: float
) -> MadeModel:
    """Train what is ordered, within `share` of the job's progress; JobFailed.

    `protected` are the ascending fingerprints of the texts that models are measured by.
    """
    order = inputs.order
    context.progress(0.0, "reading the datasets")
    texts: list[NDArray[np.uint64]] = []
    by_dataset = [_read(context, dataset, protected, texts) for dataset in inputs.datasets]
    examples = [example for read in by_dataset for example in read]
    context.log("datasets read", rows=len(examples))
    trained, parameters, scores = _train(context, inputs, examples, share)
    version = bundle_version(
        [dataset.digest for dataset in inputs.datasets], order.trainer, parameters, order.seed
    )
    newest = max(dataset.created_at for dataset in inputs.datasets).astimezone(UTC)
    try:
        bundle = trained.bundle(
            Facts(
                Release(version, newest.strftime("%Y-%m-%dT%H:%M:%SZ"), MODEL_LICENCE, order.name),
                _sources(inputs.datasets, by_dataset),
                [
                    _data_entry(dataset, read)
                    for dataset, read in zip(inputs.datasets, by_dataset, strict=True)
                ],
                command=f"trainer {order.trainer}, seed {order.seed}",
            )
        )
    except TrainingImpossible as error:
        raise JobFailed(str(error), "training-impossible") from None
    if msgspec.json.decode(bundle[MANIFEST], type=_Manifest).name != order.name:
        # It would be signed as it is, and refused by the guard.
        raise JobFailed(f"The trainer {order.trainer} named another model.", "bundle-misnamed")
    return MadeModel(trained, version, bundle, parameters, scores, np.concatenate(texts))


def _read(
    context: JobContext,
    dataset: DatasetInput,
    protected: NDArray[np.uint64],
    texts: list[NDArray[np.uint64]],
) -> list[Example]:
    """The rows; the fingerprints of their texts are added to `texts`."""
    examples: list[Example] = []
    leaking = 0
    try:
        for some in read_examples(context.objects, dataset.parts):
            texts.append(fingerprints(comparable_bytes(one.text) for one in some))
            leaking += int(is_member(texts[-1], protected).sum())
            examples += some
    except (ObjectMissing, ObjectAltered):
        raise JobFailed(
            f"The rows of {dataset.name} {dataset.version} are not in the store as they were put"
            " there.",
            "dataset-altered",
        ) from None
    if leaking:
        raise JobFailed(
            f"{leaking:,} rows of {dataset.name} {dataset.version} are in protected suites: a model"
            " that was trained on them could not be measured. Import the file again: the import"
            " leaves them out.",
            "training-leaks-evaluation",
        )
    return examples


def _train(
    context: JobContext, inputs: TrainInputs, examples: Sequence[Example], share: float
) -> tuple[TrainedModel, Mapping[str, Any], Mapping[int, float | None]]:
    order = inputs.order
    trials = [
        Trial(index, order.trainer, parameters, order.seed)
        for index, parameters in enumerate(inputs.trials)
    ]
    if order.sweep is None:
        return _fit(context, trials[0], examples, (0.0, share)), trials[0].parameters, {}
    executor = _executor(context, order.executor)
    found = sweep(context, trials, examples, executor, order.criterion, share)
    best = trials[found.best.index]
    context.log("the best trial", number=best.index + 1)
    # One that an earlier attempt trained has left its measures alone: the same again.
    trained = found.best.trained or _fit(context, best, examples, (share, share))
    return trained, best.parameters, found.scores


def _fit(
    context: JobContext, trial: Trial, examples: Sequence[Example], stretch: tuple[float, float]
) -> TrainedModel:
    trainer = all_trainers()[trial.trainer]
    parameters = msgspec.convert(trial.parameters, trainer.parameters)
    begin, end = stretch

    def report(fraction: float, step: str, **numbers: float) -> None:
        context.progress(begin + fraction * (end - begin), step, **numbers)

    try:
        return trainer.train(examples, parameters, trial.seed, report, context)
    except TrainingImpossible as error:
        raise JobFailed(str(error), "training-impossible") from None


def _executor(context: JobContext, choice: ExecutorChoice) -> Executor:
    if isinstance(choice, RayChoice):
        return RayExecutor(choice.address, context.check_cancelled)
    return LocalExecutor(len(os.sched_getaffinity(0)), context.check_cancelled)


def _sources(
    datasets: Sequence[DatasetInput], by_dataset: Sequence[Sequence[Example]]
) -> tuple[SourceCount, ...]:
    """Whoever uploads a dataset says its licence, which is that of all its sources."""
    licences: dict[str, set[str]] = {}
    for dataset, read in zip(datasets, by_dataset, strict=True):
        for source in {example.source for example in read}:
            licences.setdefault(source, set()).add(dataset.licence)
    stated = {source: licence_of(several) for source, several in licences.items()}
    return count_sources((example for read in by_dataset for example in read), stated)


def _data_entry(dataset: DatasetInput, read: Sequence[Example]) -> dict[str, object]:
    return {
        "name": dataset.name,
        "version": dataset.version,
        "sha256": dataset.digest.removeprefix("sha256:"),
        "rows": len(read),
        "attacks": sum(example.attack for example in read),
        "sources": count_sources(read, {example.source: dataset.licence for example in read}),
    }
