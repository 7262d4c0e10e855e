"""The registry on a real PostgreSQL: what is recorded stays, and every change of it shows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.adapters.lifecycle import event_store, history_check, snapshots
from training.adapters.lifecycle import projection as model_projection
from training.adapters.lifecycle.event_store import EventStore, StreamConflict, load_stream
from training.adapters.lifecycle.history_check import Difference
from training.adapters.postgres import Database
from training.domain.lifecycle import commands, facts, refusals
from training.domain.lifecycle.chain import Break, Head
from training.domain.lifecycle.facts import FACTS, Fact, VersionRegistered
from training.domain.lifecycle.model import Model, VersionState
from training.events.registry import Registry
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.models import registered
from training.tests.support.signing_vectors import STRANGER, TRUSTED

TENANT, NAME = "acme", "detector"
KEYS = TrustedKeys.parse(TRUSTED.public_pem)


@dataclass(frozen=True)
class Books:
    """The registry on the test's database."""

    database: Database
    registry: Registry

    async def register(self, *versions: int) -> None:
        for version in versions:
            await self.register_as(registered(version))

    async def register_as(self, version: VersionRegistered) -> int | None:
        async with self.database.transaction() as connection:
            return await self.registry.register(
                connection, TENANT, NAME, version, "job:1", "it was trained"
            )

    async def do(self, decide: Callable[[Model], Sequence[Fact]], name: str = NAME) -> None:
        async with self.database.transaction() as connection:
            await self.registry.change(connection, TENANT, name, decide, "ana", "because")

    async def promote(self, version: int) -> None:
        rollout = UUID(int=version)
        await self.do(lambda model: commands.start_rollout(model, rollout, version))
        await self.do(lambda model: commands.stage(model, rollout))
        await self.do(lambda model: commands.promote(model, rollout))

    async def verified(self) -> Break | None:
        return (await history_check.verify(self.database, KEYS)).first_bad


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database, Registry(EventStore(TRUSTED)))


@pytest.fixture
async def owner(
    databases: Databases, test_database: TestDatabase
) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who may alter tables, and does."""
    connection = await databases.connect(test_database)
    yield connection
    await connection.close()


@pytest.fixture
async def service(test_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who has the service's password."""
    connection = await asyncpg.connect(test_database.url, password=test_database.password)
    yield connection
    await connection.close()


async def test_a_version_is_registered_once(books: Books, owner: asyncpg.Connection) -> None:
    await books.register(1, 1)
    assert await owner.fetchval("SELECT count(*) FROM registry_events") == 1
    assert await owner.fetchval("SELECT count(*) FROM outbox") == 1
    assert await owner.fetchval("SELECT count(*) FROM audit_log") == 1
    changed = replace(registered(2), version=1)
    with pytest.raises(refusals.VersionDiffers):
        await books.register_as(changed)


async def test_a_bundle_that_was_made_again_is_a_version_that_says_so(books: Books) -> None:
    again = {each: replace(registered(each), digest=registered(1).digest) for each in (3, 4)}
    assert await books.register_as(registered(1)) is None
    assert await books.register_as(registered(2)) is None
    assert await books.register_as(again[3]) == 1
    assert await books.register_as(again[4]) == 1
    assert await books.register_as(again[4]) == 1
    assert await books.register_as(registered(2)) is None
    async with books.database.connection() as connection:
        found = await model_projection.find_version(connection, TENANT, NAME, 4)
    assert found is not None
    assert found.digest == registered(1).digest


async def test_the_champion_is_what_was_promoted_last(books: Books) -> None:
    await books.register(1, 2)
    async with books.database.connection() as connection:
        assert await books.registry.champion(connection, TENANT, NAME) is None
    await books.promote(1)
    await books.promote(2)
    async with books.database.connection() as connection:
        champion = await books.registry.champion(connection, TENANT, NAME)
        assert champion is not None
        assert (champion.version, champion.state) == (2, VersionState.CHAMPION)
        assert champion.evidence == registered(2).evidence
        first = await model_projection.find_version(connection, TENANT, NAME, 1)
        assert first is not None
        assert first.state is VersionState.RETIRED
        assert await books.registry.champion(connection, "another", NAME) is None


async def test_a_refused_command_leaves_nothing(books: Books, owner: asyncpg.Connection) -> None:
    await books.register(1)
    with pytest.raises(refusals.VersionUnknown):
        await books.do(lambda model: commands.reject(model, 7))
    with pytest.raises(refusals.ModelUnknown):
        await books.do(lambda _: (), name="unheard-of")
    assert await owner.fetchval("SELECT count(*) FROM registry_events") == 1


