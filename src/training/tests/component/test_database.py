"""The pool when the database is away: callers are told soon, and served again when it is back."""

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from training.adapters.failures import DatabaseUnavailable, RowsRefused
from training.adapters.postgres import Database
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.postgres_server import PostgresServer
from training.tests.support.waiting import eventually


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


def message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", 4 + len(content)) + content


GREETING = (
    message(b"R", bytes(4)) + message(b"S", b"server_version\x0018.0\x00") + message(b"Z", b"I")
)
"""What a server says to whom it lets in: AuthenticationOk, a ParameterStatus, ReadyForQuery."""


async def greet_and_say_no_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
        writer.write(GREETING)
        while await reader.read(1024):
            pass
    finally:
        writer.close()


async def test_a_server_that_greets_and_says_no_more_holds_nobody_up() -> None:
    server = await asyncio.start_server(greet_and_say_no_more, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"postgresql://training@127.0.0.1:{port}/training?sslmode=disable"
    async with asyncio.timeout(60), server, Database(url, timeout_s=0.5) as pool:
        with pytest.raises(DatabaseUnavailable):
            await pool.ping()


async def test_the_server_ends_a_transaction_by_itself_at_every_use_of_a_connection(
    test_database: TestDatabase,
) -> None:
    async with Database(test_database.url, test_database.password, max_connections=1) as pool:
        for _ in range(2):
            async with pool.connection() as connection:
                idle = await connection.fetchval("SHOW idle_in_transaction_session_timeout")
                whole = await connection.fetchval("SHOW transaction_timeout")
            assert (idle, whole) == ("2s", "4s")


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
