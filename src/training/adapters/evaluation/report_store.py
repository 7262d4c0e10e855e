"""Evaluation reports: ``insert`` and ``verdicts_of`` in the caller's transaction,
``ReportStore(database)`` to read."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from training.adapters.postgres import Connection, Database
from training.domain.evaluation.definition import StoredEvaluation
from training.domain.evaluation.report import Report, digest_of
from training.domain.evaluation.verdict import Comparison
from training.domain.jobs.job import Job


async def insert(
    connection: Connection,
    job: Job,
    model: str,
    version: int,
    report: Report,
    compared: tuple[int, Comparison] | None,
) -> None:
    """Keep what a job found about a version, and against which other version it held it.

    A second time for the same job changes nothing.
    """
    against, comparison = compared or (None, None)
    await connection.execute(
        "INSERT INTO evaluations (id, tenant, job_id, model, version, against, report_digest,"
        " report, comparison, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (job_id) DO NOTHING",
        uuid7(),
        job.tenant,
        job.id,
        model,
        version,
        against,
        digest_of(report),
        msgspec.json.encode(report).decode(),
        None if comparison is None else msgspec.json.encode(comparison).decode(),
        job.actor,
        datetime.now(UTC),
    )


async def verdicts_of(
    connection: Connection, tenant: str, model: str, version: int
) -> dict[int, str]:
    """What the newest comparison of a version with each other one said, by that other version."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (against) against, comparison->>'verdict' AS verdict FROM evaluations"
        " WHERE tenant = $1 AND model = $2 AND version = $3 AND against IS NOT NULL"
        " ORDER BY against, id DESC",
        tenant,
        model,
        version,
    )
    return {row["against"]: row["verdict"] for row in rows}


class ReportStore:
    """The reports. All methods raise DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_version(self, tenant: str, model: str, version: int) -> StoredEvaluation | None:
        """The newest report on a version."""
        return await self._one(
            "SELECT * FROM evaluations WHERE tenant = $1 AND model = $2 AND version = $3"
            " ORDER BY id DESC LIMIT 1",
            tenant,
            model,
            version,
        )

    async def of_job(self, tenant: str, job_id: UUID) -> StoredEvaluation | None:
        """The report that a job made."""
        return await self._one(
            "SELECT * FROM evaluations WHERE tenant = $1 AND job_id = $2", tenant, job_id
        )

    async def _one(self, query: str, *arguments: object) -> StoredEvaluation | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query, *arguments)
        return None if row is None else _stored(row)


def _stored(row: asyncpg.Record) -> StoredEvaluation:
    comparison = row["comparison"]
    return StoredEvaluation(
        id=row["id"],
        job_id=row["job_id"],
        model=row["model"],
        version=row["version"],
        against=row["against"],
        report_digest=row["report_digest"],
        report=msgspec.json.decode(row["report"], type=Report),
        comparison=comparison and msgspec.json.decode(comparison, type=Comparison),
        created_by=row["created_by"],
        created_at=row["created_at"],
    )
