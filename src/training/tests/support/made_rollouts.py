"""Rollouts that are simply there, under an id of one's own choice; and models that never were."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.lifecycle.event_store import EventStore
from training.domain.identity import Changer
from training.domain.lifecycle import commands
from training.domain.lifecycle.facts import Fact
from training.domain.lifecycle.model import Model
from training.domain.rollout.rollout import Rollout
from training.domain.rollout.shaping import Wanted, shape_rollout
from training.events.registry import Registry
from training.events.rollout_record import RolloutRecord

ACTOR = "a-key"
_GROWING = ("registry_events", "registry_snapshots")


async def forget_model(owner: asyncpg.Connection, tenant: str, name: str) -> None:
    """Make a model unheard of: what only the owner can do, and only on purpose."""
    async with owner.transaction():
        for table in _GROWING:
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER only_grows")
        for statement in (
            "DELETE FROM rollouts WHERE tenant = $1 AND model = $2",
            "DELETE FROM model_versions WHERE tenant = $1 AND name = $2",
            "DELETE FROM models WHERE tenant = $1 AND name = $2",
            "DELETE FROM registry_snapshots WHERE tenant = $1 AND name = $2",
            "DELETE FROM registry_events WHERE tenant = $1 AND name = $2",
        ):
            await owner.execute(statement, tenant, name)
        for table in _GROWING:
            await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER only_grows")


async def make_rollout(
    owner: asyncpg.Connection,
    key: PlatformKey,
    tenant: str,
    name: str,
    version: int,
    rollout_id: UUID,
) -> None:
    """A rollout of a registered version that has just begun."""
    wanted = Wanted(version=version, reason="It sees more.")

    def decide(model: Model) -> Sequence[Fact]:
        return commands.start_rollout(model, rollout_id, version)

    def shape(model: Model) -> Rollout:
        return shape_rollout(rollout_id, tenant, name, ACTOR, model, wanted, datetime.now(UTC))

    record = RolloutRecord(Registry(EventStore(key)))
    async with owner.transaction():
        await record.begin(owner, Changer(tenant, ACTOR), name, decide, shape, wanted.reason)
