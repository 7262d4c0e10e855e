"""The life of models, put together: its routes, its commands, and the runner of its rollouts."""

import asyncio
from functools import partial

from litestar.handlers import HTTPRouteHandler

from training.adapters.audit_log import AuditLog
from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.adapters.key_files import read_secret
from training.adapters.lifecycle.event_store import EventStore
from training.adapters.lifecycle.history_check import Verifier
from training.adapters.lifecycle.store import ModelStore
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.mlflow.aliases import MlflowAliases
from training.adapters.postgres import Database
from training.adapters.rollout.guard_client import GuardClient
from training.adapters.service_tokens import ServiceTokens
from training.api import audit
from training.api.models import promotion_policies, rollouts, steering
from training.api.models import routes as models
from training.events.lifecycle_changes import LifecycleChanges
from training.events.registry import Registry
from training.events.rollout_changes import RolloutChanges
from training.events.rollout_record import RolloutRecord
from training.settings import Settings
from training.utils.rollout_metrics import RolloutCounters
from training.wiring.startup import database_of
from training.work.rollout.alias_keeping import AliasKeeper
from training.work.rollout.runner import RolloutRunner
from training.work.rollout.saga import Saga

GUARD_SCOPES = ("deployments:read", "deployments:write")
VERIFICATION_SECONDS = 60.0


def routes(settings: Settings, database: Database, key: PlatformKey) -> list[HTTPRouteHandler]:
    """All routes of models, rollouts and the audit log."""
    store, registry = ModelStore(database), Registry(EventStore(key))
    lifecycles = LifecycleChanges(database, registry)
    changes = RolloutChanges(database, RolloutRecord(registry))
    return [
        *models.routes(store, lifecycles),
        *promotion_policies.routes(store, lifecycles),
        *rollouts.routes(store, changes, settings.platform_tenant),
        *steering.routes(changes, settings.platform_tenant),
        *audit.routes(AuditLog(database), _verifier(settings).verify),
    ]


async def run_rollouts(
    settings: Settings,
    database: Database,
    key: PlatformKey,
    tokens: ServiceTokens,
    counters: RolloutCounters,
    stop: asyncio.Event,
) -> None:
    """Keep the rollouts going until `stop` is set."""
    token = partial(tokens.mint, "model_api", settings.platform_tenant, GUARD_SCOPES)
    async with (
        GuardClient(settings.model_api_url, token) as guard,
        MlflowAliases(mlflow_of(settings), settings.platform_tenant) as aliases,
    ):
        record = RolloutRecord(Registry(EventStore(key)))
        saga = Saga(database, record, guard, aliases)
        await RolloutRunner(database, saga, counters).run(stop)


async def keep_aliases(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Have MLflow's aliases name the champions until `stop` is set."""
    async with MlflowAliases(mlflow_of(settings), settings.platform_tenant) as aliases:
        await AliasKeeper(database, aliases).run(stop)


def mlflow_of(settings: Settings) -> MlflowAddress:
    """Where MLflow is; KeyFileInvalid."""
    password = read_secret(settings.mlflow_password_file)
    return MlflowAddress(settings.mlflow_url, settings.mlflow_username, password)


def _verifier(settings: Settings) -> Verifier:
    # A pool of its own: a long history takes longer than a request for one row may.
    return Verifier(
        partial(database_of, settings, timeout_s=VERIFICATION_SECONDS + 5),
        partial(TrustedKeys.load, settings.signing_public_key_file),
        VERIFICATION_SECONDS,
    )
