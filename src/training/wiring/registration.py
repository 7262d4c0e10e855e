"""What the registry's commands do, put together from the parts that the service has as well."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from training.adapters.bundles.platform_key import PlatformKey, PlatformKeyInvalid, TrustedKeys
from training.adapters.bundles.signing import BundleNotSound
from training.adapters.failures import DatabaseUnavailable
from training.adapters.key_files import KeyFileInvalid
from training.adapters.lifecycle import history_check
from training.adapters.lifecycle.event_store import EventStore
from training.adapters.lifecycle.history_check import Difference
from training.adapters.object_store import ObjectStore, StoreUnavailable
from training.adapters.postgres import Database
from training.adapters.rollout import store as rollout_store
from training.adapters.schema import SchemaBehind, check
from training.domain.identity import Changer
from training.domain.lifecycle.chain import Verification
from training.domain.lifecycle.refusals import Refused
from training.domain.rollout.rollout import Rollout, RolloutState
from training.domain.tracking.facts import TrackingAway, TrackingRefused
from training.events.published_heads import EventsUnreadable, published_heads
from training.events.registry import Registry
from training.events.rollout_changes import RolloutChanges
from training.events.rollout_record import RolloutRecord
from training.settings import Settings, SettingsInvalid
from training.wiring.lifecycle import mlflow_of
from training.wiring.startup import bucket, database_of
from training.work.register import Registration, read_folder

FAILURES = (
    BundleNotSound,
    DatabaseUnavailable,
    EventsUnreadable,
    KeyFileInvalid,
    PlatformKeyInvalid,
    Refused,
    SchemaBehind,
    SettingsInvalid,
    StoreUnavailable,
    TrackingAway,
    TrackingRefused,
)
"""What may go wrong; each says in one line what."""

OPERATOR = "operator"
"""Who the history says did what was done from the command line."""

_LONG_SECONDS = 3600.0
_LOOK_SECONDS = 0.2


async def register_bundle(
    settings: Settings, folder: Path, champion: bool, reason: str, wait_s: float
) -> tuple[int, str | None]:
    """The version of a bundle, and what its becoming champion waits for, if it was waited for."""
    bundle = read_folder(folder)
    changer = Changer(settings.platform_tenant, OPERATOR)
    async with _database(settings) as database:
        key = PlatformKey.load(settings.signing_key_file, settings.signing_public_key_file)
        registry = Registry(EventStore(key))
        registration = Registration(
            database=database,
            registry=registry,
            rollouts=RolloutChanges(database, RolloutRecord(registry)),
            models=ObjectStore(bucket(settings, settings.models_bucket)),
            mlflow=mlflow_of(settings),
            key=key,
            platform_tenant=settings.platform_tenant,
        )
        version = await registration.register(bundle, changer, reason)
        rollout = None
        if champion:
            rollout = await registration.make_champion(changer, bundle.name, version, reason)
        if rollout is None or not wait_s:
            return version, None
        return version, await _awaited(database, rollout, wait_s)


async def verify_history(settings: Settings, published: Iterable[bytes]) -> Verification:
    """Follow the histories of all tenants, which must hold what was published. EventsUnreadable."""
    heads = published_heads(published)
    async with _database(settings, timeout_s=_LONG_SECONDS) as database:
        keys = TrustedKeys.load(settings.signing_public_key_file)
        return await history_check.verify(database, keys, published=heads)


async def rebuild_projection(settings: Settings, repair: bool) -> list[Difference]:
    """Where the projection differs from the histories; written anew, if that is wanted."""
    async with _database(settings, timeout_s=_LONG_SECONDS) as database:
        differences = await history_check.compare(database)
        if differences and repair:
            await history_check.rebuild(database)
        return differences


async def _awaited(database: Database, rollout: Rollout, wait_s: float) -> str | None:
    """What the rollout still waits for after so many seconds; None once it is completed."""
    loop = asyncio.get_running_loop()
    deadline, found = loop.time() + wait_s, rollout
    while not found.state.is_final and loop.time() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)
        async with database.connection() as connection:
            seen = await rollout_store.find(connection, rollout.tenant, rollout.model, rollout.id)
        found = seen or found
    if found.state is RolloutState.COMPLETED:
        return None
    if found.ending is not None:
        return found.ending.reason
    return found.waiting_for or f"the rollout is {found.state.value}"


@asynccontextmanager
async def _database(settings: Settings, *, timeout_s: float = 5.0) -> AsyncIterator[Database]:
    async with database_of(settings, "training-registry", timeout_s=timeout_s) as database:
        async with database.connection() as connection:
            await check(connection)
        yield database
