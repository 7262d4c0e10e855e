"""The registry: what may be done to models, each change with its events, projection and audit.

``Registry(store)``; within the caller's transaction ``register``, ``champion`` and ``change``.
"""

from collections.abc import Callable, Sequence

from training.adapters import audit_log, outbox_table
from training.adapters.audit_log import AuditEntry
from training.adapters.lifecycle import projection as model_projection
from training.adapters.lifecycle.event_store import EventStore, Stream
from training.adapters.postgres import Connection
from training.domain.lifecycle import commands
from training.domain.lifecycle.facts import Fact, VersionRegistered
from training.domain.lifecycle.model import Model
from training.domain.lifecycle.projection import VersionRow
from training.domain.lifecycle.refusals import ModelUnknown
from training.events.model_facts import model_changed, name_of

type Decide = Callable[[Model], Sequence[Fact]]
"""Looks at the model as it is and gives the facts that follow; raises `Refused`."""


class Registry:
    """All methods work in the caller's transaction, which the change lives and dies with.

    They raise StreamConflict where somebody else changed the model at the same time; the
    transaction is lost then, and may be done again.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def register(
        self,
        connection: Connection,
        tenant: str,
        name: str,
        version: VersionRegistered,
        actor: str,
        reason: str,
    ) -> int | None:
        """Make a signed and uploaded bundle a version of the model, which need not be there yet.

        Again with the same bundle it changes nothing; with another it raises VersionDiffers. The
        first of the other versions that are the same bundle, if there is one: what was trained
        again is registered again, for that is what happened.
        """
        stream = await self._store.load(connection, tenant, name)
        facts = commands.register(stream.model, version)
        await self._record(connection, stream, facts, actor, reason, None)
        return stream.model.first_with(version.digest, version.version)

    async def champion(self, connection: Connection, tenant: str, name: str) -> VersionRow | None:
        """The version that answers, None where none was promoted yet."""
        model = await model_projection.find_model(connection, tenant, name)
        if model is None or model.champion is None:
            return None
        return await model_projection.find_version(connection, tenant, name, model.champion)

    async def change(
        self,
        connection: Connection,
        tenant: str,
        name: str,
        decide: Decide,
        actor: str,
        reason: str,
        request_id: str | None = None,
    ) -> Stream:
        """Do what `decide` makes of the model. ModelUnknown, and the `Refused` that it raises."""
        stream = await self._store.load(connection, tenant, name)
        if stream.position == 0:
            raise ModelUnknown
        return await self._record(
            connection, stream, decide(stream.model), actor, reason, request_id
        )

    async def _record(
        self,
        connection: Connection,
        stream: Stream,
        facts: Sequence[Fact],
        actor: str,
        reason: str,
        request_id: str | None,
    ) -> Stream:
        stream = await self._store.append(connection, stream, facts, actor, reason)
        await model_projection.update(connection, stream)
        for event in stream.new:
            await outbox_table.append(connection, model_changed(stream, event))
            entry = AuditEntry(
                tenant=stream.tenant,
                actor=actor,
                action=f"model.{name_of(event.type)}",
                target=stream.name,
                details={
                    "version": event.version,
                    "position": event.position,
                    "hash": event.hash.hex(),
                },
                request_id=request_id,
            )
            await audit_log.append(connection, entry)
        return stream
