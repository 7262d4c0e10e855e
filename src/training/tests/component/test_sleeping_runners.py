"""A runner that was stopped in the middle of a step and goes on long after its lease: what it then
does must not last. Against the real MLflow, and a peer that keeps the guard's contract."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from mlflow.tracking import MlflowClient

from training.adapters.mlflow.aliases import MlflowAliases
from training.adapters.postgres import Database
from training.adapters.rollout.guard_client import GuardClient
from training.adapters.rollout.store import RolloutMoved
from training.domain.rollout.deployment import Wish
from training.domain.rollout.rollout import RolloutState
from training.events.rollout_record import RolloutRecord
from training.tests.support import rollout_world
from training.tests.support.mlflow_server import MlflowServer
from training.tests.support.rollout_world import ANA, NAME, TENANT, World, running
from training.tests.support.waiting import eventually
from training.work.rollout.alias_keeping import AliasKeeper
from training.work.rollout.saga import Saga


@dataclass
class Bed:
    """Where a runner sleeps, from when it first comes by until it is woken."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self) -> None:
        self.reached.set()
        await self.woken.wait()


@dataclass
class SleepyAliases:
    """The real ones, of a runner that falls asleep when all its checks are behind it."""

    aliases: MlflowAliases
    bed: Bed

    async def point(self, tenant: str, model: str, version: int) -> None:
        await self.bed.sleep()
        await self.aliases.point(tenant, model, version)

    async def remove(self, tenant: str, model: str) -> None:
        await self.bed.sleep()
        await self.aliases.remove(tenant, model)


class SleepyGuard(GuardClient):
    """The real client, of a runner that falls asleep before it asks for a champion."""

    def __init__(self, url: str, bed: Bed, champion: str) -> None:
        super().__init__(url, rollout_world.token)
        self._bed = bed
        self._champion = champion

    async def deploy(self, model: str, generation: int, wish: Wish) -> None:
        is_it = wish.champion is not None and wish.champion.version == self._champion
        if is_it and wish.warm:
            await self._bed.sleep()
        await super().deploy(model, generation, wish)


@pytest.fixture(scope="module")
def server() -> Iterator[MlflowServer]:
    """A server that knows three versions of the detector."""
    with MlflowServer() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.address.environment().items():
            patch.setenv(name, value)
        # It makes its tables at the first call.
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")
        client = MlflowClient(server.address.url, server.address.url)
        experiment = client.create_experiment(NAME)
        client.create_registered_model(NAME)
        for _ in range(3):
            run = client.create_run(experiment).info
            client.create_model_version(NAME, f"{run.artifact_uri}/model", run.run_id)
        yield server


@pytest.fixture
async def world(database: Database, server: MlflowServer) -> AsyncIterator[World]:
    """Three versions, none of which is champion, and nobody who advances rollouts."""
    async with rollout_world.still_world(database, server.address) as world:
        await world.aliases.remove(TENANT, NAME)
        await world.register(1, 2, 3)
        yield world


@pytest.fixture
def bed() -> Bed:
    return Bed()


@asynccontextmanager
async def asleep(world: World, saga: Saga, bed: Bed) -> AsyncIterator[asyncio.Task[None]]:
    """A runner that went as far as its bed, and whose lease is over."""

    async def walk() -> None:
        while not bed.woken.is_set():
            await saga.advance(await world.claim(lease_s=0.0))

    walking = asyncio.create_task(walk())
    try:
        async with asyncio.timeout(20):
            await bed.reached.wait()
        yield walking
    finally:
        walking.cancel()
        with suppress(asyncio.CancelledError, RolloutMoved):
            await walking


@asynccontextmanager
async def asleep_before_mlflow(world: World, bed: Bed) -> AsyncIterator[asyncio.Task[None]]:
    aliases = SleepyAliases(world.aliases, bed)
    async with GuardClient(world.peer.url, rollout_world.token) as guard:
        saga = Saga(world.database, RolloutRecord(world.registry), guard, aliases)
        async with asleep(world, saga, bed) as walking:
            yield walking


