"""A sweep on a Ray cluster, by a process of its own, as a job is.

Usage: ray_sweep ADDRESS TRIALS FOLDER, with the trials as JSON; prints what came of them, as JSON.
Each trial leaves its process's id in FOLDER, and begins when two processes are at work: with one
alone the sweep fails.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from training.domain.bundle.contents import digest_of, file_entries, json_bytes, npy_bytes
from training.domain.bundle.manifest import WEIGHTS_FILE, manifest_of
from training.domain.bundle.release import Release
from training.domain.examples import Example
from training.domain.trainers.trained_linear import TrainedLinear
from training.domain.trainers.trials import Trial, TrialOutcome, best_of
from training.tests.rows import mislabelled_examples
from training.work.training.executors import ray_cluster
from training.work.training.executors.trial_work import train_trial

RELEASE = Release("1.0.0", "2026-01-31T12:00:00Z", "Apache-2.0")
_COMPANY_S = 60


def summary_of(outcomes: Sequence[TrialOutcome]) -> dict[str, Any]:
    """The measures of each trial, and which is best, with the digest of its model."""
    best = best_of(outcomes, "auc")
    assert best is not None
    assert isinstance(best.trained, TrainedLinear)
    return {
        "measures": {str(one.index): [one.out_of_fold, one.impossible] for one in outcomes},
        "best": {"index": best.index, "digest": model_digest(best.trained)},
    }


def model_digest(trained: TrainedLinear) -> str:
    """That of its bundle without the self-test, which none passes that learnt from wrong labels."""
    run = trained.run
    files = file_entries({WEIGHTS_FILE: npy_bytes(run.model.weights)})
    manifest = manifest_of(RELEASE, run.model, run.operating_points, (), {}, files)
    return digest_of(json_bytes(manifest))


def in_company(folder: Path) -> Callable[[Trial, Sequence[Example]], TrialOutcome]:
    """The work for a trial, done when somebody else works too."""

    def work(trial: Trial, examples: Sequence[Example]) -> TrialOutcome:
        (folder / f"{trial.index}-{os.getpid()}").touch()
        deadline = time.monotonic() + _COMPANY_S
        while len({file.name.partition("-")[2] for file in folder.iterdir()}) < 2:
            assert time.monotonic() < deadline, "nobody else works"
            time.sleep(0.02)
        return train_trial(trial, examples)

    return work


def main(address: str, trials: str, folder: str) -> None:
    """Run the sweep."""
    wanted = msgspec.json.decode(trials, type=list[Trial])
    executor = ray_cluster.RayExecutor(address, lambda: None)
    with patch.object(ray_cluster, "train_trial", in_company(Path(folder))):
        outcomes = list(executor.run(wanted, mislabelled_examples()))
    sys.stdout.write(json.dumps(summary_of(outcomes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
