"""`/models/{name}/rollouts`: the way of a version to the champion's place, and back."""

from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes, validation_failed
from training.api.headers import IDEMPOTENCY_KEY, reads
from training.api.models import problems
from training.api.models.platform import platform_changer
from training.api.models.protocols import Models, Rollouts
from training.api.models.rollout_orders import RolloutCreate, wanted_of
from training.api.models.rollout_views import RolloutPage, RolloutView, rollout_view
from training.api.models.schemas import MAX_BODY_BYTES, ReasonBody
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import documented
from training.domain.identity import Scope
from training.domain.rollout.plan import PlanInvalid
from training.domain.rollout.rollout import Rollout


def routes(models: Models, rollouts: Rollouts, platform_tenant: str) -> list[HTTPRouteHandler]:
    """The routes that begin rollouts, and those that show them."""
    create_body = JsonBody(RolloutCreate, MAX_BODY_BYTES)
    reason_body = JsonBody(ReasonBody, MAX_BODY_BYTES)

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
        who = platform_changer(request, platform_tenant)
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
        who = platform_changer(request, platform_tenant)
        return _accepted(await rollouts.start_rollback(who, name, wanted.reason))

    return [start_rollout, list_rollouts, get_rollout, roll_back_model]


def _accepted(rollout: Rollout) -> Response[RolloutView]:
    location = f"/models/{rollout.model}/rollouts/{rollout.id}"
    return Response(rollout_view(rollout), status_code=202, headers={"Location": location})
