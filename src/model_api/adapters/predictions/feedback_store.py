"""What people said about predictions.

``Feedback``, ``add(connection, feedback)`` or ``PredictionUnknown``;
``FeedbackStore(database).page(tenant, ...) -> list[ListedFeedback]``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from model_api.adapters.id_bounds import FIRST_ID, lowest_id
from model_api.adapters.postgres import Connection, Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


@dataclass(frozen=True, slots=True)
class ListedFeedback:
    """Feedback in a list. ``superseded``: a later opinion on the same prediction was there by then.

    ``text_bytes`` is the size of the prediction's encrypted text; None where none can be read.
    """

    id: UUID
    prediction_id: UUID
    label: Label
    note: str | None
    created_at: datetime
    superseded: bool
    text_bytes: int | None


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


_SELECT = """
SELECT
    feedback.id, feedback.prediction_id, label, note, created_at,
    EXISTS (
        SELECT FROM feedback AS later
        WHERE later.tenant = feedback.tenant AND later.prediction_id = feedback.prediction_id
            AND later.id > feedback.id AND later.created_at <= $5
    ) AS superseded,
    (
        SELECT octet_length(ciphertext)
        FROM prediction_texts JOIN subject_keys
            ON subject_keys.id = subject_key_id
            AND subject_keys.tenant = prediction_texts.tenant
        WHERE prediction_texts.tenant = feedback.tenant
            AND prediction_texts.prediction_id = feedback.prediction_id
            AND wrapped_key IS NOT NULL
    ) AS text_bytes
FROM feedback
WHERE tenant = $1 AND id > $2 AND id >= $3 AND created_at >= $4 AND created_at <= $5
    AND label = ANY($6::text[])"""
"""The label that is asked for hides no opinion that supersedes another."""

_PAGE = f"{_SELECT} ORDER BY id LIMIT $7"
_OF_PREDICTION = f"{_SELECT} AND prediction_id = $8 ORDER BY id LIMIT $7"


class FeedbackStore:
    """The feedback, to read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        tenant: str,
        *,
        limit: int,
        until: datetime,
        after: UUID | None = None,
        since: datetime | None = None,
        label: str | None = None,
        prediction_id: UUID | None = None,
    ) -> list[ListedFeedback]:
        """Up to ``limit``, oldest first, beyond ``after``, of the time from ``since`` to
        ``until``; DatabaseUnavailable."""
        bounds = (
            tenant,
            after or FIRST_ID,
            FIRST_ID if since is None else lowest_id(since),
            since or _EPOCH,
            until,
            [label] if label else list(Label),
            limit,
        )
        async with self._database.connection() as connection:
            if prediction_id is None:
                rows = await connection.fetch(_PAGE, *bounds)
            else:
                rows = await connection.fetch(_OF_PREDICTION, *bounds, prediction_id)
        return [ListedFeedback(**{**row, "label": Label(row["label"])}) for row in rows]
