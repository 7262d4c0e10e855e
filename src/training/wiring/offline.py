"""What `train linear` and `evaluate` do, on files alone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from training.adapters.bundles.folder import write_bundle
from training.adapters.bundles.reader import read_bundle
from training.adapters.datasets.labelled_files import DataFile, read_examples
from training.domain.bundle.provenance import count_sources
from training.domain.bundle.release import Release
from training.domain.examples import Example
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.metrics import evaluate
from training.domain.linear.training import train_linear
from training.domain.trainers.trained_linear import TrainedLinear
from training.domain.trainers.trainer import Facts


def train(
    data: Sequence[Path],
    development: Sequence[Path],
    output: Path,
    release: Release,
    configuration: LinearConfiguration,
    stated_licences: Mapping[str, str],
    progress: Callable[[str], None],
) -> tuple[str, dict[str, dict[str, object]]]:
    """Train a bundle into `output`; its digest, and its metrics by data set.

    `development` sets are only scored: they touch neither weights nor thresholds.
    """
    files = [read_examples(path) for path in data]
    examples = [example for file in files for example in file.examples]
    sources = count_sources(examples, stated_licences)
    scored = [read_examples(path) for path in development]
    trained = TrainedLinear(train_linear(examples, configuration, progress))
    measured = {}
    for file in scored:
        progress(f"scoring {file.name}")
        verdicts = trained.judge([example.text for example in file.examples])
        measured[file.name] = evaluate(file.examples, verdicts.scores, trained.thresholds)
    contents = trained.bundle(
        Facts(
            release,
            sources,
            [_data_entry(file, stated_licences) for file in files],
            measured,
            command=_command(files, scored, release, configuration),
        )
    )
    progress(f"writing {output}")
    digest = write_bundle(output, contents)
    return digest, {"out_of_fold": trained.run.out_of_fold, **measured}


def evaluate_bundle(bundle: Path, data: Sequence[Path]) -> dict[str, dict[str, object]]:
    """Metrics of a bundle on labelled files, by file name."""
    model, thresholds = read_bundle(bundle)
    metrics = {}
    for path in data:
        file = read_examples(path)
        verdicts = model.judge([example.text for example in file.examples])
        metrics[file.name] = evaluate(file.examples, verdicts.scores, thresholds)
    return metrics


def _data_entry(file: DataFile, stated_licences: Mapping[str, str]) -> dict[str, object]:
    return {
        "name": file.name,
        "sha256": file.sha256,
        "rows": len(file.examples),
        "attacks": sum(map(_is_attack, file.examples)),
        "sources": count_sources(file.examples, stated_licences),
    }


def _is_attack(example: Example) -> bool:
    return example.attack


def _command(
    data: Sequence[DataFile],
    development: Sequence[DataFile],
    release: Release,
    configuration: LinearConfiguration,
) -> str:
    arguments = [f"--data {file.name}" for file in data]
    arguments += [f"--dev {file.name}" for file in development]
    arguments += [f"--seed {configuration.seed}", f"--version {release.version}"]
    return f"training train linear {' '.join(arguments)}"
