"""A training job as a run of MLflow, and its bundle as a version of a registered model.

Every call is idempotent, or looks first whether it was made before, so that all may be repeated.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from pathlib import Path

import msgspec
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, ViewType
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.tracking import MlflowClient

from training.adapters.mlflow.model import model_files
from training.adapters.mlflow.patience import Patience
from training.domain.tracking.facts import (
    DatasetUse,
    TrackedVersion,
    TrackingRefused,
    TrainingRecord,
)

JOB_TAG = "io.bartizan.job_id"
DIGEST_TAG = "io.bartizan.bundle_digest"
MODEL_FOLDER = "model"

_FINISHED = "FINISHED"
_LONGEST_PARAMETER = 6000
_LONGEST_DIGEST = 36


class RunWriter:
    """Writes one record to the tracking server at `url`."""

    def __init__(self, url: str, check_cancelled: Callable[[], None], patience: float) -> None:
        self._client = MlflowClient(tracking_uri=url, registry_uri=url)
        self._patience = Patience(url, patience, check_cancelled)

    def write(self, record: TrainingRecord, folder: Path) -> TrackedVersion:
        """All of the record; `folder` is empty and for files on their way. See `log_training`."""
        run = self._run(record)
        run_id = run.info.run_id
        if run.info.status != _FINISHED:
            self._log(run_id, record)
            model = model_files(record.bundle, record.bundle_digest, run_id)
            files = dict(record.artifacts) | {
                f"{MODEL_FOLDER}/{name}": model[name] for name in model
            }
            self._upload(run_id, files, folder)
        version = self._version(record, run_id, f"{run.info.artifact_uri}/{MODEL_FOLDER}")
        if run.info.status != _FINISHED:
            ended = _milliseconds(record.finished_at)
            self._ask(lambda: self._client.set_terminated(run_id, _FINISHED, ended))
        return TrackedVersion(run_id, version)

    def _ask[Answer](self, call: Callable[[], Answer]) -> Answer:
        return self._patience.ask(call)

    def _run(self, record: TrainingRecord) -> Run:
        experiment = self._experiment(record.model)
        wanted = f"tags.`{JOB_TAG}` = '{record.job_id}'"

        def find_or_create() -> Run:
            found = self._client.search_runs(
                [experiment], wanted, ViewType.ACTIVE_ONLY, 1, ["attributes.start_time ASC"]
            )
            if found:
                return found[0]
            tags = {JOB_TAG: record.job_id, DIGEST_TAG: record.bundle_digest, **record.tags}
            name = f"{record.trainer} {record.bundle_version}"
            started = _milliseconds(record.started_at)
            return self._client.create_run(experiment, started, tags, name)

        return self._ask(find_or_create)

    def _experiment(self, name: str) -> str:
        def find_or_create() -> str:
            found = self._client.get_experiment_by_name(name)
            if found is None:
                return self._client.create_experiment(name)
            if found.lifecycle_stage != "active":
                raise TrackingRefused(f"the experiment {name} was deleted in MLflow; restore it")
            return str(found.experiment_id)

        return self._ask(lambda: _unless_there(find_or_create, find_or_create))

    def _log(self, run_id: str, record: TrainingRecord) -> None:
        parameters = [
            Param(name, str(value)[:_LONGEST_PARAMETER])
            for name, value in record.parameters.items()
        ]
        log_batch = partial(self._client.log_batch, run_id)
        for some in batched(parameters, 100):
            self._ask(partial(log_batch, params=some))
        for measures in batched(_metrics(record), 1000):
            self._ask(partial(log_batch, metrics=measures))
        inputs = [_input(dataset) for dataset in record.datasets]
        if inputs:
            self._ask(lambda: self._client.log_inputs(run_id, inputs))

    def _upload(self, run_id: str, files: Mapping[str, bytes], folder: Path) -> None:
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self._ask(lambda: self._client.log_artifacts(run_id, str(folder)))

    def _version(self, record: TrainingRecord, run_id: str, source: str) -> int:
        client = self._client
        self._ask(
            lambda: _unless_there(
                lambda: client.create_registered_model(record.model), lambda: None
            )
        )
        tags = {JOB_TAG: record.job_id, DIGEST_TAG: record.bundle_digest}

        def find_or_create() -> int:
            if not self._versions(record.model, run_id):
                client.create_model_version(
                    record.model, source, run_id, tags, await_creation_for=0
                )
            # The lowest: two attempts of one job that create at once agree on it.
            return min(self._versions(record.model, run_id))

        return self._ask(find_or_create)

    def _versions(self, model: str, run_id: str) -> Sequence[int]:
        found = self._client.search_model_versions(f"name = '{model}' and run_id = '{run_id}'")
        return [int(version.version) for version in found]


def _unless_there[Answer](create: Callable[[], Answer], there: Callable[[], Answer]) -> Answer:
    """What `create` answers, or `there` where somebody else was quicker."""
    try:
        return create()
    except (RestException, MlflowException) as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        return there()


def _metrics(record: TrainingRecord) -> Iterator[Metric]:
    ended = _milliseconds(record.finished_at)
    last = max((one.step for one in record.steps), default=0)
    for name, value in record.measures.items():
        yield Metric(name, value, ended, last)
    for one in record.steps:
        for name, value in one.measures.items():
            yield Metric(name, value, ended, one.step)


def _input(dataset: DatasetUse) -> DatasetInput:
    source = {"name": dataset.name, "version": dataset.version, "digest": dataset.digest}
    profile = {"num_rows": dataset.rows, "num_attacks": dataset.attacks}
    digest = dataset.digest.removeprefix("sha256:")[:_LONGEST_DIGEST]
    return DatasetInput(
        Dataset(
            name=f"{dataset.name} {dataset.version}",
            digest=digest,
            source_type="bartizan",
            source=msgspec.json.encode(source).decode(),
            profile=msgspec.json.encode(profile).decode(),
        ),
        [InputTag("mlflow.data.context", dataset.context)],
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
