"""The streams of model events: read, added to, and never changed.

Within the caller's transaction ``EventStore(key)``: ``load(connection, tenant, name) -> Stream``,
``append(connection, stream, facts, actor, reason) -> Stream``, which raises ``StreamConflict``;
``hold``, ``read_events``, ``read_history``.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import msgspec
from uuid_utils.compat import uuid7

from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.adapters.lifecycle import snapshots
from training.adapters.postgres import Connection
from training.domain.lifecycle.chain import (
    GENESIS,
    ChainCheck,
    ChainedEvent,
    Head,
    canonical,
    hash_of,
    signed_message,
)
from training.domain.lifecycle.facts import FACTS, Fact, Recorded, version_of
from training.domain.lifecycle.folding import fold
from training.domain.lifecycle.model import Model
from training.domain.lifecycle.refusals import HistoryBroken, HistoryNewer

SNAPSHOT_EVERY = 64
"""Events between two snapshots."""

_BATCH = 256
_ADD = """
INSERT INTO registry_events (
    tenant, name, position, id, type, version, at, actor, reason, data, previous_hash, hash, key_id,
    signature
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_READ = """
SELECT
    tenant, name, position, id, type, version, at, actor, reason, data, previous_hash, hash, key_id,
    signature
FROM registry_events
WHERE tenant = $1 AND name = $2 AND position > $3 AND ($4::int IS NULL OR version = $4)
ORDER BY position LIMIT $5
"""


class StreamConflict(Exception):
    """Somebody else has added to the stream since it was read: read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A model, and where its stream ends. `new` are the events that were added since the load."""

    tenant: str
    name: str
    model: Model
    position: int = 0
    hash: bytes = GENESIS
    new: tuple[ChainedEvent, ...] = ()


class EventStore:
    """The streams, under the key that signs what is added."""

    def __init__(self, key: PlatformKey) -> None:
        self._key = key

    async def load(self, connection: Connection, tenant: str, name: str) -> Stream:
        """The model as it is, to decide on. Others who would change it wait for this transaction.
        HistoryBroken, HistoryNewer.

        The lock spares them the conflict; what forbids two events of one position is the table.
        """
        await hold(connection, tenant, name)
        return await load_stream(connection, tenant, name, self._key.trusted)

    async def append(
        self,
        connection: Connection,
        stream: Stream,
        facts: Sequence[Fact],
        actor: str,
        reason: str,
    ) -> Stream:
        """Add facts to the stream, signed, and give the stream after them. StreamConflict."""
        for fact in facts:
            event = self._chained(stream, fact, actor, reason)
            try:
                await connection.execute(
                    _ADD,
                    event.tenant,
                    event.name,
                    event.position,
                    event.id,
                    event.type,
                    event.version,
                    event.at,
                    event.actor,
                    event.reason,
                    event.data,
                    event.previous_hash,
                    event.hash,
                    event.key_id,
                    event.signature,
                )
            except asyncpg.UniqueViolationError:
                raise StreamConflict(f"{stream.tenant}/{stream.name}@{event.position}") from None
            stream = replace(
                stream,
                model=fold(stream.model, Recorded(fact, event.at, actor, reason)),
                position=event.position,
                hash=event.hash,
                new=(*stream.new, event),
            )
            if stream.position % SNAPSHOT_EVERY == 0:
                await snapshots.add(
                    connection,
                    stream.tenant,
                    stream.name,
                    Head(stream.position, stream.hash),
                    stream.model,
                    self._key,
                )
        return stream

    def _chained(self, stream: Stream, fact: Fact, actor: str, reason: str) -> ChainedEvent:
        data = msgspec.json.decode(msgspec.json.encode(fact))
        position, event_id, at = stream.position + 1, uuid7(), datetime.now(UTC)
        hash_ = hash_of(
            stream.hash,
            tenant=stream.tenant,
            name=stream.name,
            position=position,
            event_id=event_id,
            type_=type(fact).__name__,
            version=version_of(fact),
            at=at,
            actor=actor,
            reason=reason,
            data=data,
        )
        return ChainedEvent(
            tenant=stream.tenant,
            name=stream.name,
            position=position,
            id=event_id,
            type=type(fact).__name__,
            version=version_of(fact),
            at=at,
            actor=actor,
            reason=reason,
            data=canonical(data),
            previous_hash=stream.hash,
            hash=hash_,
            key_id=self._key.id,
            signature=self._key.sign(signed_message(hash_)),
        )


async def hold(connection: Connection, tenant: str, name: str) -> None:
    """Have others who would change the model wait for this transaction."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 5))", tenant, name
    )


async def load_stream(connection: Connection, tenant: str, name: str, keys: TrustedKeys) -> Stream:
    """The model as it is, from its last snapshot on. HistoryBroken, HistoryNewer.

    Who can write to the database and has no key must not be able to have anything decided by what
    they wrote: a snapshot that is not signed is left aside, and the events are followed.
    """
    latest = await snapshots.latest(connection, tenant, name, keys)
    stream = Stream(tenant, name, Model())
    if latest is not None:
        head, model = latest
        stream = Stream(tenant, name, model, head.position, head.hash)
    events = await _read(connection, tenant, name, after=stream.position)
    check = ChainCheck(tenant, name, (), keys.has_signed, Head(stream.position, stream.hash))
    model = stream.model
    for event in events:
        found = check.add(event)
        if found is not None:
            raise HistoryBroken(found.position, found.what)
        model = fold(model, recorded_of(event))
    if not events:
        return stream
    return Stream(tenant, name, model, events[-1].position, events[-1].hash)


async def read_events(
    connection: Connection, tenant: str, name: str
) -> AsyncIterator[ChainedEvent]:
    """A stream from its beginning, in batches: a long life does not fill the memory."""
    position = 0
    while True:
        events = await _read(connection, tenant, name, after=position, limit=_BATCH)
        for event in events:
            yield event
        if len(events) < _BATCH:
            return
        position = events[-1].position


async def read_history(
    connection: Connection, tenant: str, name: str, version: int, *, limit: int, after: int = 0
) -> list[ChainedEvent]:
    """Up to `limit` events of one version, the oldest first, from beyond the position `after`."""
    return await _read(connection, tenant, name, after=after, version=version, limit=limit)


def recorded_of(event: ChainedEvent) -> Recorded:
    """The fact of an event, with who, when and why. HistoryNewer."""
    kind = FACTS.get(event.type)
    if kind is None:
        raise HistoryNewer(event.position, event.type)
    fact = msgspec.convert(json.loads(event.data), type=kind, strict=False)
    return Recorded(fact, event.at, event.actor, event.reason)


async def _read(
    connection: Connection,
    tenant: str,
    name: str,
    *,
    after: int,
    version: int | None = None,
    limit: int | None = None,
) -> list[ChainedEvent]:
    rows = await connection.fetch(_READ, tenant, name, after, version, limit)
    return [ChainedEvent(**row) for row in rows]
