"""The service in one file: what it consists of, and who knows whom."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from litestar import Litestar
from litestar.types import ASGIApp

from model_api.adapters.bundles.files import load_bundle
from model_api.adapters.deployments.counters import DeploymentCounters
from model_api.adapters.jwks import Jwks
from model_api.adapters.policies.cache import PolicyCache
from model_api.adapters.policies.store import PolicyStore
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.feedback_store import FeedbackStore
from model_api.adapters.predictions.store import PredictionStore
from model_api.adapters.predictions.subject_keys import TextCipher
from model_api.api import errors, health, openapi, ops, problem_pages
from model_api.api.authentication import Authentication, require_declared
from model_api.api.bodies import JsonBody
from model_api.api.deployments import models
from model_api.api.deployments import routes as deployments
from model_api.api.options import with_options
from model_api.api.policies import routes as policies
from model_api.api.predictions import feedback, predict
from model_api.api.predictions import routes as predictions
from model_api.api.predictions.judging import Judging
from model_api.api.predictions.kept_answers import KeptAnswers
from model_api.api.predictions.predicting import DataPlane
from model_api.api.predictions.schemas import PredictRequest
from model_api.api.tokens import Issuer, JwtVerifier
from model_api.domain.fingerprint import KEY_BYTES, Fingerprints
from model_api.domain.identity import SERVICE_SCOPES
from model_api.domain.judging.guard import judge
from model_api.events.changes import Changes
from model_api.events.deployment_changes import DeploymentChanges
from model_api.settings import SHIPPED_BUNDLE, Settings
from model_api.utils.admission import Admission
from model_api.utils.performance_monitor import PerformanceMonitor
from model_api.utils.request_middleware import RequestMiddleware
from model_api.utils.tracing import Tracing
from model_api.wiring import deploying, storage
from model_api.wiring.startup import open_database, open_recorder, open_state
from model_api.work.comparing import Comparing
from model_api.work.counting import Counting
from model_api.work.served_models import ServedModels

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the API is made of. Without a database, all that needs one is None."""

    serving: deploying.Serving
    cache: PolicyCache
    judging: Judging
    records: storage.Records
    fingerprints: Fingerprints
    cipher: TextCipher | None
    database: Database | None
    verifier: JwtVerifier | None
    admission: Admission
    health: health.Health
    monitor: PerformanceMonitor
    max_body_bytes: int
    body_seconds: float
    platform_tenant: str


@dataclass(frozen=True, slots=True)
class Service:
    """The running service."""

    api: ASGIApp
    models: ServedModels
    changes: storage.CachedChanges | None
    platform_tenant: str


@asynccontextmanager
async def running(
    settings: Settings, state_of_health: health.Health, monitor: PerformanceMonitor
) -> AsyncIterator[Service]:
    """Start everything in the order of its needs; stop it in the reverse order.

    Raises what startup.REFUSALS names where the service must not start.
    """
    async with AsyncExitStack() as stack:
        tracing = Tracing(
            settings.otlp_endpoint, settings.trace_sample_ratio, state_of_health.version
        )
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        models = ServedModels(partial(load_bundle, settings.bundle))
        await models.reload()
        state = open_state(settings)
        database = await open_database(settings, stack, state_of_health)
        recorder = await open_recorder(settings, stack, state, database, state_of_health, monitor)
        cache = await stack.enter_async_context(PolicyCache(database, settings.state_dir))
        judging = stack.enter_context(Judging(judge, settings.judge_threads))
        follower = deploying.open_follower(settings, models, database)
        await stack.enter_async_context(follower)
        state_of_health.watch("deployment", lambda: follower.status)
        monitor.deployment_generation.set_function(lambda: follower.generation or 0)
        model = models.detector.name
        counters = None if database is None else DeploymentCounters(database, model)
        counting = await stack.enter_async_context(Counting(counters))
        comparing = await stack.enter_async_context(
            Comparing(judging.attempt, counting, monitor.dropped_comparisons.inc)
        )
        verifier = await _open_verifier(settings, stack, state_of_health)
        admission = Admission(settings.max_in_flight_requests, settings.max_in_flight_bytes)
        monitor.watch(admission)
        parts = Parts(
            serving=deploying.Serving(model, models, counting, comparing, follower),
            cache=cache,
            judging=judging,
            records=storage.Records(recorder, state.cipher),
            fingerprints=Fingerprints(state.fingerprint_key),
            cipher=state.cipher,
            database=database,
            verifier=verifier,
            admission=admission,
            health=state_of_health,
            monitor=monitor,
            max_body_bytes=settings.max_body_bytes,
            body_seconds=settings.body_seconds,
            platform_tenant=settings.platform_tenant,
        )
        api, changes = create_api(parts)
        served = RequestMiddleware(api, monitor, tracing)
        yield Service(served, models, changes, settings.platform_tenant)


