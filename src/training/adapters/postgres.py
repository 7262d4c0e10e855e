"""The connection pool, which never lets a sick database hold up its callers.

``Database(url, password, ...)`` is an async context manager that starts without a database:
``transaction()`` and ``connection()`` yield a ``Connection`` or raise ``DatabaseUnavailable``;
``connect()`` opens one outside the pool; ``ping()``; ``is_available``.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from training.adapters.circuit import Circuit
from training.adapters.failures import (
    DATABASE_FAILURES,
    DatabaseUnavailable,
    RowsRefused,
    describe,
    is_refusal,
)

type Connection = asyncpg.Connection | PoolConnectionProxy


class Database:
    """A lazily filled pool behind a circuit breaker.

    ``timeout_s`` bounds each use as a whole: waiting for a connection, statements and commit.
    """

    def __init__(
        self,
        url: str,
        password: str | None = None,
        *,
        max_connections: int = 8,
        timeout_s: float = 2.0,
        retry_after_s: float = 0.25,
        application_name: str = "training",
    ) -> None:
        self._url = url
        self._password = password
        self._max_connections = max_connections
        self._timeout_s = timeout_s
        self._settings = {
            "application_name": application_name,
            # Nobody here pauses for longer, and a process that stands still would keep its locks.
            "idle_in_transaction_session_timeout": str(round(timeout_s * 1000)),
        }
        self._circuit = Circuit(retry_after_s, longest_s=5.0)
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._url,
            password=self._password,
            min_size=0,
            max_size=self._max_connections,
            timeout=self._timeout_s,
            server_settings=self._settings,
            init=self._bound,
            reset=_keep_session,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                async with asyncio.timeout(self._timeout_s):
                    await pool.close()
            except DATABASE_FAILURES:
                pool.terminate()

    @property
    def is_available(self) -> bool:
        """Whether the last use of the pool succeeded (True before the first)."""
        return not self._circuit.is_open

    async def ping(self) -> None:
        """Ask the database for a sign of life; DatabaseUnavailable when none comes in time."""
        async with self.connection() as connection:
            await connection.fetchval("SELECT 1")

    async def connect(self) -> asyncpg.Connection:
        """A connection of the caller's own, for LISTEN; DatabaseUnavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncpg.connect(
                    self._url,
                    password=self._password,
                    timeout=self._timeout_s,
                    server_settings=self._settings,
                )
        except DATABASE_FAILURES as error:
            raise DatabaseUnavailable(describe(error)) from error

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A pooled connection, each statement its own transaction.

        Raises DatabaseUnavailable, or RowsRefused where the values are at fault.
        """
        connection = await self._acquire()
        sound = False
        try:
            async with asyncio.timeout(self._timeout_s):
                yield connection
            sound = True
        except DATABASE_FAILURES as error:
            sound = isinstance(error, asyncpg.PostgresError) and is_refusal(error)
            raise self._judged(error) from error
        except Exception:
            # The caller's own reason to give up, which says nothing about the connection.
            sound = True
            raise
        finally:
            await self._release(connection, sound)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction, committed when the block ends well.

        Raises DatabaseUnavailable (it may then have been committed all the same, when the
        connection was lost during the commit), or RowsRefused where the values are at fault.
        """
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except asyncio.CancelledError:
                # A rollback would wait for the very database that took too long.
                _terminate(connection)
                raise
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()

    async def _bound(self, connection: asyncpg.Connection) -> None:
        """Have the server end a transaction that is not idle, but waits for half a message.

        Servers before 17 cannot. Not sooner than this side gives up, which says more of why.
        """
        try:
            await connection.fetchval(
                "SELECT set_config('transaction_timeout', $1, false)"
                " WHERE current_setting('server_version_num')::integer >= 170000",
                str(round(self._timeout_s * 2000)),
            )
        except BaseException:
            # The pool would take leave of a server that does not answer, and wait for that.
            connection.terminate()
            raise

    async def _acquire(self) -> PoolConnectionProxy:
        if self._pool is None:
            raise DatabaseUnavailable("the pool is closed")
        if not self._circuit.allows():
            raise DatabaseUnavailable("it failed a moment ago")
        try:
            # The pool keeps this time-out for the release as well, which could hang likewise.
            return await self._pool.acquire(timeout=self._timeout_s)
        except DATABASE_FAILURES as error:
            raise self._judged(error) from error

    async def _release(self, connection: PoolConnectionProxy, sound: bool) -> None:
        if self._pool is None:
            return
        if not sound:
            _terminate(connection)
        await self._pool.release(connection)
        if sound:
            self._circuit.succeeded()

    def _judged(self, error: BaseException) -> Exception:
        if is_refusal(error):
            return RowsRefused(describe(error))
        self._circuit.failed()
        return DatabaseUnavailable(describe(error))


def _terminate(connection: Connection) -> None:
    # A connection that was lost has left the pool by itself.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _keep_session(_: asyncpg.Connection) -> None:
    """No user of the pool changes session state, so that the usual reset would be a wasted trip."""
