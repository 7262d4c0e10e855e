"""Queues imports: ``check_parents`` and ``queue_import``, in the caller's transaction."""

import msgspec

from training.adapters.audit_log import audit
from training.adapters.datasets import store as dataset_store
from training.adapters.jobs import store as job_store
from training.adapters.postgres import Connection
from training.domain.datasets.upload import ParentUnknown
from training.domain.datasets.version import ImportRequest
from training.domain.identity import Changer
from training.domain.jobs.job import Job
from training.work.imports.kind import KIND, ImportParameters


async def check_parents(connection: Connection, tenant: str, request: ImportRequest) -> None:
    """ParentUnknown where the rows are said to come of a version that is not there."""
    for parent in request.parents:
        found = await dataset_store.find(connection, tenant, parent.name, parent.version)
        if found is None:
            raise ParentUnknown(parent.name, parent.version)


async def queue_import(
    connection: Connection, changer: Changer, parameters: ImportParameters
) -> Job:
    """Have a job import, with an audit entry, in the caller's transaction."""
    job = await job_store.enqueue(
        connection,
        tenant=changer.tenant,
        kind=KIND,
        parameters=msgspec.to_builtins(parameters),
        actor=changer.actor,
    )
    await audit(connection, changer, "dataset.import", parameters.request.name, {"job_id": job.id})
    return job
