"""`/models`: what is loaded, and its replacement."""

import logging
from typing import Any, Literal, Protocol

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import needs
from model_api.api.bodies import AnyRequest
from model_api.api.headers import changer
from model_api.api.predictions.schemas import Moment
from model_api.api.predictions.storage import Changes
from model_api.api.problems import ProblemError, documented
from model_api.domain.bundle import BundleRefused
from model_api.domain.deployments.deployment import DeploymentRules
from model_api.domain.deployments.routing import Routes, Served, Standing
from model_api.domain.identity import Scope
from model_api.events.changes import Caller

log = logging.getLogger(__name__)


class OperatingPointView(msgspec.Struct, frozen=True):
    """A named threshold on the score, and what it was chosen for."""

    threshold: float
    chosen_for: str


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded version, and its foremost role, which it has had `since`. `metrics` and
    `training_data` are as its manifest tells them."""

    name: str
    version: str
    digest: str
    role: Literal["champion", "canary", "shadow", "warm"]
    since: Moment
    kind: str
    loaded_at: Moment
    created_at: str
    licence: str
    categories: list[str]
    operating_points: dict[str, OperatingPointView]
    metrics: dict[str, Any]
    training_data: list[dict[str, Any]]


class ModelList(msgspec.Struct, frozen=True):
    """All loaded versions, the champion first."""

    items: list[ModelView]


class Models(Protocol):
    """What is loaded."""

    @property
    def routes(self) -> Routes:
        """The loaded versions and their roles."""
        ...

    async def reload(self) -> Served:
        """Load the packaged bundle again; BundleRefused, DeploymentRules."""
        ...


def routes(models: Models, changes: Changes | None) -> list[HTTPRouteHandler]:
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
        """What is loaded, in which role, since when, from which bundle."""
        return ModelList([_view(*each) for each in models.routes.standings()])

    @get(
        "/models/{name:str}",
        operation_id="get_model",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(kinds.UNAUTHENTICATED, kinds.FORBIDDEN, kinds.MODEL_NOT_FOUND),
        sync_to_thread=False,
    )
    def get_model(name: FromPath[str]) -> ModelView:
        """The model's champion."""
        champion = models.routes.champion
        if name != champion.detector.name:
            raise ProblemError(kinds.MODEL_NOT_FOUND, "No model of this name is loaded.")
        return _view(champion, Standing.CHAMPION)

    @post(
        "/models/reload",
        operation_id="reload_model",
        status_code=200,
        tags=["models"],
        opt=needs(Scope.ADMIN),
        responses=documented(
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            kinds.DEPLOYMENT_RULES,
            kinds.BUNDLE_REFUSED,
        ),
    )
    async def reload_model(request: AnyRequest) -> ModelView:
        """Load the packaged bundle again. A refused one leaves the present model in place.

        Where a version was ever deployed, the deployment rules, and this is refused.
        """
        try:
            reloaded = await reload_and_tell(models, changes, changer(request))
        except BundleRefused as refusal:
            raise ProblemError(kinds.BUNDLE_REFUSED, refusal.reason) from None
        except DeploymentRules as rules:
            raise ProblemError(
                kinds.DEPLOYMENT_RULES,
                f"Deployment {rules}.",
                generation=rules.generation,
            ) from None
        return _view(reloaded, Standing.CHAMPION)

    return [list_models, get_model, reload_model]


async def reload_and_tell(models: Models, changes: Changes | None, caller: Caller) -> Served:
    """Load the packaged bundle again and keep record of who wanted it; BundleRefused,
    DeploymentRules."""
    try:
        reloaded = await models.reload()
    except (BundleRefused, DeploymentRules) as refusal:
        log.warning("model bundle refused", extra={"reason": str(refusal)})
        if changes is not None:
            name = models.routes.champion.detector.name
            await changes.reload_refused(caller, name, str(refusal))
        raise
    detector = reloaded.detector
    if changes is not None:
        await changes.model_reloaded(caller, detector.name, detector.version, detector.digest)
    return reloaded


def _view(served: Served, standing: Standing) -> ModelView:
    detector, manifest = served.detector, served.detector.manifest
    return ModelView(
        name=detector.name,
        version=served.version,
        digest=served.digest,
        role=standing.value,
        since=served.since,
        kind=manifest.kind,
        loaded_at=served.loaded_at,
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
