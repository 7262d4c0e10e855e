"""The connection pool, and what counts as "the database is away"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from dashboard_backend.domain.key_records import KeysUnavailableError

type Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

_POOL_SIZE = 8
_PATIENCE_SECONDS = 1.0
_STATEMENT_SECONDS = 2.0

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidCatalogNameError,
)


class Database:
    """A pool that may be made while the database is away; it connects when asked to."""

    def __init__(self, url: str, password: str | None) -> None:
        """`url` carries no password."""
        self._url = url
        self._password = password
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Make the pool; connects to nothing yet."""
        self._pool = await asyncpg.create_pool(
            self._url,
            password=self._password,
            min_size=0,
            max_size=_POOL_SIZE,
            timeout=_PATIENCE_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            server_settings={"application_name": "dashboard_backend"},
        )

    async def close(self) -> None:
        """Close the pool; what is in progress gets a moment to end."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(_STATEMENT_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection from the pool. Raises KeysUnavailableError when the database is away."""
        if self._pool is None:
            raise KeysUnavailableError
        try:
            async with self._pool.acquire(timeout=_PATIENCE_SECONDS) as connection:
                yield connection
        except AWAY as error:
            raise KeysUnavailableError from error

    async def dedicated(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection outside the pool, for LISTEN. The caller closes it."""
        return await asyncpg.connect(
            self._url,
            password=self._password,
            timeout=_PATIENCE_SECONDS,
            server_settings={"application_name": "dashboard_backend listen"},
        )
