"""The pool when the database is away: callers are told soon, and served again when it is back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from model_api.adapters.failures import DatabaseUnavailable, RowsRefused
from model_api.adapters.postgres import Database
from model_api.tests.support.database import Databases
from model_api.tests.support.postgres_server import PostgresServer
from model_api.tests.support.waiting import eventually


@pytest.fixture
async def pool(own_databases: Databases) -> AsyncIterator[Database]:
    target = await own_databases.create()
    async with Database(target.url, target.password, timeout_s=2) as database:
        yield database


async def is_well(pool: Database) -> bool:
    try:
        await pool.ping()
    except DatabaseUnavailable:
        return False
    return True


async def test_callers_get_through_a_restart_and_a_hang(
    pool: Database, own_postgres_server: PostgresServer
) -> None:
    await pool.ping()
    own_postgres_server.stop()
    with pytest.raises(DatabaseUnavailable):
        await pool.ping()
    assert not pool.is_available
    await asyncio.to_thread(own_postgres_server.start)
    await eventually(lambda: is_well(pool))

    own_postgres_server.pause()
    try:
        with pytest.raises(DatabaseUnavailable):
            async with pool.transaction() as connection:
                await connection.execute("SELECT 1")
        with pytest.raises(DatabaseUnavailable, match="a moment ago"):
            await pool.ping()
    finally:
        own_postgres_server.resume()
    await eventually(lambda: is_well(pool))


async def test_a_refused_value_is_no_sign_of_sickness(database: Database) -> None:
    with pytest.raises(RowsRefused):
        async with database.connection() as connection:
            await connection.fetchval("SELECT 1 / $1::int", 0)
    assert database.is_available
    await database.ping()


async def test_a_callers_own_failure_rolls_back_and_keeps_the_connection(
    database: Database,
) -> None:
    async def backend() -> int:
        async with database.connection() as connection:
            return int(await connection.fetchval("SELECT pg_backend_pid()"))

    async def give_up() -> None:
        async with database.transaction() as connection:
            await connection.execute(
                "INSERT INTO idempotency_keys (tenant, key, operation, request_hash)"
                " VALUES ('acme', 'k', 'o', '')"
            )
            raise LookupError

    before = await backend()
    with pytest.raises(LookupError):
        await give_up()
    assert await backend() == before
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM idempotency_keys") == 0
