"""Writes batches of frames, each batch and its events in one transaction.

``PredictionWriter(database)``: ``insert(frames, timeout_s) -> int`` (rows that were new), raises
``DatabaseUnavailable`` or ``RowsRefused``; ``drop()``.
"""

import asyncio
from collections.abc import Sequence

import asyncpg
from uuid_utils.compat import uuid7

from model_api.adapters.failures import (
    DATABASE_FAILURES,
    DatabaseUnavailable,
    RowsRefused,
    describe,
    is_refusal,
)
from model_api.adapters.outbox_table import STREAM, Wakeup
from model_api.adapters.postgres import Database
from model_api.adapters.predictions import sql as prediction_sql
from model_api.adapters.predictions.frame import NO_TEXT, tenant_of

PREDICTIONS_RECORDED = "io.bartizan.model_api.predictions.recorded.v1"


class PredictionWriter:
    """A connection of its own, which is dropped at the first sign of trouble.

    A pooled one would cost a reset for each batch, and a statement that hangs would have to be
    cancelled through the database that hangs. For one task at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._wakeup = Wakeup()

    async def insert(self, frames: Sequence[bytes], timeout_s: float) -> int:
        """Store the frames that are not stored yet, with one event for each tenant.

        After DatabaseUnavailable the batch may have been stored all the same; storing it again
        is harmless, because what is there already is neither written nor announced.
        """
        if not frames:
            return 0
        statement = asyncio.ensure_future(self._insert(frames))
        try:
            # Waiting beside the statement, not cancelling it: to cancel is to open another
            # connection to the database that hangs.
            await asyncio.wait((statement,), timeout=timeout_s)
            if not statement.done():
                raise DatabaseUnavailable("it took too long")
            return statement.result()
        except DATABASE_FAILURES as error:
            if is_refusal(error):
                raise RowsRefused(describe(error)) from error
            raise DatabaseUnavailable(describe(error)) from error
        finally:
            if not statement.done() or statement.cancelled() or statement.exception():
                self._give_up(statement)

    def drop(self) -> None:
        """Drop the connection, if there is one; nothing is in flight on it."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _insert(self, frames: Sequence[bytes]) -> int:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect()
        tenants = list({tenant_of(frame) for frame in frames})
        arguments = (
            _as_array(frames),
            tenants,
            [uuid7() for _ in tenants],
            STREAM,
            PREDICTIONS_RECORDED,
            self._wakeup.is_due(),
        )
        with_text = [frame for frame in frames if not frame.endswith(NO_TEXT)]
        if not with_text:
            inserted = await self._connection.fetchval(prediction_sql.RECORD, *arguments)
        else:
            async with self._connection.transaction():
                inserted = await self._connection.fetchval(prediction_sql.RECORD, *arguments)
                await self._connection.execute(prediction_sql.RECORD_TEXTS, _as_array(with_text))
        return int(inserted)

    def _give_up(self, statement: asyncio.Future[int]) -> None:
        statement.add_done_callback(_ignore)
        if self._connection is None:
            statement.cancel()
        else:
            # Losing its connection ends the statement, without a word to the database.
            self.drop()


def _ignore(statement: asyncio.Future[int]) -> None:
    """Take note of an outcome that nobody waits for, or asyncio complains that nobody did."""
    if not statement.cancelled():
        statement.exception()


def _as_array(frames: Sequence[bytes]) -> str:
    return (b"[" + b",".join(frames) + b"]").decode()
