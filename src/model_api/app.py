"""The service in one file: what it consists of, and who knows whom."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from litestar import Litestar
from litestar.types import ASGIApp

from model_api import storage
from model_api.adapters.bundle_files import load_bundle
from model_api.adapters.feedback_store import FeedbackStore
from model_api.adapters.jwks import Jwks
from model_api.adapters.policy_cache import PolicyCache
from model_api.adapters.policy_store import PolicyStore
from model_api.adapters.postgres import Database
from model_api.adapters.prediction_store import PredictionStore
from model_api.adapters.subject_keys import TextCipher
from model_api.api import (
    errors,
    feedback,
    health,
    models,
    openapi,
    ops,
    policies,
    predict,
    predictions,
    problem_pages,
)
from model_api.api.authentication import Authentication, require_declared
from model_api.api.bodies import JsonBody
from model_api.api.judging import Judging
from model_api.api.loaded_model import LoadedModel
from model_api.api.options import with_options
from model_api.api.predicting import DataPlane
from model_api.api.schemas import PredictRequest
from model_api.api.tokens import JwtVerifier
from model_api.domain.fingerprint import KEY_BYTES, Fingerprints
from model_api.domain.guard import judge
from model_api.events.changes import Changes
from model_api.settings import SHIPPED_BUNDLE, Settings
from model_api.startup import open_database, open_recorder, open_state
from model_api.utils.admission import Admission
from model_api.utils.performance_monitor import PerformanceMonitor
from model_api.utils.request_middleware import RequestMiddleware
from model_api.utils.tracing import Tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the API is made of. Without a database, all that needs one is None."""

    model: LoadedModel
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


@dataclass(frozen=True, slots=True)
class Service:
    """The running service."""

    api: ASGIApp
    model: LoadedModel
    changes: storage.CachedChanges | None


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
        model = LoadedModel(partial(load_bundle, settings.bundle))
        await model.reload()
        state = open_state(settings)
        database = await open_database(settings, stack, state_of_health)
        recorder = await open_recorder(settings, stack, state, database, state_of_health, monitor)
        cache = await stack.enter_async_context(PolicyCache(database, settings.state_dir))
        judging = stack.enter_context(Judging(judge, settings.judge_threads))
        verifier = None
        if settings.jwks_url is None:
            log.info("without authentication: every caller may do everything (MODEL_API_JWKS_URL)")
        else:
            keys = await stack.enter_async_context(Jwks(settings.jwks_url))
            state_of_health.watch("keys", lambda: _availability(keys.is_available))
            state_of_health.need(lambda: keys.is_available)
            verifier = JwtVerifier(keys, settings.jwt_issuer)
        admission = Admission(settings.max_in_flight_requests, settings.max_in_flight_bytes)
        monitor.watch(admission)
        parts = Parts(
            model=model,
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
        )
        api, changes = create_api(parts)
        yield Service(RequestMiddleware(api, monitor, tracing), model, changes)


def create_api(parts: Parts) -> tuple[Litestar, storage.CachedChanges | None]:
    """The API on its parts, and the changes it makes."""
    book = storage.PolicyBook(parts.cache)
    data_plane = DataPlane(
        parts.model, book, parts.judging, parts.records, parts.fingerprints, parts.monitor
    )
    database, changes = parts.database, None
    written_policies = stored_predictions = stored_feedback = texts = None
    if database is not None:
        changes = storage.CachedChanges(Changes(database), parts.cache)
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
                ),
                *models.routes(parts.model, changes),
                *policies.routes(written_policies, changes, parts.model),
                *predictions.routes(stored_predictions, texts),
                *feedback.routes(stored_feedback, changes),
                *health.routes(parts.health),
                *problem_pages.routes(),
            ]
        ),
        middleware=[Authentication(parts.verifier)],
        exception_handlers={**errors.HANDLERS, **storage.REFUSALS},
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
    parts = Parts(
        model=LoadedModel(partial(load_bundle, SHIPPED_BUNDLE)),
        cache=PolicyCache(None, SHIPPED_BUNDLE),
        judging=Judging(judge, threads=1),
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
    )
    return openapi.render(create_api(parts)[0])


def _availability(available: bool) -> str:
    return "available" if available else "unavailable"
