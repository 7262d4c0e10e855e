"""`/models`: the registry, to read, and what ends a version's life."""

from collections.abc import Awaitable, Callable

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.headers import changer
from training.api.models import problems
from training.api.models.protocols import Lifecycles, Models
from training.api.models.schemas import (
    MAX_BODY_BYTES,
    HistoryPage,
    ModelPage,
    ModelVersionPage,
    ModelVersionView,
    ModelView,
    ReasonBody,
    event_view,
    model_view,
    version_view,
)
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import documented
from training.domain.identity import Changer, Scope
from training.domain.lifecycle.model import MAX_VERSION


def routes(models: Models, lifecycles: Lifecycles) -> list[HTTPRouteHandler]:
    """The routes of models and their versions."""
    body = JsonBody(ReasonBody, MAX_BODY_BYTES)

    async def found(request: AnyRequest, name: str, version: int) -> ModelVersionView:
        row = await models.version(caller_of(request.scope).tenant, name, version)
        if row is None:
            raise problems.version_not_found(version)
        return version_view(row)

    async def ended(
        request: AnyRequest,
        name: str,
        version: int,
        end: Callable[[Changer, str, int, str], Awaitable[None]],
    ) -> ModelVersionView:
        wanted = await body.read(request)
        await end(changer(request), name, version, wanted.reason)
        return await found(request, name, version)

    @get(
        "/models",
        operation_id="list_models",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING),
    )
    async def list_models(
        request: AnyRequest, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE_SIZE
    ) -> ModelPage:
        """The tenant's models by name."""
        tenant, after = caller_of(request.scope).tenant, read_cursor(cursor, str) or ""
        rows = await models.page(tenant, limit=limit + 1, after=after)
        return ModelPage(*cut([model_view(row) for row in rows], limit, lambda each: each.name))

    @get(
        "/models/{name:str}",
        operation_id="get_model",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.MODEL_NOT_FOUND),
    )
    async def get_model(request: AnyRequest, name: FromPath[str]) -> ModelView:
        """A model, its champion, and what a rollback would make champion."""
        row = await models.model(caller_of(request.scope).tenant, name)
        if row is None:
            raise problems.model_not_found()
        return model_view(row)

    @get(
        "/models/{name:str}/versions",
        operation_id="list_model_versions",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.MODEL_NOT_FOUND),
    )
    async def list_model_versions(
        request: AnyRequest,
        name: FromPath[str],
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
    ) -> ModelVersionPage:
        """A model's versions, the newest first."""
        tenant, before = caller_of(request.scope).tenant, read_cursor(cursor, _place)
        rows = await models.versions(tenant, name, limit=limit + 1, before=before)
        if not rows and await models.model(tenant, name) is None:
            raise problems.model_not_found()
        views = [version_view(row) for row in rows]
        return ModelVersionPage(*cut(views, limit, lambda each: str(each.version)))

    @get(
        "/models/{name:str}/versions/{version:int}",
        operation_id="get_model_version",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.MODEL_VERSION_NOT_FOUND),
    )
    async def get_model_version(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> ModelVersionView:
        """A version, with the evidence that it was registered with."""
        return await found(request, name, version)

    @get(
        "/models/{name:str}/versions/{version:int}/history",
        operation_id="get_model_version_history",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.MODEL_VERSION_NOT_FOUND),
    )
    async def get_model_version_history(
        request: AnyRequest,
        name: FromPath[str],
        version: FromPath[int],
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
    ) -> HistoryPage:
        """All that happened to a version, and who did it and why, the oldest first."""
        tenant, after = caller_of(request.scope).tenant, read_cursor(cursor, _place) or 0
        events = await models.history(tenant, name, version, limit=limit + 1, after=after)
        if not events and after == 0:
            raise problems.version_not_found(version)
        views = [event_view(event) for event in events]
        return HistoryPage(*cut(views, limit, lambda each: str(each.position)))

    @post(
        "/models/{name:str}/versions/{version:int}/reject",
        operation_id="reject_model_version",
        status_code=200,
        tags=["models"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonBody),
        responses=documented(
            *kinds.TAKING_JSON,
            problems.MODEL_NOT_FOUND,
            problems.MODEL_VERSION_NOT_FOUND,
            problems.TRANSITION_ILLEGAL,
        ),
    )
    async def reject_model_version(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> ModelVersionView:
        """Say that a version is never to be rolled out."""
        return await ended(request, name, version, lifecycles.reject)

    @post(
        "/models/{name:str}/versions/{version:int}/retire",
        operation_id="retire_model_version",
        status_code=200,
        tags=["models"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonBody),
        responses=documented(
            *kinds.TAKING_JSON,
            problems.MODEL_NOT_FOUND,
            problems.MODEL_VERSION_NOT_FOUND,
            problems.TRANSITION_ILLEGAL,
        ),
    )
    async def retire_model_version(
        request: AnyRequest, name: FromPath[str], version: FromPath[int]
    ) -> ModelVersionView:
        """Say that a version is no longer wanted."""
        return await ended(request, name, version, lifecycles.retire)

    return [
        list_models,
        get_model,
        list_model_versions,
        get_model_version,
        get_model_version_history,
        reject_model_version,
        retire_model_version,
    ]


def _place(text: str) -> int:
    """A version or a position in a cursor."""
    number = int(text)
    if not 0 < number <= MAX_VERSION:
        raise ValueError(text)
    return number
