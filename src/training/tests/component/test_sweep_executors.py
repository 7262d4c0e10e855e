"""Sweeps by every executor: the same trials, the same outcome."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from training.domain.jobs.kinds import JobFailed
from training.domain.trainers.linear_parameters import LinearParameters
from training.domain.trainers.trials import Executor, Trial, TrialOutcome, best_of
from training.tests.rows import examples, mislabelled_examples
from training.tests.support import child
from training.tests.support.ray_cluster import RayCluster
from training.tests.support.ray_sweep import summary_of
from training.work.training.executors.local import LocalExecutor
from training.work.training.executors.ray_cluster import RayExecutor

SMALL = LinearParameters(folds=2, embedded=20, char_max=3, char_bits=10, word_bits=9)


class Stopped(Exception):
    """What a check raises."""


def trials(*values: float) -> list[Trial]:
    return [
        Trial(
            index,
            "linear",
            msgspec.to_builtins(msgspec.structs.replace(SMALL, regularisation=value)),
            seed=1,
        )
        for index, value in enumerate(values)
    ]


EIGHT = trials(1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000)


def run(executor: Executor, wanted: list[Trial]) -> list[TrialOutcome]:
    return sorted(executor.run(wanted, mislabelled_examples()), key=lambda outcome: outcome.index)


@pytest.fixture(scope="module")
def local() -> list[TrialOutcome]:
    """The eight trials on this machine."""
    return run(LocalExecutor(2, lambda: None), EIGHT)


def test_trials_differ_and_one_is_best(local: list[TrialOutcome]) -> None:
    assert [outcome.index for outcome in local] == list(range(8))
    aucs = [outcome.out_of_fold["auc"] for outcome in local if outcome.out_of_fold is not None]
    assert len(set(aucs)) > 1
    best = best_of(local, "auc")
    assert best is not None
    assert best.trained is not None
    assert best.out_of_fold == best.trained.out_of_fold


def test_a_trial_that_cannot_be_trained_does_not_spoil_the_others() -> None:
    attacks = [one for one in examples() if one.attack]
    outcomes = list(LocalExecutor(1, lambda: None).run(trials(1), attacks))
    assert outcomes[0].out_of_fold is None
    assert "both needed" in (outcomes[0].impossible or "")


def test_a_stop_is_heeded() -> None:
    def check() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        run(LocalExecutor(2, check), EIGHT)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Two workers, which know nothing of this program but what a sweep brings along."""
    with RayCluster(workers=2) as cluster:
        yield cluster
    assert cluster.processes() == []


def on_ray(address: str, wanted: list[Trial], folder: Path) -> dict[str, Any]:
    """What comes of the trials, by a process of its own, as a job is."""
    ran = subprocess.run(
        child.python(
            *("-m", "training.tests.support.ray_sweep"),
            *(address, msgspec.json.encode(wanted).decode(), str(folder)),
        ),
        env=child.environment(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_two_workers_of_ray_find_what_this_machine_finds(
    cluster: RayCluster, local: list[TrialOutcome], tmp_path: Path
) -> None:
    found = on_ray(cluster.address, EIGHT, tmp_path)

    assert found == json.loads(json.dumps(summary_of(local)))
    assert found["best"]["digest"].startswith("sha256:")
    done_by = dict(file.name.split("-") for file in tmp_path.iterdir())
    assert sorted(done_by) == [str(trial.index) for trial in EIGHT]
    assert len(set(done_by.values())) >= 2


def test_a_cluster_that_is_not_there_is_told_at_once() -> None:
    for address in ("127.0.0.1:1", "nonsense", "ray://127.0.0.1:1"):
        with pytest.raises(JobFailed, match="cannot be reached"):
            run(RayExecutor(address, lambda: None), EIGHT[:1])
    assert "RAY_ADDRESS" not in os.environ
    assert not Path("ray").exists()
