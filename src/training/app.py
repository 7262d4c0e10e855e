"""Composition root: what each subcommand does, put together from domain and adapters."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from training.adapters.bundle_folder import file_entries, json_bytes, npy_bytes, write_bundle
from training.adapters.bundle_reader import read_bundle
from training.adapters.jsonl import DataFile, read_examples
from training.domain.configuration import LinearConfiguration
from training.domain.examples import Example
from training.domain.manifest import (
    MODEL_CARD_FILE,
    SELF_TEST_FILE,
    WEIGHTS_FILE,
    Release,
    manifest_of,
)
from training.domain.metrics import evaluate
from training.domain.model_card import model_card
from training.domain.provenance import count_sources
from training.domain.self_test import self_test_suite
from training.domain.training import train_linear


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
    run = train_linear(examples, configuration, progress)
    thresholds = {name: point.threshold for name, point in run.operating_points.items()}
    suite = self_test_suite(run.model, thresholds["balanced"])
    metrics = {"out_of_fold": run.out_of_fold}
    for file in scored:
        progress(f"scoring {file.name}")
        verdicts = run.model.judge([example.text for example in file.examples])
        metrics[file.name] = evaluate(file.examples, verdicts.scores, thresholds)
    card = model_card(
        release,
        run.model,
        run.operating_points,
        sources,
        metrics,
        suite.misjudged,
        command=_command(files, scored, release, configuration),
    )
    contents = {
        WEIGHTS_FILE: npy_bytes(run.model.weights),
        SELF_TEST_FILE: json_bytes(suite.cases),
        MODEL_CARD_FILE: card.encode(),
    }
    manifest = manifest_of(
        release,
        run.model,
        run.operating_points,
        [_data_entry(file, stated_licences) for file in files],
        metrics,
        file_entries(contents),
    )
    progress(f"writing {output}")
    return write_bundle(output, json_bytes(manifest), contents), metrics


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
