"""The parts that roll models out, on a test's database, with a peer for the guard and MLflow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from prometheus_client import CollectorRegistry

from training.adapters.bundles.platform_key import TrustedKeys
from training.adapters.lifecycle import history_check
from training.adapters.lifecycle.event_store import EventStore, read_history
from training.adapters.lifecycle.store import ModelStore
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.mlflow.aliases import MlflowAliases
from training.adapters.postgres import Database
from training.adapters.rollout import store as rollout_store
from training.adapters.rollout.guard_client import GuardClient
from training.adapters.rollout.store import Lease
from training.domain.identity import Changer
from training.domain.lifecycle.model import VersionState
from training.domain.rollout.plan import Gate, Gates, Stage, Step
from training.domain.rollout.rollout import Rollout, RolloutState
from training.domain.rollout.shaping import Wanted
from training.events.lifecycle_changes import LifecycleChanges
from training.events.registry import Registry
from training.events.rollout_changes import RolloutChanges
from training.events.rollout_record import RolloutRecord
from training.tests.support.guard_peer import GuardPeer, guard_peer
from training.tests.support.models import registered
from training.tests.support.signing_vectors import TRUSTED
from training.tests.support.waiting import eventually
from training.utils.rollout_metrics import RolloutCounters
from training.work.rollout.runner import RolloutRunner, RunnerOptions
from training.work.rollout.saga import Saga

TENANT, NAME = "default", "detector"
ANA = Changer(tenant=TENANT, actor="ana", request_id=None, idempotency_key=None)
BEN = Changer(tenant=TENANT, actor="ben", request_id=None, idempotency_key=None)
SHADOW = Step(stage=Stage.SHADOW, share=1.0, predictions=100)
HALF = Step(stage=Stage.CANARY, share=0.5, predictions=100)
ALL = Step(stage=Stage.CANARY, share=1.0, predictions=100)
NEVER = Step(stage=Stage.CANARY, share=0.5, minutes=1000)
ERRORS = Gates(error_rate=Gate(maximum=0.1, window_seconds=60, minimum=50))
BUSY: dict[str, Any] = {"predictions": 200, "blocked": 20}


@dataclass
class World:
    """Does what people do, and looks at what comes of it."""

    database: Database
    registry: Registry
    changes: RolloutChanges
    lifecycles: LifecycleChanges
    store: ModelStore
    peer: GuardPeer
    aliases: MlflowAliases
    runner: RolloutRunner

    async def register(self, *versions: int, verdict: str | None = None) -> None:
        for version in versions:
            async with self.database.transaction() as connection:
                await self.registry.register(
                    connection, TENANT, NAME, registered(version, verdict), "job:1", "trained"
                )

    async def start(
        self, version: int, *plan: Step, changer: Changer = ANA, **more: Any
    ) -> Rollout:
        wanted = Wanted(version=version, plan=plan, reason="it is better", **more)
        return await self.changes.start(changer, NAME, wanted)

    async def get(self, rollout: Rollout | UUID) -> Rollout:
        rollout_id = rollout if isinstance(rollout, UUID) else rollout.id
        found = await self.store.rollout(TENANT, NAME, rollout_id)
        assert found is not None
        return found

    async def until(self, rollout: Rollout, *states: RolloutState) -> Rollout:
        return await self.until_true(rollout, lambda each: each.state in states)

    async def until_true(self, rollout: Rollout, holds: Callable[[Rollout], bool]) -> Rollout:
        found = [rollout]

        async def check() -> bool:
            found.append(await self.get(rollout))
            return holds(found[-1])

        await eventually(check)
        return found[-1]

    async def champion_is(self, version: int) -> None:
        """Roll a version out without any steps."""
        await self.until(await self.start(version), RolloutState.COMPLETED)

    async def events(self, version: int) -> list[str]:
        async with self.database.connection() as connection:
            found = await read_history(connection, TENANT, NAME, version, limit=200)
        return [event.type for event in found]

    async def state_of(self, version: int) -> VersionState:
        found = await self.store.version(TENANT, NAME, version)
        assert found is not None
        return found.state

    async def claim(self, lease_s: float) -> Lease:
        async with self.database.transaction() as connection:
            lease = await rollout_store.claim(connection, lease_s)
        assert lease is not None
        return lease

    async def hold(self, lease: Lease) -> None:
        async with self.database.transaction() as connection:
            await rollout_store.hold(connection, lease.stored, lease.fence)

    async def is_sound(self) -> None:
        keys = TrustedKeys.parse(TRUSTED.public_pem)
        assert (await history_check.verify(self.database, keys)).is_sound
        assert await history_check.compare(self.database) == []


@asynccontextmanager
async def running(runner: RolloutRunner) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def still_world(
    database: Database, mlflow: MlflowAddress | None = None
) -> AsyncIterator[World]:
    """The parts, with nobody who advances rollouts. Without an MLflow the peer plays that too."""
    registry = Registry(EventStore(TRUSTED))
    record = RolloutRecord(registry)
    async with (
        guard_peer() as peer,
        GuardClient(peer.url, token, deadline_s=5.0) as guard,
        MlflowAliases(
            mlflow or MlflowAddress(peer.url), TENANT, timeout_s=60 if mlflow else 5
        ) as aliases,
    ):
        saga = Saga(database, record, guard, aliases, pace_s=0.05)
        options = RunnerOptions(lease_s=2.0, sweep_s=0.05, retry_s=0.1)
        yield World(
            database=database,
            registry=registry,
            changes=RolloutChanges(database, record),
            lifecycles=LifecycleChanges(database, registry),
            store=ModelStore(database),
            peer=peer,
            aliases=aliases,
            runner=RolloutRunner(database, saga, RolloutCounters(CollectorRegistry()), options),
        )


def token() -> str:
    """A token that the peer can read."""
    return jwt.encode({"iss": "training"}, "a secret of at least thirty-two bytes")
