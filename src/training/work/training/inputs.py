"""What a training needs to know: resolved by the worker, which has the database, for the job."""

from datetime import datetime
from typing import Any

import msgspec

from training.adapters.datasets import store as dataset_store
from training.adapters.lifecycle import projection as model_projection
from training.adapters.postgres import Connection
from training.adapters.trainer_plugins import all_trainers
from training.domain.datasets.version import DatasetVersion, Part
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import JobFailed
from training.domain.trainers.datasets import DatasetUnfit, fit
from training.domain.trainers.order import DatasetReference, Order, OrderInvalid, check
from training.work.evaluation.bundle_input import BundleInput, bundle_input
from training.work.evaluation.suite_inputs import suites_for


class DatasetInput(msgspec.Struct, frozen=True):
    """A dataset version to train on."""

    name: str
    version: int
    digest: str
    rows: int
    attacks: int
    licence: str
    source: str
    created_at: datetime
    parts: tuple[Part, ...]


class TrainInputs(msgspec.Struct, frozen=True, kw_only=True):
    """All that the process of the job is told. `trials` are whole sets of parameters."""

    order: Order
    trials: list[dict[str, Any]]
    datasets: list[DatasetInput]
    suites: list[dict[str, Any]]
    champion: BundleInput | None
    started_at: datetime
    tags: dict[str, str]


async def resolve(connection: Connection, job: Job) -> TrainInputs:
    """The inputs of a job; JobFailed where the order cannot be carried out any more."""
    order = msgspec.convert(job.parameters, Order)
    trainer = all_trainers().get(order.trainer)
    if trainer is None:
        raise JobFailed(f"This worker has no trainer {order.trainer}.", "trainer-unknown")
    try:
        trials = check(order, trainer)
    except OrderInvalid as error:
        raise JobFailed(f"{error.pointer}: {error.message}", "order-invalid") from None
    datasets = [await _dataset(connection, job.tenant, each) for each in order.datasets]
    return TrainInputs(
        order=order,
        trials=[msgspec.to_builtins(each) for each in trials],
        datasets=datasets,
        suites=await suites_for(connection, job.tenant, order.suites),
        champion=await _champion(connection, job.tenant, order.name),
        started_at=job.started_at or job.created_at,
        tags=job.tags,
    )


async def _dataset(connection: Connection, tenant: str, wanted: DatasetReference) -> DatasetInput:
    found = await dataset_store.find(connection, tenant, wanted.name, wanted.version)
    try:
        return _input(fit(found, wanted))
    except DatasetUnfit as error:
        raise JobFailed(error.message, error.code) from None


def _input(found: DatasetVersion) -> DatasetInput:
    return DatasetInput(
        name=found.name,
        version=found.version,
        digest=found.digest,
        rows=found.rows,
        attacks=found.attacks,
        licence=found.licence,
        source=found.source,
        created_at=found.created_at,
        parts=found.parts,
    )


async def _champion(connection: Connection, tenant: str, name: str) -> BundleInput | None:
    model = await model_projection.find_model(connection, tenant, name)
    if model is None or model.champion is None:
        return None
    version = await model_projection.find_version(connection, tenant, name, model.champion)
    return None if version is None else await bundle_input(connection, tenant, version)
