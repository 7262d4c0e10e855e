"""`/models/{name}/rollouts`: the way of a version to the champion's place, and back."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes, validation_failed
from training.api.headers import IDEMPOTENCY_KEY, changer, reads
from training.api.models import problems
from training.api.models.protocols import Models
from training.api.models.rollout_schemas import (
    ReasonOption,
    RolloutCreate,
    RolloutPage,
    RolloutView,
    rollout_view,
    wanted_of,
)
from training.api.models.routes import MAX_BODY_BYTES
from training.api.models.schemas import ReasonBody
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import ProblemError, documented
from training.domain.identity import Changer, Scope
from training.domain.rollout.plan import PlanInvalid
from training.domain.rollout.rollout import Rollout
from training.domain.rollout.shaping import Wanted


class Rollouts(Protocol):
    """What people do to rollouts; raises `Refused`, RolloutUnknown, StepIllegal."""

    async def start(self, changer: Changer, name: str, wanted: Wanted) -> Rollout:
        """Begin a rollout."""
        ...

    async def start_rollback(self, changer: Changer, name: str, reason: str) -> Rollout:
        """Begin the way back to the former champion."""
        ...

    async def pause(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Stand still."""
        ...

    async def resume(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Go on."""
        ...

    async def promote(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Leave out what is left of the plan."""
        ...

    async def approve(self, changer: Changer, name: str, rollout_id: UUID, reason: str) -> Rollout:
        """Agree as the second person."""
        ...

    async def roll_back(
        self, changer: Changer, name: str, rollout_id: UUID, reason: str
    ) -> Rollout:
        """Undo a rollout under way."""
        ...


type _Action = Callable[[Changer, str, UUID, str], Awaitable[Rollout]]

_CHANGING = (
    *kinds.TAKING_JSON,
    problems.ROLLOUT_NOT_FOUND,
    problems.ROLLOUT_STATE,
    kinds.NOT_THE_PLATFORM_TENANT,
)


def routes(models: Models, rollouts: Rollouts, platform_tenant: str) -> list[HTTPRouteHandler]:
    """The routes of rollouts. What answers is the platform's: only its tenant may change it."""
    create_body = JsonBody(RolloutCreate, MAX_BODY_BYTES)
    reason_body = JsonBody(ReasonBody, MAX_BODY_BYTES)
    option_body = JsonBody(ReasonOption, MAX_BODY_BYTES)

    def platform_changer(request: AnyRequest) -> Changer:
        who = changer(request)
        if who.tenant != platform_tenant:
            raise ProblemError(
                kinds.NOT_THE_PLATFORM_TENANT, "Only the platform's own tenant may roll out."
            )
        return who

    async def changed(
        request: AnyRequest,
        name: str,
        rollout_id: UUID,
        body: JsonBody[ReasonBody] | JsonBody[ReasonOption],
        act: _Action,
    ) -> RolloutView:
        wanted = await body.read(request)
        who = platform_changer(request)
        return rollout_view(await act(who, name, rollout_id, wanted.reason))

    @post(
        "/models/{name:str}/rollouts",
        operation_id="start_rollout",
        status_code=202,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(RolloutCreate) | reads(IDEMPOTENCY_KEY),
        responses=documented(
            *kinds.TAKING_JSON,
            problems.MODEL_NOT_FOUND,
            problems.MODEL_VERSION_NOT_FOUND,
            problems.ROLLOUT_ACTIVE,
            problems.TRANSITION_ILLEGAL,
            problems.EVALUATION_WORSE,
            kinds.NOT_THE_PLATFORM_TENANT,
            kinds.IDEMPOTENCY_KEY_REUSED,
        ),
    )
    async def start_rollout(request: AnyRequest, name: FromPath[str]) -> Response[RolloutView]:
        """Begin to roll a version out. It goes on by itself, step by step."""
        try:
            wanted = wanted_of(await create_body.read(request))
        except PlanInvalid as error:
            raise validation_failed(error.pointer, error.reason) from None
        who = platform_changer(request)
        return _accepted(await rollouts.start(who, name, wanted))

    @get(
        "/models/{name:str}/rollouts",
        operation_id="list_rollouts",
        tags=["rollouts"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.MODEL_NOT_FOUND),
    )
    async def list_rollouts(
        request: AnyRequest,
        name: FromPath[str],
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
    ) -> RolloutPage:
        """A model's rollouts, the newest first."""
        tenant, before = caller_of(request.scope).tenant, read_cursor(cursor, UUID)
        found = await models.rollouts(tenant, name, limit=limit + 1, before=before)
        if not found and await models.model(tenant, name) is None:
            raise problems.model_not_found()
        views = [rollout_view(each) for each in found]
        return RolloutPage(*cut(views, limit, lambda each: str(each.id)))

    @get(
        "/models/{name:str}/rollouts/{rollout_id:uuid}",
        operation_id="get_rollout",
        tags=["rollouts"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.ROLLOUT_NOT_FOUND),
    )
    async def get_rollout(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        """A rollout: where it stands, what its gates say, and what it waits for."""
        found = await models.rollout(caller_of(request.scope).tenant, name, rollout_id)
        if found is None:
            raise problems.rollout_not_found(rollout_id)
        return rollout_view(found)

    @post(
        "/models/{name:str}/rollouts/{rollout_id:uuid}/pause",
        operation_id="pause_rollout",
        status_code=200,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonOption),
        responses=documented(*_CHANGING),
    )
    async def pause_rollout(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        """Stay in the present step. The gates are still watched."""
        return await changed(request, name, rollout_id, option_body, rollouts.pause)

    @post(
        "/models/{name:str}/rollouts/{rollout_id:uuid}/resume",
        operation_id="resume_rollout",
        status_code=200,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonOption),
        responses=documented(*_CHANGING),
    )
    async def resume_rollout(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        """Go on. The pause does not count to the step's minutes."""
        return await changed(request, name, rollout_id, option_body, rollouts.resume)

    @post(
        "/models/{name:str}/rollouts/{rollout_id:uuid}/approve",
        operation_id="approve_rollout",
        status_code=200,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonOption),
        responses=documented(*_CHANGING, problems.SECOND_PERSON_NEEDED),
    )
    async def approve_rollout(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        """Agree to the promotion as the second person."""
        return await changed(request, name, rollout_id, option_body, rollouts.approve)

    @post(
        "/models/{name:str}/rollouts/{rollout_id:uuid}/promote",
        operation_id="promote_rollout",
        status_code=202,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonBody),
        responses=documented(*_CHANGING),
    )
    async def promote_rollout(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        """Leave out what is left of the plan. Where four eyes are asked for, they still are."""
        return await changed(request, name, rollout_id, reason_body, rollouts.promote)

    @post(
        "/models/{name:str}/rollouts/{rollout_id:uuid}/rollback",
        operation_id="roll_back_rollout",
        status_code=202,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonBody),
        responses=documented(*_CHANGING),
    )
    async def roll_back_rollout(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        """Undo a rollout under way."""
        return await changed(request, name, rollout_id, reason_body, rollouts.roll_back)

    @post(
        "/models/{name:str}/rollback",
        operation_id="roll_back_model",
        status_code=202,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(ReasonBody) | reads(IDEMPOTENCY_KEY),
        responses=documented(
            *kinds.TAKING_JSON,
            problems.MODEL_NOT_FOUND,
            problems.ROLLOUT_ACTIVE,
            problems.NOTHING_TO_ROLL_BACK_TO,
            kinds.NOT_THE_PLATFORM_TENANT,
            kinds.IDEMPOTENCY_KEY_REUSED,
        ),
    )
    async def roll_back_model(request: AnyRequest, name: FromPath[str]) -> Response[RolloutView]:
        """Make the former champion champion again. It is kept loaded, so that this is quick."""
        wanted = await reason_body.read(request)
        who = platform_changer(request)
        return _accepted(await rollouts.start_rollback(who, name, wanted.reason))

    return [
        start_rollout,
        list_rollouts,
        get_rollout,
        pause_rollout,
        resume_rollout,
        approve_rollout,
        promote_rollout,
        roll_back_rollout,
        roll_back_model,
    ]


def _accepted(rollout: Rollout) -> Response[RolloutView]:
    location = f"/models/{rollout.model}/rollouts/{rollout.id}"
    return Response(rollout_view(rollout), status_code=202, headers={"Location": location})
