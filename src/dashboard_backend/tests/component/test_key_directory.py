"""Copies of keys: how long they are fresh, how long they are good for, when they are dropped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from dashboard_backend.adapters import key_directory, postgres
from dashboard_backend.adapters.key_directory import KeyDirectory
from dashboard_backend.adapters.key_store import insert_key
from dashboard_backend.adapters.postgres import Database
from dashboard_backend.domain.api_keys import ApiKey, hash_secret
from dashboard_backend.domain.audit import AuditEntry
from dashboard_backend.domain.key_records import KeysUnavailableError
from dashboard_backend.domain.scopes import Scope
from dashboard_backend.tests.support.database import TestDatabase

KEY = ApiKey(
    id=UUID(int=7),
    tenant="acme",
    name="before",
    scopes=frozenset({Scope.PREDICT}),
    secret_hash=hash_secret("secret"),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class Clock:
    """Time that the test turns."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(test_database: TestDatabase) -> AsyncIterator[Database]:
    database = Database(test_database.url, test_database.password)
    await database.open()
    async with database.connection() as connection:
        await insert_key(connection, KEY, AuditEntry("system", "key.created"))
    yield database
    await database.close()


@pytest.fixture
def outcomes() -> list[str]:
    return []


@pytest.fixture
def directory(database: Database, clock: Clock, outcomes: list[str]) -> KeyDirectory:
    return KeyDirectory(database, outcomes.append, grace_seconds=300, capacity=3, clock=clock)


async def rename(database: Database, name: str) -> None:
    async with database.connection() as connection:
        await connection.execute("UPDATE api_keys SET tenant = $1", name)


async def tenant(directory: KeyDirectory) -> str | None:
    key = await directory.find(KEY.id)
    return None if key is None else key.tenant


async def test_what_is_read_is_what_was_stored(directory: KeyDirectory) -> None:
    assert await directory.find(KEY.id) == KEY


async def test_copy_is_fresh_for_five_seconds(
    directory: KeyDirectory, database: Database, clock: Clock
) -> None:
    assert await tenant(directory) == "acme"
    await rename(database, "other")
    clock.now += 4.9
    assert await tenant(directory) == "acme"
    clock.now += 0.2
    assert await tenant(directory) == "other"


async def test_forgotten_or_doubted_copy_is_read_anew_at_once(
    directory: KeyDirectory, database: Database, clock: Clock
) -> None:
    assert await tenant(directory) == "acme"
    await rename(database, "second")
    directory.forget(KEY.id)
    assert await tenant(directory) == "second"
    await rename(database, "third")
    clock.now += 0.1
    directory.doubt()
    clock.now += 0.1
    assert await tenant(directory) == "third"


async def test_read_that_began_before_a_change_is_not_kept(directory: KeyDirectory) -> None:
    reading = asyncio.create_task(tenant(directory))
    await asyncio.sleep(0)
    directory.forget(KEY.id)
    await reading
    assert not directory.knows(KEY.id)


async def test_simultaneous_callers_share_one_read(
    directory: KeyDirectory,
) -> None:
    found = await asyncio.gather(*(directory.find(KEY.id) for _ in range(50)))
    assert all(key is found[0] for key in found)


async def test_copy_is_good_until_the_grace_is_over_and_no_longer(
    directory: KeyDirectory, database: Database, clock: Clock, outcomes: list[str]
) -> None:
    assert await tenant(directory) == "acme"
    assert await directory.find(UUID(int=8)) is None
    await database.close()
    clock.now += 299
    assert await tenant(directory) == "acme"
    with pytest.raises(KeysUnavailableError):
        await directory.find(UUID(int=8))
    clock.now += 2
    with pytest.raises(KeysUnavailableError):
        await directory.find(KEY.id)
    assert outcomes == ["found", "unknown", "stale", "failed", "failed"]
    assert not directory.serviceable()


@pytest.fixture
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that hangs is never given up."""
    monkeypatch.setattr(key_directory, "_PATIENCE_SECONDS", 3600)
    monkeypatch.setattr(postgres, "_STATEMENT_SECONDS", 3600)


@pytest.mark.usefixtures("_patience")
async def test_with_a_copy_nobody_waits_for_a_database_that_hangs(
    directory: KeyDirectory, database: Database, clock: Clock, outcomes: list[str]
) -> None:
    await directory.find(KEY.id)
    clock.now += 6
    async with database.connection() as connection, connection.transaction():
        await connection.execute("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(60):
            assert await directory.find(KEY.id) == KEY
    assert outcomes == ["found", "stale"]


async def test_memory_is_bounded(directory: KeyDirectory) -> None:
    await directory.find(KEY.id)
    for number in range(100, 103):
        await directory.find(UUID(int=number))
    assert not directory.knows(KEY.id)
