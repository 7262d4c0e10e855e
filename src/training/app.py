"""The service in one file: what it consists of, and who knows whom."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.types import ASGIApp

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.jwks import Jwks
from training.adapters.key_files import read_secret
from training.adapters.object_store import ObjectStore
from training.adapters.postgres import Database
from training.adapters.redis_streams import RedisStreams
from training.adapters.service_tokens import ServiceTokens, load_key
from training.api import errors, health, identity, openapi, problem_pages
from training.api.authentication import Authentication, require_declared
from training.api.datasets import problems as data_problems
from training.api.evaluation import problems as suite_problems
from training.api.jobs import problems as job_problems
from training.api.models import problems as lifecycle_problems
from training.api.options import with_options
from training.api.query_parameters import QueryParameters
from training.api.tokens import JwtVerifier
from training.events.housekeeping import keep_house
from training.events.job_feed import JobFeed
from training.events.relay_loop import run_relay
from training.settings import Settings, read
from training.utils.performance_monitor import PerformanceMonitor
from training.utils.relay_metrics import RelayCounters
from training.utils.request_middleware import RequestMiddleware
from training.utils.rollout_metrics import RolloutCounters
from training.utils.supervision import Task, supervised
from training.utils.tracing import Tracing
from training.wiring import datasets, evaluation, jobs, lifecycle
from training.wiring.refusals import REFUSALS
from training.wiring.startup import availability, bucket, database_of, open_database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the service is made of. Nothing here is open before `running` has opened it."""

    settings: Settings
    database: Database
    objects: ObjectStore
    models: ObjectStore
    streams: RedisStreams | None
    verifier: JwtVerifier | None
    tokens: ServiceTokens
    platform_key: PlatformKey
    health: health.Health
    monitor: PerformanceMonitor
    relay_counters: RelayCounters
    job_feed: JobFeed


def create_api(parts: Parts) -> Litestar:
    """The API on its parts."""
    app = Litestar(
        route_handlers=with_options(
            [
                *identity.routes(parts.tokens.key_set()),
                *datasets.routes(
                    parts.settings, parts.database, parts.objects, parts.tokens, evaluation.USERS
                ),
                *evaluation.routes(parts.database, parts.objects),
                *jobs.routes(parts.settings, parts.database, parts.job_feed),
                *lifecycle.routes(parts.settings, parts.database, parts.platform_key),
                *health.routes(parts.health),
                *problem_pages.routes(),
            ]
        ),
        middleware=[Authentication(parts.verifier), QueryParameters()],
        exception_handlers={
            **errors.HANDLERS,
            **REFUSALS,
            **data_problems.HANDLERS,
            **job_problems.HANDLERS,
            **lifecycle_problems.HANDLERS,
            **suite_problems.HANDLERS,
        },
        openapi_config=openapi.config(parts.health.version),
        logging_config=None,
    )
    require_declared(app)
    return app


def background(parts: Parts) -> Mapping[str, Task]:
    """What `serve` does beside answering, by name; each is begun anew where it fails."""
    tasks: dict[str, Task] = {
        "housekeeping": partial(keep_house, parts.database, parts.relay_counters),
        **datasets.tasks(parts.database, parts.objects),
        "job events": parts.job_feed.run,
        "rollouts": partial(
            lifecycle.run_rollouts,
            parts.settings,
            parts.database,
            parts.platform_key,
            parts.tokens,
            RolloutCounters(parts.monitor.registry),
        ),
        "aliases": partial(lifecycle.keep_aliases, parts.settings, parts.database),
    }
    if parts.streams is not None:
        tasks["relay"] = partial(run_relay, parts.database, parts.streams, parts.relay_counters)
    return tasks


@asynccontextmanager
async def running(
    settings: Settings, state_of_health: health.Health, monitor: PerformanceMonitor
) -> AsyncIterator[ASGIApp]:
    """Start everything in the order of its needs; stop it in the reverse order.

    Raises what startup.REFUSALS names where the service must not start.
    """
    async with AsyncExitStack() as stack:
        tracing = Tracing(
            settings.otlp_endpoint, settings.trace_sample_ratio, state_of_health.version
        )
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        database = database_of(settings)
        platform_key = PlatformKey.load(settings.signing_key_file, settings.signing_public_key_file)
        tokens = ServiceTokens(load_key(settings.identity_key_file))
        await open_database(database, stack, state_of_health)
        parts = Parts(
            settings=settings,
            database=database,
            objects=ObjectStore(bucket(settings, settings.data_bucket)),
            models=ObjectStore(bucket(settings, settings.models_bucket)),
            streams=await _streams(settings, stack),
            verifier=await _verifier(settings, stack, state_of_health),
            tokens=tokens,
            platform_key=platform_key,
            health=state_of_health,
            monitor=monitor,
            relay_counters=RelayCounters(monitor.registry),
            job_feed=JobFeed(database, lambda: state_of_health.phase is health.Phase.DRAINING),
        )
        api = create_api(parts)
        await stack.enter_async_context(supervised(background(parts), monitor.task_failed))
        yield RequestMiddleware(api, monitor, tracing)


async def _streams(settings: Settings, stack: AsyncExitStack) -> RedisStreams | None:
    if settings.redis_url is None:
        log.info("without Redis: events wait in the outbox (TRAINING_REDIS_URL)")
        return None
    password = read_secret(settings.redis_password_file)
    return await stack.enter_async_context(RedisStreams(settings.redis_url, password))


async def _verifier(
    settings: Settings, stack: AsyncExitStack, state_of_health: health.Health
) -> JwtVerifier | None:
    if settings.jwks_url is None:
        log.info("without authentication: every caller may do everything (TRAINING_JWKS_URL)")
        return None
    keys = await stack.enter_async_context(Jwks(settings.jwks_url))
    state_of_health.watch("keys", lambda: availability(keys.is_available))
    state_of_health.need(lambda: keys.is_available)
    return JwtVerifier(keys, settings.jwt_issuer)


def describe(version: str) -> bytes:
    """The OpenAPI document, of an API whose parts were never opened."""
    settings = read({"TRAINING_DATABASE_URL": "postgresql://nobody@localhost/nothing"})
    monitor = PerformanceMonitor(version)
    parts = Parts(
        settings=settings,
        database=database_of(settings),
        objects=ObjectStore(bucket(settings, settings.data_bucket)),
        models=ObjectStore(bucket(settings, settings.models_bucket)),
        streams=None,
        verifier=None,
        tokens=ServiceTokens(Ed25519PrivateKey.generate()),
        platform_key=PlatformKey.of(Ed25519PrivateKey.generate()),
        health=health.Health(version),
        monitor=monitor,
        relay_counters=RelayCounters(monitor.registry),
        job_feed=JobFeed(database_of(settings), lambda: False),
    )
    return openapi.render(create_api(parts))
