"""Hears what the database notifies about jobs: ``JobNotices(database, channel, heard)``."""

from collections.abc import Callable

import asyncpg

from training.adapters.failures import DATABASE_FAILURES, DatabaseUnavailable, describe
from training.adapters.postgres import Database


class JobNotices:
    """One connection that listens, and calls `heard` with each payload.

    What is sent while it is not connected is lost: `connect` says whether that may have been.
    """

    def __init__(self, database: Database, channel: str, heard: Callable[[str], None]) -> None:
        self._database = database
        self._channel = channel
        self._heard = heard
        self._connection: asyncpg.Connection | None = None

    @property
    def is_connected(self) -> bool:
        """Whether notices arrive, as far as is known."""
        return self._connection is not None and not self._connection.is_closed()

    async def connect(self) -> bool:
        """Listen; True where that was not so before. DatabaseUnavailable."""
        if self.is_connected:
            return False
        self._connection = await self._database.connect()
        try:
            await self._connection.add_listener(self._channel, self._hear)
        except DATABASE_FAILURES as error:
            self.close()
            raise DatabaseUnavailable(describe(error)) from error
        return True

    def close(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _hear(self, _connection: object, _pid: object, _channel: object, payload: object) -> None:
        self._heard(str(payload))
