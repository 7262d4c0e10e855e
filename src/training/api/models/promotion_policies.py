"""`/models/{name}/promotion-policy`: whether a promotion needs a second person."""

import msgspec
from litestar import get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.headers import changer
from training.api.models import problems
from training.api.models.protocols import Lifecycles, Models
from training.api.models.routes import MAX_BODY_BYTES
from training.api.models.schemas import Reason
from training.api.problems import documented
from training.domain.identity import Scope


class PromotionPolicyBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """With `four_eyes` another person than the one who proposes a promotion must approve it.

    A rollout under way to which that once applied goes on needing its approval.
    """

    four_eyes: bool
    reason: Reason = "the promotion policy was set"


class PromotionPolicyView(msgspec.Struct, frozen=True):
    """The policy in force."""

    four_eyes: bool


def routes(models: Models, lifecycles: Lifecycles) -> list[HTTPRouteHandler]:
    """The routes of promotion policies."""
    body = JsonBody(PromotionPolicyBody, MAX_BODY_BYTES)

    @get(
        "/models/{name:str}/promotion-policy",
        operation_id="get_promotion_policy",
        tags=["models"],
        opt=needs(Scope.MODELS_READ),
        responses=documented(*kinds.LISTING, problems.MODEL_NOT_FOUND),
    )
    async def get_promotion_policy(request: AnyRequest, name: FromPath[str]) -> PromotionPolicyView:
        """The policy in force."""
        row = await models.model(caller_of(request.scope).tenant, name)
        if row is None:
            raise problems.model_not_found()
        return PromotionPolicyView(row.four_eyes)

    @put(
        "/models/{name:str}/promotion-policy",
        operation_id="put_promotion_policy",
        tags=["models"],
        opt=needs(Scope.MODELS_PROMOTE) | takes(PromotionPolicyBody),
        responses=documented(*kinds.TAKING_JSON, problems.MODEL_NOT_FOUND),
    )
    async def put_promotion_policy(request: AnyRequest, name: FromPath[str]) -> PromotionPolicyView:
        """Set the policy. The history keeps who did, and why."""
        wanted = await body.read(request)
        await lifecycles.set_policy(changer(request), name, wanted.four_eyes, wanted.reason)
        return PromotionPolicyView(wanted.four_eyes)

    return [get_promotion_policy, put_promotion_policy]
