"""What a change of a job leaves behind, in the transaction of the change.

``record_state(connection, job)``, ``record(connection, job_id, entries)``, ``wake_workers``. The
caller has locked the job's row, so that the events of one job become visible in their order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from training.adapters import outbox_table
from training.adapters.jobs.rows import as_json
from training.adapters.outbox_table import OutboxEvent
from training.adapters.postgres import Connection
from training.domain.jobs.job import Job, JobState

EVENTS_CHANNEL = "training_job_events"
"""Says the id of a job that has new events."""

WORK_CHANNEL = "training_job_work"
"""Says that a worker may have something to do: a job is queued, or is to be cancelled."""

JOB_CHANGED = "io.bartizan.training.job.changed.v1"


class JobEntry(msgspec.Struct, frozen=True):
    """`kind` is `state`, `progress` or `log`."""

    kind: str
    data: Mapping[str, object]
    at: datetime | None = None


async def record_state(connection: Connection, job: Job) -> None:
    """Tell the listeners of the job, and the world where it began or ended."""
    data: dict[str, object] = {"state": job.state, "attempt": job.attempt}
    if job.error is not None:
        data["error"] = job.error
    if job.state is JobState.SUCCEEDED:
        data["result"] = job.result
    await record(connection, job.id, [JobEntry("state", data)])
    if job.state is not JobState.QUEUED:
        await outbox_table.append(connection, _changed(job))


async def record(connection: Connection, job_id: UUID, entries: Sequence[JobEntry]) -> None:
    """Append to the job's events."""
    await connection.execute(
        "WITH added AS (INSERT INTO job_events (job_id, at, kind, data)"
        " SELECT $1, coalesce(at, clock_timestamp()), kind, data FROM"
        " unnest($2::timestamptz[], $3::text[], $4::json[]) AS entry (at, kind, data))"
        " SELECT pg_notify($5, $1::text)",
        job_id,
        [entry.at for entry in entries],
        [entry.kind for entry in entries],
        [as_json(entry.data) for entry in entries],
        EVENTS_CHANNEL,
    )


async def wake_workers(connection: Connection) -> None:
    """Have every worker look at the queue and at its own jobs."""
    await connection.execute("SELECT pg_notify($1, '')", WORK_CHANNEL)


def _changed(job: Job) -> OutboxEvent:
    data = {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "attempt": job.attempt,
        "tags": job.tags,
        "actor": job.actor,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "error": None if job.error is None else {"code": job.error.code},
    }
    return OutboxEvent(JOB_CHANGED, job.tenant, str(job.id), msgspec.json.encode(data))