async def test_many_at_once_follow_each_other(books: Books) -> None:
    await asyncio.gather(*(books.register(version) for version in range(1, 13)))
    assert await books.verified() is None
    async with books.database.connection() as connection:
        stream = await load_stream(connection, TENANT, NAME, TRUSTED.trusted)
    assert stream.position == 12
    assert set(stream.model.versions) == set(range(1, 13))


async def test_the_table_refuses_two_events_of_one_position(books: Books) -> None:
    await books.register(1)
    store = EventStore(TRUSTED)
    async with books.database.connection() as connection:
        stale = await load_stream(connection, TENANT, NAME, TRUSTED.trusted)
    await books.register(2)
    with pytest.raises(StreamConflict):
        async with books.database.transaction() as connection:
            await store.append(connection, stale, [facts.Rejected(version=1)], "ana", "no")


async def test_a_long_life_is_read_from_its_snapshot(
    books: Books, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "SNAPSHOT_EVERY", 4)
    await books.register(*range(1, 6))
    await books.promote(3)
    assert await owner.fetchval("SELECT count(*) FROM registry_snapshots") == 2
    async with books.database.connection() as connection:
        stream = await load_stream(connection, TENANT, NAME, TRUSTED.trusted)
    assert stream.model.champion == 3
    assert await books.verified() is None
    assert await history_check.compare(books.database) == []


async def test_the_projection_can_be_built_again(books: Books, owner: asyncpg.Connection) -> None:
    await books.register(1, 2, 3)
    await books.promote(1)
    await books.promote(2)
    assert await history_check.compare(books.database) == []
    await owner.execute("UPDATE models SET champion = 1 WHERE name = $1", NAME)
    await owner.execute("UPDATE model_versions SET digest = 'other' WHERE version = 2")
    await owner.execute("DELETE FROM model_versions WHERE version = 3")
    await owner.execute(
        "INSERT INTO models VALUES ('acme', 'ghost', 1, $1, NULL, NULL, NULL, false, NULL,"
        " now(), now())",
        bytes(32),
    )
    assert await history_check.compare(books.database) == [
        Difference(TENANT, NAME, None, "champion differs"),
        Difference(TENANT, NAME, 2, "digest differs"),
        Difference(TENANT, NAME, 3, "is missing"),
        Difference(TENANT, "ghost", None, "is there and should not be"),
    ]
    assert await history_check.rebuild(books.database) == 2
    assert await history_check.compare(books.database) == []


@pytest.mark.parametrize("table", ["registry_events", "registry_snapshots"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET name = 'other'", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_the_history_only_grows(
    books: Books,
    service: asyncpg.Connection,
    owner: asyncpg.Connection,
    table: str,
    statement: str,
) -> None:
    await books.register(1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await service.execute(statement.format(table))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="can only be added to"):
        await owner.execute(statement.format(table))


TAMPERING = {
    "tenant": "tenant = 'acmf'",
    "name": "name = 'detectos'",
    "position": "position = 77",
    "id": "id = '00000000-0000-0000-0000-000000000000'",
    "type": "type = 'Retired'",
    "version": "version = 3",
    "at": "at = at + interval '1 microsecond'",
    "actor": "actor = 'bna'",
    "reason": "reason = 'becausd'",
    "data": "data = replace(data::text, '}', ' }')::json",
    "previous_hash": "previous_hash = set_byte(previous_hash, 0, get_byte(previous_hash, 0) # 1)",
    "hash": "hash = set_byte(hash, 31, get_byte(hash, 31) # 1)",
    "key_id": "key_id = 'another'",
    "signature": "signature = set_byte(signature, 5, get_byte(signature, 5) # 1)",
}


async def without_triggers(owner: asyncpg.Connection, *statements: str) -> None:
    """What somebody with the run of the server can do."""
    async with owner.transaction():
        await owner.execute("ALTER TABLE registry_events DISABLE TRIGGER USER")
        for statement in statements:
            await owner.execute(statement)
        await owner.execute("ALTER TABLE registry_events ENABLE TRIGGER USER")


@pytest.fixture
async def lived(books: Books) -> Books:
    """A model with a life of six events."""
    await books.register(1, 2)
    await books.promote(1)
    await books.do(lambda model: commands.reject(model, 2))
    assert await books.verified() is None
    return books


@pytest.mark.parametrize("column", TAMPERING)
async def test_one_changed_byte_shows_where_it_is(
    lived: Books, owner: asyncpg.Connection, column: str
) -> None:
    change = "UPDATE registry_events SET {} WHERE position = 4"
    await without_triggers(owner, change.format(TAMPERING[column]))
    found = await lived.verified()
    assert found is not None
    assert (found.tenant, found.name, found.position) == (TENANT, NAME, 4)


async def test_every_column_is_tampered_with(owner: asyncpg.Connection) -> None:
    columns = await owner.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'registry_events'"
    )
    assert {row["column_name"] for row in columns} == set(TAMPERING)


