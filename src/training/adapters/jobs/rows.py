"""Rows of the table `jobs` as `Job`: `job_of(row)`, `as_json(value)`."""

import asyncpg
import msgspec

from training.domain.jobs.job import Job, JobError, JobState, Progress


def job_of(row: asyncpg.Record | None) -> Job:
    """The job of a whole row; LookupError where a statement that must give one gave none."""
    if row is None:
        raise LookupError("no row")
    plain = {name: row[name] for name in _PLAIN}
    progress, result, code = row["progress"], row["result"], row["error_code"]
    return Job(
        **plain,
        state=JobState(str(row["state"])),
        parameters=msgspec.json.decode(str(row["parameters"])),
        tags=msgspec.json.decode(str(row["tags"])),
        progress=None if progress is None else msgspec.json.decode(str(progress), type=Progress),
        result=None if result is None else msgspec.json.decode(str(result)),
        error=None if code is None else JobError(str(code), str(row["error_message"])),
    )


def as_json(value: object) -> str:
    """The text of a value for a column of JSON."""
    return msgspec.json.encode(value).decode()


_PLAIN = (
    "id",
    "tenant",
    "kind",
    "priority",
    "actor",
    "attempt",
    "killed_attempts",
    "created_at",
    "deadline_at",
    "started_at",
    "finished_at",
    "cancel_requested_at",
)
