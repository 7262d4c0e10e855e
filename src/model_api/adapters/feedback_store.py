"""What people said about predictions.

``Feedback``, ``add(connection, feedback)`` or ``PredictionUnknown``;
``FeedbackStore(database).of_prediction(tenant, prediction_id)``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from model_api.adapters.postgres import Connection, Database


class Label(StrEnum):
    """What the judged text really was."""

    ATTACK = "attack"
    BENIGN = "benign"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One opinion on one prediction; a prediction may gather several."""

    id: UUID
    tenant: str
    prediction_id: UUID
    label: Label
    note: str | None
    created_at: datetime
    actor: str


class PredictionUnknown(Exception):
    """The tenant has no such prediction (or it has not left the spool yet)."""


async def add(connection: Connection, feedback: Feedback) -> None:
    """Store the feedback in the caller's transaction; PredictionUnknown."""
    try:
        await connection.execute(
            "INSERT INTO feedback (tenant, id, prediction_id, label, note, created_at, actor)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            feedback.tenant,
            feedback.id,
            feedback.prediction_id,
            feedback.label,
            feedback.note,
            feedback.created_at,
            feedback.actor,
        )
    except asyncpg.ForeignKeyViolationError:
        raise PredictionUnknown(str(feedback.prediction_id)) from None


class FeedbackStore:
    """The feedback, to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_prediction(
        self, tenant: str, prediction_id: UUID, limit: int = 200
    ) -> list[Feedback]:
        """The feedback on a prediction, oldest first; DatabaseUnavailable."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, tenant, prediction_id, label, note, created_at, actor FROM feedback"
                " WHERE tenant = $1 AND prediction_id = $2 ORDER BY id LIMIT $3",
                tenant,
                prediction_id,
                limit,
            )
        return [Feedback(**{**row, "label": Label(row["label"])}) for row in rows]