async def test_a_deleted_event_shows(lived: Books, owner: asyncpg.Connection) -> None:
    await without_triggers(owner, "DELETE FROM registry_events WHERE position = 3")
    assert await lived.verified() == Break(TENANT, NAME, 3, "is missing")


async def test_exchanged_events_show(lived: Books, owner: asyncpg.Connection) -> None:
    await without_triggers(
        owner,
        "UPDATE registry_events SET position = 99 WHERE position = 3",
        "UPDATE registry_events SET position = 3 WHERE position = 4",
        "UPDATE registry_events SET position = 4 WHERE position = 99",
    )
    found = await lived.verified()
    assert found is not None
    assert found.position == 3


async def told_of(owner: asyncpg.Connection) -> dict[tuple[str, str], list[Head]]:
    """What the service's listeners have kept."""
    rows = await owner.fetch("SELECT data FROM outbox WHERE type LIKE '%model.changed%'")
    told = [msgspec.json.decode(row["data"]) for row in rows]
    heads = [Head(each["position"], bytes.fromhex(each["hash"])) for each in told]
    return {(TENANT, NAME): heads}


async def test_a_lost_tail_shows(lived: Books, owner: asyncpg.Connection) -> None:
    await without_triggers(owner, "DELETE FROM registry_events WHERE position >= 5")
    assert await lived.verified() == Break(TENANT, NAME, 5, "is missing")


async def test_a_lost_tail_shows_to_whoever_followed_the_events(
    lived: Books, owner: asyncpg.Connection
) -> None:
    published = await told_of(owner)
    await without_triggers(owner, "DELETE FROM registry_events WHERE position >= 5")
    await history_check.rebuild(lived.database)
    assert await lived.verified() is None
    found = await history_check.verify(lived.database, KEYS, published=published)
    assert found.first_bad == Break(TENANT, NAME, 5, "is missing")


async def test_a_history_that_is_gone_whole_shows_to_whoever_followed_the_events(
    lived: Books, owner: asyncpg.Connection
) -> None:
    published = await told_of(owner)
    await without_triggers(owner, "DELETE FROM registry_events")
    await owner.execute("DELETE FROM model_versions")
    await owner.execute("DELETE FROM models")
    assert await lived.verified() is None
    found = await history_check.verify(lived.database, KEYS, published=published)
    assert found.first_bad == Break(TENANT, NAME, 1, "is missing")
    other = await history_check.verify(lived.database, KEYS, "another", published)
    assert other.is_sound


async def test_an_end_written_anew_with_the_key_shows_to_whoever_followed_the_events(
    lived: Books, owner: asyncpg.Connection
) -> None:
    """The head that the database has must not stand in for the one that was published."""
    published = await told_of(owner)
    await without_triggers(owner, "DELETE FROM registry_events WHERE position = 6")
    await history_check.rebuild(lived.database)
    await lived.do(lambda model: commands.retire(model, 2))
    assert await lived.verified() is None
    for heads in (published, {stream: told[::-1] for stream, told in published.items()}):
        found = await history_check.verify(lived.database, KEYS, published=heads)
        assert found.first_bad == Break(TENANT, NAME, 6, "differs from what was told of it")


async def test_a_lost_model_shows(lived: Books, owner: asyncpg.Connection) -> None:
    await without_triggers(owner, "DELETE FROM registry_events")
    assert await lived.verified() == Break(TENANT, NAME, 1, "is missing")


async def test_a_forgotten_head_shows(lived: Books, owner: asyncpg.Connection) -> None:
    await owner.execute("DELETE FROM model_versions")
    await owner.execute("DELETE FROM models")
    found = await lived.verified()
    assert found is not None
    assert found.position == 7


async def test_a_forged_chain_shows_without_the_key(
    lived: Books, owner: asyncpg.Connection
) -> None:
    """Somebody writes all of it anew, with hashes that fit, and a key of their own."""
    length = await owner.fetchval("SELECT count(*) FROM registry_events")
    await without_triggers(owner, "DELETE FROM registry_events")
    await Books(lived.database, Registry(EventStore(STRANGER))).register(*range(1, length + 1))
    found = await lived.verified()
    assert found is not None
    assert (found.position, found.what) == (1, "was not signed by a trusted key")


