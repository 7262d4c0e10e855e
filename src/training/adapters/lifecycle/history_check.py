"""Whether the history is what was recorded, and whether what is read of models follows from it.

``verify(database, keys, tenant) -> Verification``, and ``Verifier`` for a process that has more to
do; for the projection ``compare(database)`` and ``rebuild(database)``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, fields

from training.adapters.bundles.platform_key import TrustedKeys
from training.adapters.lifecycle import projection as model_projection
from training.adapters.lifecycle import snapshots
from training.adapters.lifecycle.event_store import read_events, recorded_of
from training.adapters.postgres import Connection, Database
from training.domain.lifecycle.chain import Break, ChainCheck, Head, HistoryTooLong, Verification
from training.domain.lifecycle.folding import fold
from training.domain.lifecycle.model import Model
from training.domain.lifecycle.projection import (
    ModelRow,
    VersionRow,
    project_model,
    project_version,
)

BREATH = 32
"""Events that are followed in one go, some 6 ms, before others of the process have their turn."""

type StreamName = tuple[str, str]
"""Tenant and model."""

_STREAMS = """
SELECT tenant, name FROM registry_events WHERE $1::text IS NULL OR tenant = $1
UNION SELECT tenant, name FROM models WHERE $1::text IS NULL OR tenant = $1
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of the projection that does not follow from the events; `version` is None where it is
    the model's own."""

    tenant: str
    name: str
    version: int | None
    what: str


async def verify(
    database: Database,
    keys: TrustedKeys,
    tenant: str | None = None,
    published: Mapping[StreamName, Iterable[Head]] | None = None,
) -> Verification:
    """Follow every stream of the tenant, or of all. `published` are heads that were told to others
    than the database, of which streams may have been taken whole."""
    told = {} if published is None else published
    models = events = 0
    async with _as_of_one_moment(database) as connection:
        of_tenant = {stream for stream in told if tenant in (None, stream[0])}
        for owner, name in sorted({*await _streams(connection, tenant), *of_tenant}):
            models += 1
            heads = list(told.get((owner, name), ()))
            row = await model_projection.find_model(connection, owner, name)
            if row is not None:
                heads.append(Head(row.position, row.hash))
            check = ChainCheck(owner, name, heads, keys.has_signed)
            kept = await snapshots.positions(connection, owner, name)
            model, found = Model(), None
            async for event in read_events(connection, owner, name):
                found = check.add(event)
                if found is not None:
                    break
                events += 1
                if events % BREATH == 0:
                    await asyncio.sleep(0)
                model = fold(model, recorded_of(event))
                if event.position not in kept:
                    continue
                snapshot = await snapshots.find(connection, owner, name, event.position)
                if snapshot is not None and not snapshot.agrees(model, keys):
                    found = Break(owner, name, event.position, "has a snapshot that differs")
                    break
            found = found or check.finish()
            if found is not None:
                return Verification(models, events, found)
    return Verification(models, events, None)


class Verifier:
    """Follows histories one at a time: each keeps a core busy for as long as it lasts."""

    def __init__(
        self,
        open_database: Callable[[], AbstractAsyncContextManager[Database]],
        keys: Callable[[], TrustedKeys],
        within_s: float,
    ) -> None:
        self._open_database = open_database
        self._keys = keys
        self._within_s = within_s
        self._turn = asyncio.Lock()

    async def verify(self, tenant: str) -> Verification:
        """Follow every stream of the tenant.

        HistoryTooLong, HistoryNewer, DatabaseUnavailable, PlatformKeyInvalid.
        """
        async with self._turn, self._open_database() as database:
            try:
                async with asyncio.timeout(self._within_s):
                    return await verify(database, self._keys(), tenant)
            except TimeoutError:
                raise HistoryTooLong(self._within_s) from None


async def compare(database: Database) -> list[Difference]:
    """Where the projection differs from what the events add up to."""
    differences: list[Difference] = []
    async with _as_of_one_moment(database) as connection:
        for owner, name in await _streams(connection):
            wanted = await _projected(connection, owner, name)
            there = await model_projection.find_model(connection, owner, name)
            differences += _between(owner, name, None, wanted[0], there)
            versions = {
                each.version: each
                for each in await model_projection.list_versions(connection, owner, name)
            }
            for number in sorted({*versions, *wanted[1]}):
                differences += _between(
                    owner, name, number, wanted[1].get(number), versions.get(number)
                )
    return differences


async def rebuild(database: Database) -> int:
    """Write the projection anew from the events; the number of models."""
    async with database.transaction() as connection:
        # Nobody may add an event between the reading and the writing.
        await connection.execute("LOCK TABLE models, model_versions IN EXCLUSIVE MODE")
        streams = await _streams(connection)
        for owner, name in streams:
            model, versions = await _projected(connection, owner, name)
            await model_projection.delete_model(connection, owner, name)
            if model is not None:
                await model_projection.put_model(connection, model)
            for version in versions.values():
                await model_projection.put_version(connection, version)
        return len(streams)


async def _streams(connection: Connection, tenant: str | None = None) -> list[StreamName]:
    rows = await connection.fetch(_STREAMS, tenant)
    return sorted((row["tenant"], row["name"]) for row in rows)


async def _projected(
    connection: Connection, tenant: str, name: str
) -> tuple[ModelRow | None, dict[int, VersionRow]]:
    model, first, last = Model(), None, None
    async for event in read_events(connection, tenant, name):
        model = fold(model, recorded_of(event))
        first, last = first or event, event
    if first is None or last is None:
        return None, {}
    head = Head(last.position, last.hash)
    versions = {
        number: project_version(tenant, name, version) for number, version in model.versions.items()
    }
    return project_model(tenant, name, model, head, first.at, last.at), versions


def _between(
    tenant: str,
    name: str,
    version: int | None,
    wanted: ModelRow | VersionRow | None,
    there: ModelRow | VersionRow | None,
) -> list[Difference]:
    if wanted is None or there is None:
        if wanted is there:
            return []
        what = "is there and should not be" if wanted is None else "is missing"
        return [Difference(tenant, name, version, what)]
    return [
        Difference(tenant, name, version, f"{field.name} differs")
        for field in fields(wanted)
        if getattr(wanted, field.name) != getattr(there, field.name)
    ]


@asynccontextmanager
async def _as_of_one_moment(database: Database) -> AsyncIterator[Connection]:
    """A transaction that sees nothing of what is added meanwhile."""
    async with database.transaction() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection
