"""What each version did, in the database: ``DeploymentCounters(database, model)``.

``write(batch, seconds, disagreements)`` once a batch; ``totals(since)``; ``tidy()``. All
raise ``DatabaseUnavailable``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from model_api.adapters.deployments import sql as deployment_sql
from model_api.adapters.postgres import Database
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.deployments.latencies import percentile
from model_api.domain.deployments.routing import Role
from model_api.domain.deployments.tally import Second
from model_api.domain.deployments.totals import Latency, Totals, VersionTotals

SECONDS_KEPT_FOR = timedelta(hours=2)
MINUTES_KEPT_FOR = timedelta(days=14)
DISAGREEMENTS_KEPT_FOR = timedelta(days=14)

type _Key = tuple[str, str]


class DeploymentCounters:
    """The counters of one model."""

    def __init__(self, database: Database, model: str) -> None:
        self._database = database
        self._model = model

    async def write(
        self, batch: UUID, seconds: Sequence[Second], disagreements: Sequence[Disagreement]
    ) -> None:
        """Add to what is stored. After DatabaseUnavailable, write the same batch again."""
        async with self._database.connection() as connection:
            await connection.execute(
                deployment_sql.WRITE,
                self._model,
                batch,
                msgspec.json.encode(seconds).decode(),
                msgspec.json.encode(disagreements).decode(),
            )

    async def totals(self, since: datetime) -> Totals:
        """The sums over the whole seconds from ``since`` up to those that every replica has had
        time to write."""
        async with self._database.connection() as connection:
            (span,) = await connection.fetch(deployment_sql.SPAN, since)
            whole = (self._model, span["since"], span["until"])
            sums = await connection.fetch(deployment_sql.SUMS, *whole)
            latencies = await connection.fetch(deployment_sql.LATENCIES, *whole)
            feedback = await connection.fetch(deployment_sql.FEEDBACK, *whole)
        buckets: dict[_Key, dict[int, int]] = {}
        for row in latencies:
            buckets.setdefault(_key(row), {})[row["bucket"]] = row["count"]
        counted = {_key(row): row for row in sums}
        opinions = {_key(row): row for row in feedback}
        versions = [
            _totals(key, counted.get(key), buckets.get(key, {}), opinions.get(key))
            for key in sorted({*counted, *opinions})
        ]
        return Totals(span["since"], span["until"], tuple(versions))

    async def tidy(self) -> None:
        """Put old seconds together to minutes, and forget what is older still."""
        async with self._database.transaction() as connection:
            # One replica is enough.
            if await connection.fetchval(deployment_sql.TRY_TIDY_LOCK):
                await connection.execute(deployment_sql.ROLL_UP, SECONDS_KEPT_FOR)
                await connection.execute(deployment_sql.FORGET_COUNTERS, MINUTES_KEPT_FOR)
                await connection.execute(
                    deployment_sql.FORGET_DISAGREEMENTS, DISAGREEMENTS_KEPT_FOR
                )


def _key(row: asyncpg.Record) -> _Key:
    return row["version"], row["role"]


def _totals(
    key: _Key,
    sums: asyncpg.Record | None,
    buckets: dict[int, int],
    opinions: asyncpg.Record | None,
) -> VersionTotals:
    version, role = key
    judged = sum(buckets.values())
    return VersionTotals(
        version=version,
        role=Role(role),
        predictions=sums["predictions"] if sums else 0,
        errors=sums["errors"] if sums else 0,
        blocked=sums["blocked"] if sums else 0,
        flagged=sums["flagged"] if sums else 0,
        latency_ms=_latency(sums["latency_us"] / judged, buckets) if sums and judged else None,
        compared=sums["compared"] if sums else 0,
        disagreements=sums["disagreements"] if sums else 0,
        feedback=opinions["total"] if opinions else 0,
        contradicting=opinions["contradicting"] if opinions else 0,
    )


def _latency(mean_us: float, buckets: dict[int, int]) -> Latency:
    p50, p95, p99 = (percentile(buckets, share) / 1000 for share in (0.50, 0.95, 0.99))
    return Latency(mean_us / 1000, p50, p95, p99)
