"""The job that trains a version of a model: kind `train`."""

from collections.abc import Callable
from typing import Any

import msgspec

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.bundles.signing import BundleNotSound
from training.adapters.bundles.uploads import sign_uploaded
from training.adapters.evaluation import report_store, suite_store
from training.adapters.lifecycle.event_store import EventStore, StreamConflict
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.object_store import ObjectMissing, ObjectStore
from training.adapters.postgres import Connection
from training.domain.evaluation.evidence import evidence_of
from training.domain.fingerprints import packed
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import FinishAgain, JobContext, JobFailed, JobKind
from training.domain.lifecycle.facts import VersionRegistered
from training.domain.lifecycle.refusals import Refused
from training.events.registry import Registry
from training.work.training.inputs import resolve
from training.work.training.result import TrainResult

KIND = "train"


class TrainKind(JobKind[Connection]):
    """`load_key` is asked only in the worker, where bundles are signed and history is written."""

    name = KIND

    def __init__(
        self,
        mlflow: MlflowAddress,
        platform_tenant: str,
        models: ObjectStore,
        load_key: Callable[[], PlatformKey],
    ) -> None:
        self._mlflow = mlflow
        self._platform_tenant = platform_tenant
        self._models = models
        self._load_key = load_key

    async def prepare(self, connection: Connection, job: Job) -> dict[str, Any]:
        """Where the rows, the suites and the champion lie, and what must not be trained on."""
        inputs: dict[str, Any] = msgspec.to_builtins(await resolve(connection, job))
        # Of today: a suite may be younger than the datasets that its texts are in.
        protected = await suite_store.protected_fingerprints(connection, job.tenant)
        return {**inputs, "protected": packed(protected)}

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Train, judge beside the champion, upload, tell MLflow."""
        # Only the job's own process trains: what that takes, the worker does without.
        from training.work.training.run import TrainingRun

        return TrainingRun(context, inputs, self._mlflow, self._platform_tenant).result()

    async def seal(self, job: Job, result: dict[str, Any]) -> dict[str, Any]:
        """Sign the bundle as it lies in the bucket."""
        made = msgspec.convert(result, TrainResult)
        try:
            await sign_uploaded(self._models, made.location, made.digest, self._load_key())
        except (BundleNotSound, ObjectMissing):
            raise JobFailed(
                "The bundle is not in the store as it was put there.", "bundle-unreadable"
            ) from None
        return result

    async def finish(self, connection: Connection, job: Job, result: dict[str, Any]) -> None:
        """Make the bundle a version of the model, and keep the report on it."""
        made = msgspec.convert(result, TrainResult)
        name: str = job.parameters["name"]
        key = self._load_key()
        evidence = evidence_of(made.report, made.comparison)
        version = VersionRegistered(
            version=made.version,
            digest=made.digest,
            location=made.location,
            signed_by=key.id,
            bundle_version=made.bundle_version,
            mlflow_run_id=made.run_id,
            evidence={"job": str(job.id), "datasets": made.datasets, **evidence},
        )
        compared = None
        if made.comparison is not None and made.against is not None:
            compared = (made.against, made.comparison)
        try:
            same_bundle_as = await Registry(EventStore(key)).register(
                connection, job.tenant, name, version, job.actor, f"trained by job {job.id}"
            )
        except StreamConflict:
            raise FinishAgain from None
        except Refused as refusal:
            raise JobFailed(str(refusal), "registration-refused") from None
        await report_store.insert(connection, job, name, made.version, made.report, compared)
        del result["report"], result["comparison"]
        result.update(evidence, model=name, same_bundle_as=same_bundle_as)