async def test_nothing_is_decided_on_an_event_that_nobody_signed(
    lived: Books, service: asyncpg.Connection
) -> None:
    """The service's own password is enough to add rows, and not to have them believed."""
    async with service.transaction():
        forged = await EventStore(STRANGER).append(
            service,
            await load_stream(service, TENANT, NAME, TRUSTED.trusted),
            [facts.Retired(version=1)],
            "nobody",
            "no",
        )
    assert forged.position == 7
    with pytest.raises(refusals.HistoryBroken) as refusal:
        await lived.do(lambda model: commands.set_policy(model, True))
    assert refusal.value.position == 7


async def test_nothing_is_decided_on_a_snapshot_that_nobody_signed(
    lived: Books, service: asyncpg.Connection
) -> None:
    state = snapshots.state_of(Model(four_eyes=True))
    for forged in (state, f'{{"model":{state},"key_id":"{TRUSTED.id}","signature":"0g"}}'):
        async with service.transaction():
            await service.execute(
                "INSERT INTO registry_snapshots (tenant, name, position, state)"
                " VALUES ($1, $2, (SELECT max(position) FROM registry_events), $3)",
                TENANT,
                NAME,
                forged,
            )
        await lived.do(lambda model: commands.set_policy(model, not model.four_eyes))
        stream = await load_stream(service, TENANT, NAME, TRUSTED.trusted)
        assert sorted(stream.model.versions) == [1, 2]
    assert stream.model.four_eyes is False
    found = await lived.verified()
    assert found == Break(TENANT, NAME, 6, "has a snapshot that differs")


async def test_what_a_former_key_signed_goes_on_being_believed(
    lived: Books, tmp_path: Path
) -> None:
    public = tmp_path / "trusted.pem"
    public.write_bytes(TRUSTED.public_pem)
    key = PlatformKey.load(tmp_path / "new.pem", public)
    rotated = Books(lived.database, Registry(EventStore(key)))
    await rotated.do(lambda model: commands.set_policy(model, True))
    assert (await history_check.verify(lived.database, key.trusted)).is_sound


async def test_a_changed_snapshot_shows(
    books: Books, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "SNAPSHOT_EVERY", 2)
    await books.register(1, 2, 3)
    await change_snapshots(owner, "0.0.1", "0.0.9")
    assert await books.verified() == Break(TENANT, NAME, 2, "has a snapshot that differs")


async def test_what_another_release_kept_is_no_tampering(
    books: Books, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its snapshots look otherwise, and are signed: the events are followed in their place."""
    monkeypatch.setattr(event_store, "SNAPSHOT_EVERY", 2)
    with monkeypatch.context() as other_release:
        other_release.setattr(snapshots, "SNAPSHOT_FORMAT", 2)
        other_release.setattr(snapshots, "state_of", lambda _: '{"champions":"0.0.1"}')
        await books.register(1, 2)
    await books.register(3)
    async with books.database.connection() as connection:
        stream = await load_stream(connection, TENANT, NAME, TRUSTED.trusted)
    assert sorted(stream.model.versions) == [1, 2, 3]
    assert await books.verified() is None
    await change_snapshots(owner, "0.0.1", "0.0.9")
    assert await books.verified() == Break(TENANT, NAME, 2, "has a snapshot that differs")


async def test_an_event_that_only_a_newer_release_knows_is_named(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    await books.register(1)
    known = {name: kind for name, kind in FACTS.items() if name != "VersionRegistered"}
    monkeypatch.setattr(event_store, "FACTS", known)
    said = "Event 1 of the model's history is a VersionRegistered, which this release does not know"
    with pytest.raises(refusals.HistoryNewer, match=said):
        await books.register(2)
    with pytest.raises(refusals.HistoryNewer, match=said):
        await books.verified()


async def test_a_snapshot_that_only_says_it_is_of_another_release_shows(
    books: Books, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "SNAPSHOT_EVERY", 2)
    await books.register(1, 2)
    await change_snapshots(owner, '"format":1', '"format":2')
    assert await books.verified() == Break(TENANT, NAME, 2, "has a snapshot that differs")


async def change_snapshots(owner: asyncpg.Connection, was: str, becomes: str) -> None:
    async with owner.transaction():
        await owner.execute("ALTER TABLE registry_snapshots DISABLE TRIGGER USER")
        changed = await owner.execute(
            "UPDATE registry_snapshots SET state = replace(state::text, $1, $2)::json"
            " WHERE strpos(state::text, $1) > 0",
            was,
            becomes,
        )
        await owner.execute("ALTER TABLE registry_snapshots ENABLE TRIGGER USER")
    assert changed == "UPDATE 1"