async def wake(bed: Bed, walking: asyncio.Task[None]) -> None:
    """It does what it was about to do, and finds out."""
    bed.woken.set()
    with pytest.raises(RolloutMoved):
        await walking


async def pointed(world: World) -> int | None:
    return await world.aliases.pointed(TENANT, NAME)


async def test_an_alias_that_a_sleeper_moves_back_is_set_right(world: World, bed: Bed) -> None:
    keeper = AliasKeeper(world.database, world.aliases)
    async with running(world.runner):
        await world.champion_is(1)
    second = await world.start(2)
    async with asleep_before_mlflow(world, bed) as walking:
        async with running(world.runner):
            await world.until(second, RolloutState.COMPLETED)
            await world.champion_is(3)
        assert await pointed(world) == 3
        await wake(bed, walking)
    assert await pointed(world) == 2, "no check of the sleeper's own could have kept it from this"
    assert await keeper.look() == 1
    assert await pointed(world) == 3
    assert await keeper.look() == 0
    await world.is_sound()


async def test_an_alias_that_a_sleeper_leaves_without_a_champion_is_removed(
    world: World, bed: Bed
) -> None:
    first = await world.start(1)
    async with asleep_before_mlflow(world, bed) as walking:
        await world.changes.roll_back(ANA, NAME, first.id, "not yet")
        async with running(world.runner):
            await world.until(first, RolloutState.ROLLED_BACK)
        await wake(bed, walking)
    assert await pointed(world) == 1
    assert await AliasKeeper(world.database, world.aliases).look() == 1
    assert await pointed(world) is None


async def test_a_promotion_on_its_way_is_left_alone(world: World, bed: Bed) -> None:
    """The alias is ahead of the registry then, and is meant to be."""
    await world.start(1)
    async with asleep_before_mlflow(world, bed):
        await world.aliases.point(TENANT, NAME, 1)
        assert await AliasKeeper(world.database, world.aliases).look() == 0
    assert await pointed(world) == 1


async def test_whoever_lost_the_lease_moves_no_alias(world: World, bed: Bed) -> None:
    first = await world.start(1)
    async with asleep_before_mlflow(world, bed):
        # It was killed there: another takes the rollout up, and loses it to a third.
        pass
    lost = await world.claim(lease_s=0.0)
    await world.claim(lease_s=30.0)
    assert lost.stored.rollout.has_moved_alias
    async with GuardClient(world.peer.url, rollout_world.token) as guard:
        saga = Saga(world.database, RolloutRecord(world.registry), guard, world.aliases)
        with pytest.raises(RolloutMoved):
            await saga.advance(lost)
    assert await pointed(world) is None
    assert (await world.get(first)).state is RolloutState.PROMOTING


async def test_the_alias_is_looked_after_until_it_is_to_stop(world: World) -> None:
    async with running(world.runner):
        await world.champion_is(1)
    await world.aliases.point(TENANT, NAME, 2)
    stop = asyncio.Event()
    keeper = AliasKeeper(world.database, world.aliases, look_s=3600)
    keeping = asyncio.create_task(keeper.run(stop))

    async def is_right() -> bool:
        return await pointed(world) == 1

    await eventually(is_right)
    stop.set()
    await keeping


@pytest.mark.parametrize("champion", ["1", "2"], ids=["staging", "promoting"])
async def test_the_guard_does_not_obey_a_sleeper(world: World, bed: Bed, champion: str) -> None:
    """What it asks for has a generation, and later ones were asked for since."""
    async with running(world.runner):
        await world.champion_is(1)
    second = await world.start(2)
    async with SleepyGuard(world.peer.url, bed, champion) as guard:
        saga = Saga(world.database, RolloutRecord(world.registry), guard, world.aliases)
        async with asleep(world, saga, bed) as walking:
            async with running(world.runner):
                await world.until(second, RolloutState.COMPLETED)
                await world.champion_is(3)
            before = list(world.peer.deployments)
            bed.woken.set()
            await walking
    assert world.peer.deployments == before
    assert world.peer.desired is not None
    assert world.peer.desired.roles == {"champion": "3", "warm": "2"}
