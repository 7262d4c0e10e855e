"""Reads predictions back, always within one tenant.

``PredictionStore(database)``: ``get(tenant, id) -> Prediction | None``,
``page(tenant, limit=..., before=..., decision=..., since=...) -> list[Prediction]`` newest first,
``sealed_text(tenant, id) -> SealedText | None``, ``sealed_texts(tenant, ids)``. All raise
``DatabaseUnavailable``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec

from model_api.adapters.id_bounds import FIRST_ID, LAST_ID, lowest_id
from model_api.adapters.postgres import Database
from model_api.adapters.predictions import sql as prediction_sql
from model_api.adapters.predictions.frame import SealedText
from model_api.domain.deployments.routing import Role
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.judgement import ScoredSpan
from model_api.domain.judging.policy import Mode
from model_api.domain.prediction import Prediction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PredictionStore:
    """The predictions that have reached the database; those in the spool are not among them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, prediction_id: UUID) -> Prediction | None:
        """The tenant's prediction of this id, if there is one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(prediction_sql.GET, tenant, prediction_id)
        return None if row is None else _prediction(row)

    async def page(
        self,
        tenant: str,
        *,
        limit: int,
        before: UUID | None = None,
        decision: Decision | None = None,
        since: datetime | None = None,
    ) -> list[Prediction]:
        """Up to ``limit`` predictions, newest first, older than ``before`` (the cursor)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                prediction_sql.PAGE,
                tenant,
                before or LAST_ID,
                FIRST_ID if since is None else lowest_id(since),
                since or _EPOCH,
                [decision] if decision else list(Decision),
                limit,
            )
        return [_prediction(row) for row in rows]

    async def sealed_text(self, tenant: str, prediction_id: UUID) -> SealedText | None:
        """The stored text, still encrypted; None when none was stored or it was forgotten."""
        return (await self.sealed_texts(tenant, [prediction_id])).get(prediction_id)

    async def sealed_texts(
        self, tenant: str, prediction_ids: Sequence[UUID]
    ) -> dict[UUID, SealedText]:
        """The stored texts of those predictions that have one, still encrypted."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(prediction_sql.TEXTS, tenant, prediction_ids)
        return {row["prediction_id"]: _sealed(row) for row in rows}


def _sealed(row: asyncpg.Record) -> SealedText:
    fields = dict(row)
    del fields["prediction_id"]
    return SealedText(**fields)


def _prediction(row: asyncpg.Record) -> Prediction:
    fields = dict(row)
    fields["decision"] = Decision(fields["decision"])
    fields["would_be_decision"] = Decision(fields["would_be_decision"])
    fields["model_role"] = Role(fields["model_role"])
    fields["mode"] = Mode(fields["mode"])
    fields["categories"] = msgspec.json.decode(fields["categories"])
    fields["signals"] = msgspec.json.decode(fields["signals"])
    fields["spans"] = msgspec.json.decode(fields["spans"], type=tuple[ScoredSpan, ...])
    return Prediction(**fields)
