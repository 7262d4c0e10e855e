"""The events of a job, to read: ``JobEventLog(database)``: ``after``, ``ended_at``."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from training.adapters.postgres import Database
from training.domain.jobs.job import JobState


@dataclass(frozen=True, slots=True)
class JobEvent:
    """`kind` is `state`, `progress` or `log`; `data` is a JSON object; ids grow within a job."""

    id: int
    at: datetime
    kind: str
    data: str


class JobEventLog:
    """What jobs told. Whose job it is was asked before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(
        self, job_id: UUID, last_id: int, *, limit: int, kind: str | None = None
    ) -> list[JobEvent]:
        """Up to `limit` events behind `last_id`, oldest first; DatabaseUnavailable."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, at, kind, data::text AS data FROM job_events"
                " WHERE job_id = $1 AND id > $2 AND ($3::text IS NULL OR kind = $3)"
                " ORDER BY id LIMIT $4",
                job_id,
                last_id,
                kind,
                limit,
            )
        return [JobEvent(**row) for row in rows]

    async def ended_at(self, job_id: UUID) -> int | None:
        """The event with which the job has ended; None where it has not; DatabaseUnavailable."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT id, data->>'state' AS state FROM job_events"
                " WHERE job_id = $1 AND kind = 'state' ORDER BY id DESC LIMIT 1",
                job_id,
            )
        if row is None or not JobState(row["state"]).is_terminal:
            return None
        return int(row["id"])
