"""`/models/{name}/rollouts/{id}/…`: what people do to a rollout under way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.models import problems
from training.api.models.platform import platform_changer
from training.api.models.protocols import Rollouts
from training.api.models.rollout_orders import ReasonOption
from training.api.models.rollout_views import RolloutView, rollout_view
from training.api.models.schemas import MAX_BODY_BYTES, ReasonBody
from training.api.problems import Kind, documented
from training.domain.identity import Changer, Scope
from training.domain.rollout.rollout import Rollout

type Act = Callable[[Changer, str, UUID, str], Awaitable[Rollout]]


@dataclass(frozen=True, slots=True)
class _Action:
    """A route, under the `path` of a rollout. One that the guard must follow is only accepted."""

    path: str
    operation: str
    does: str
    act: Act
    body: type[ReasonBody | ReasonOption] = ReasonOption
    status: int = 200
    refuses: tuple[Kind, ...] = ()


def routes(rollouts: Rollouts, platform_tenant: str) -> list[HTTPRouteHandler]:
    """The routes that change a rollout."""
    actions = (
        _Action(
            "pause",
            "pause_rollout",
            "Stay in the present step. The gates are still watched.",
            rollouts.pause,
        ),
        _Action(
            "resume",
            "resume_rollout",
            "Go on. The pause does not count to the step's minutes.",
            rollouts.resume,
        ),
        _Action(
            "approve",
            "approve_rollout",
            "Agree to the promotion as the second person.",
            rollouts.approve,
            refuses=(problems.SECOND_PERSON_NEEDED,),
        ),
        _Action(
            "promote",
            "promote_rollout",
            "Leave out what is left of the plan. Where four eyes are asked for, they still are.",
            rollouts.promote,
            ReasonBody,
            202,
        ),
        _Action(
            "rollback",
            "roll_back_rollout",
            "Undo a rollout under way.",
            rollouts.roll_back,
            ReasonBody,
            202,
        ),
    )
    return [_route(action, platform_tenant) for action in actions]


def _route(action: _Action, platform_tenant: str) -> HTTPRouteHandler:
    body = JsonBody(action.body, MAX_BODY_BYTES)

    async def steer(
        request: AnyRequest, name: FromPath[str], rollout_id: FromPath[UUID]
    ) -> RolloutView:
        wanted = await body.read(request)
        who = platform_changer(request, platform_tenant)
        return rollout_view(await action.act(who, name, rollout_id, wanted.reason))

    # The framework's names of routes are those of their functions.
    steer.__name__ = action.operation
    return post(
        f"/models/{{name:str}}/rollouts/{{rollout_id:uuid}}/{action.path}",
        operation_id=action.operation,
        description=action.does,
        status_code=action.status,
        tags=["rollouts"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(action.body),
        responses=documented(
            *kinds.TAKING_JSON,
            problems.ROLLOUT_NOT_FOUND,
            problems.ROLLOUT_STATE,
            kinds.NOT_THE_PLATFORM_TENANT,
            *action.refuses,
        ),
    )(steer)
