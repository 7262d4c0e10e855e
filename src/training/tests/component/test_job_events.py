"""What is published of jobs satisfies its schema in contracts/events."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from training.adapters import outbox_table
from training.adapters.jobs import queue as job_queue
from training.adapters.jobs import store as job_store
from training.adapters.jobs.changes import JOB_CHANGED
from training.adapters.jobs.queue import Claimant
from training.adapters.postgres import Connection, Database
from training.domain.jobs import endings
from training.domain.jobs.job import Job
from training.events.cloudevents import envelope

SCHEMA: dict[str, Any] = json.loads((Path("contracts/events") / f"{JOB_CHANGED}.json").read_text())
CLAIMANT = Claimant("worker", ("train",), timedelta(seconds=30), tenant_concurrency=9)


async def begun(connection: Connection) -> Job:
    """A job that runs."""
    await job_store.enqueue(
        connection,
        tenant="acme",
        kind="train",
        parameters={},
        actor="key-1",
        tags={"ticket": "A-1"},
    )
    job = await job_queue.claim(connection, CLAIMANT)
    assert job is not None
    return job


async def test_every_event_of_a_job_satisfies_its_schema(database: Database) -> None:
    async with database.transaction() as connection:
        await job_queue.succeed(connection, await begun(connection), {"version": 1})
        await job_queue.end(connection, await begun(connection), endings.failed("no-column", "No."))
        await job_queue.end(connection, await begun(connection), endings.cancelled())
        for _ in range(3):
            job = await begun(connection)
            ending = endings.killed(job, job.created_at)
            await job_queue.end(connection, job, ending)
        waiting = await job_store.enqueue(
            connection, tenant="acme", kind="train", parameters={}, actor="key-1"
        )
        await job_store.request_cancel(connection, "acme", waiting.id)
        rows = await outbox_table.take(connection, 100, 1 << 20)
    validator = Draft202012Validator(SCHEMA, validate_formats=True)
    events = [json.loads(envelope(row, row.data or "")) for row in rows]
    for event in events:
        validator.validate(event)
    assert {event["type"] for event in events} == {JOB_CHANGED}
    states = {event["data"]["state"] for event in events}
    assert states == {"running", "succeeded", "failed", "cancelled", "poisoned"}
    assert not any("No." in json.dumps(event) for event in events)
