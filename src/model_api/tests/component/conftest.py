"""The real application on a real PostgreSQL, for callers whom a real key signs for.

It is started once. What one test does another does not see, since each is a tenant of its own.
"""

import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from model_api.tests.support import api as application
from model_api.tests.support import issuer as identity
from model_api.tests.support.api import Api
from model_api.tests.support.database import Databases, TestDatabase
from model_api.tests.support.issuer import Issuer


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
    shared_database: TestDatabase, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """The application with a database and authentication."""
    folder = tmp_path_factory.mktemp("state")
    variables = application.environment(folder, issuer, shared_database)
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


@pytest.fixture(scope="session")
async def standalone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The application with nothing but a state directory."""
    async with application.serving(
        application.environment(tmp_path_factory.mktemp("alone"))
    ) as api:
        yield api


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A state directory for an application of the test's own."""
    return tmp_path / "state"


@pytest.fixture
def unused_url() -> Iterator[str]:
    """An address that is taken, and where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"
