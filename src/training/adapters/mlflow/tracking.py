"""Tells MLflow of a training: its run, its artifacts, and the model's next version."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from training.adapters.mlflow.address import MlflowAddress
from training.domain.tracking.facts import TrackedVersion, TrainingRecord

PATIENCE_SECONDS = 180.0
"""How long MLflow may be away before a training gives up on it."""


def log_training(
    address: MlflowAddress,
    record: TrainingRecord,
    *,
    check_cancelled: Callable[[], None] = lambda: None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> TrackedVersion:
    """Tell MLflow all of it, once: told again, by whichever attempt of the job, nothing is added.

    The run and the version are known by their tag `io.bartizan.job_id`. Blocks; for the process of
    a job, whose environment it changes, and which it costs 60 MB and two seconds to load MLflow.
    `check_cancelled` is called while MLflow is waited for, and may raise. Raises TrackingAway where
    it was away for `patience_seconds` in a row, TrackingRefused where it will not.
    """
    os.environ.update(address.environment())
    # Loaded here alone: MLflow reads its environment at import, and nobody else needs it.
    from training.adapters.mlflow.run import RunWriter

    with tempfile.TemporaryDirectory(prefix="mlflow-") as folder:
        writer = RunWriter(address.url, check_cancelled, patience_seconds)
        return writer.write(record, Path(folder))