async def _open_verifier(
    settings: Settings, stack: AsyncExitStack, state_of_health: health.Health
) -> JwtVerifier | None:
    if settings.jwks_url is None:
        log.info("without authentication: every caller may do everything (MODEL_API_JWKS_URL)")
        return None
    keys = await stack.enter_async_context(Jwks(settings.jwks_url))
    state_of_health.watch("keys", lambda: _availability(keys.is_available))
    state_of_health.need(lambda: keys.is_available)
    issuers = {settings.jwt_issuer: Issuer(keys)}
    for name, url in settings.service_issuers.items():
        # The guard does its work without them: nobody waits for their keys.
        service_keys = await stack.enter_async_context(Jwks(url))
        issuers[name] = Issuer(service_keys, SERVICE_SCOPES[name])
    return JwtVerifier(issuers)


def create_api(parts: Parts) -> tuple[Litestar, storage.CachedChanges | None]:
    """The API on its parts, and the changes it makes."""
    book = storage.PolicyBook(parts.cache)
    serving = parts.serving
    data_plane = DataPlane(
        serving.models,
        book,
        parts.judging,
        parts.records,
        parts.fingerprints,
        parts.monitor,
        serving.counting,
        serving.comparing,
    )
    model, database, changes, deployed = serving.model, parts.database, None, None
    written_policies = stored_predictions = stored_feedback = texts = answers = None
    if database is not None:
        changes = storage.CachedChanges(Changes(database), DeploymentChanges(database), parts.cache)
        deployed = deploying.Deployments(database, model, serving.follower)
        answers = storage.AnswerStore(database)
        written_policies = PolicyStore(database)
        stored_predictions = PredictionStore(database)
        stored_feedback = FeedbackStore(database)
        if parts.cipher is not None:
            texts = storage.StoredTexts(stored_predictions, parts.cipher)
    app = Litestar(
        route_handlers=with_options(
            [
                *predict.routes(
                    data_plane,
                    JsonBody(PredictRequest, parts.max_body_bytes, parts.body_seconds),
                    parts.admission,
                    KeptAnswers(answers, parts.fingerprints),
                ),
                *models.routes(serving.models, changes),
                *deployments.routes(model, deployed, parts.platform_tenant),
                *policies.routes(written_policies, changes, serving.models),
                *predictions.routes(stored_predictions, texts),
                *feedback.routes(stored_feedback, texts, changes),
                *health.routes(parts.health),
                *problem_pages.routes(),
            ]
        ),
        middleware=[Authentication(parts.verifier)],
        exception_handlers={**errors.HANDLERS, **storage.REFUSALS, **deploying.REFUSALS},
        openapi_config=openapi.config(parts.health.version),
        logging_config=None,
    )
    require_declared(app)
    return app, changes


def create_ops(state_of_health: health.Health, monitor: PerformanceMonitor) -> Litestar:
    """What the ops port serves."""
    return Litestar(
        route_handlers=[*health.probes(state_of_health), *ops.routes(monitor)],
        openapi_config=None,
        logging_config=None,
    )


def describe(version: str) -> bytes:
    """The OpenAPI document, of an API whose parts were never started."""
    counting = Counting(None)
    judging = Judging(judge, threads=1)
    parts = Parts(
        serving=deploying.Serving(
            model="detector",
            models=ServedModels(partial(load_bundle, SHIPPED_BUNDLE)),
            counting=counting,
            comparing=Comparing(judging.attempt, counting, lambda _: None),
            follower=None,
        ),
        cache=PolicyCache(None, SHIPPED_BUNDLE),
        judging=judging,
        records=storage.Records(None, None),
        fingerprints=Fingerprints(bytes(KEY_BYTES)),
        cipher=None,
        database=None,
        verifier=None,
        admission=Admission(1, 1),
        health=health.Health(version),
        monitor=PerformanceMonitor(version),
        max_body_bytes=1,
        body_seconds=1,
        platform_tenant="default",
    )
    return openapi.render(create_api(parts)[0])


def _availability(available: bool) -> str:
    return "available" if available else "unavailable"
