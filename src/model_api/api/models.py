"""`/models`: what is loaded, and its replacement."""

import logging
from typing import Any

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import needs
from model_api.api.bodies import AnyRequest
from model_api.api.headers import changer
from model_api.api.loaded_model import Loaded, LoadedModel
from model_api.api.problems import ProblemError, documented
from model_api.api.schemas import Moment
from model_api.api.storage import Changes
from model_api.domain.bundle import BundleRefused
from model_api.domain.identity import Scope
from model_api.events.changes import Caller

log = logging.getLogger(__name__)


class OperatingPointView(msgspec.Struct, frozen=True):
    """A named threshold on the score, and what it was chosen for."""

    threshold: float
    chosen_for: str


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded model. `metrics` and `training_data` are as its manifest tells them."""

    name: str
    version: str
    digest: str
    kind: str
    loaded_at: Moment
    created_at: str
    licence: str
    categories: list[str]
    operating_points: dict[str, OperatingPointView]
    metrics: dict[str, Any]
    training_data: list[dict[str, Any]]


class ModelList(msgspec.Struct, frozen=True):
    """All loaded models."""

    items: list[ModelView]


def routes(model: LoadedModel, changes: Changes | None) -> list[HTTPRouteHandler]:
    """The routes of models."""

    @get(
        "/models",
        operation_id="list_models",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(kinds.UNAUTHENTICATED, kinds.FORBIDDEN),
        sync_to_thread=False,
    )
    def list_models() -> ModelList:
        """What is loaded, since when, from which bundle."""
        return ModelList([_view(model.current)])

    @get(
        "/models/{name:str}",
        operation_id="get_model",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(kinds.UNAUTHENTICATED, kinds.FORBIDDEN, kinds.MODEL_NOT_FOUND),
        sync_to_thread=False,
    )
    def get_model(name: FromPath[str]) -> ModelView:
        """One loaded model."""
        if name != model.detector.name:
            raise ProblemError(kinds.MODEL_NOT_FOUND, "No model of this name is loaded.")
        return _view(model.current)

    @post(
        "/models/reload",
        operation_id="reload_model",
        status_code=200,
        tags=["models"],
        opt=needs(Scope.ADMIN),
        responses=documented(kinds.UNAUTHENTICATED, kinds.FORBIDDEN, kinds.BUNDLE_REFUSED),
    )
    async def reload_model(request: AnyRequest) -> ModelView:
        """Load the bundle again. A refused one leaves the present model in place."""
        try:
            return _view(await reload_and_tell(model, changes, changer(request)))
        except BundleRefused as refusal:
            raise ProblemError(kinds.BUNDLE_REFUSED, refusal.reason) from None

    return [list_models, get_model, reload_model]


async def reload_and_tell(model: LoadedModel, changes: Changes | None, caller: Caller) -> Loaded:
    """Load the bundle again and keep record of who wanted it; BundleRefused."""
    try:
        loaded = await model.reload()
    except BundleRefused as refusal:
        log.warning("model bundle refused", extra={"reason": refusal.reason})
        raise
    detector = loaded.detector
    if changes is not None:
        await changes.model_reloaded(caller, detector.name, detector.version, detector.digest)
    return loaded


def _view(loaded: Loaded) -> ModelView:
    detector, manifest = loaded.detector, loaded.detector.manifest
    return ModelView(
        name=detector.name,
        version=detector.version,
        digest=detector.digest,
        kind=manifest.kind,
        loaded_at=loaded.since,
        created_at=manifest.created_at,
        licence=manifest.licence,
        categories=list(detector.categories),
        operating_points={
            name: OperatingPointView(point.threshold, point.chosen_for)
            for name, point in manifest.operating_points.items()
        },
        metrics=manifest.metrics,
        training_data=list(manifest.training_data),
    )
