"""`/models/{name}/promotion-policy`: whether a promotion needs a second person."""

import msgspec
from litestar import Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.headers import (
    ETAG,
    IF_MATCH,
    changer,
    entity_tag,
    expected_version,
    gives,
    reads,
)
from training.api.models import problems
from training.api.models.protocols import Lifecycles, Models
from training.api.models.schemas import MAX_BODY_BYTES
from training.api.problems import documented
from training.api.reasons import Reason
from training.domain.identity import Scope
from training.domain.lifecycle.projection import PromotionPolicy


class PromotionPolicyBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """With `four_eyes` another person than the one who proposes a promotion must approve it.

    A rollout under way to which that once applied goes on needing its approval.
    """

    four_eyes: bool
    reason: Reason = "the promotion policy was set"


class PromotionPolicyView(msgspec.Struct, frozen=True):
    """The policy in force. Version 0 was never changed."""

    four_eyes: bool
    version: int


def routes(models: Models, lifecycles: Lifecycles) -> list[HTTPRouteHandler]:
    """The routes of promotion policies."""
    body = JsonBody(PromotionPolicyBody, MAX_BODY_BYTES)

    @get(
        "/models/{name:str}/promotion-policy",
        operation_id="get_promotion_policy",
        tags=["models"],
        opt=needs(Scope.MODELS_READ) | gives(ETAG),
        responses=documented(*kinds.LISTING, problems.MODEL_NOT_FOUND),
    )
    async def get_promotion_policy(
        request: AnyRequest, name: FromPath[str]
    ) -> Response[PromotionPolicyView]:
        """The policy in force, with its version as `ETag`."""
        policy = await models.policy(caller_of(request.scope).tenant, name)
        if policy is None:
            raise problems.model_not_found()
        return _answer(policy)

    @put(
        "/models/{name:str}/promotion-policy",
        operation_id="put_promotion_policy",
        tags=["models"],
        opt=needs(Scope.MODELS_PROMOTE)
        | takes(PromotionPolicyBody)
        | reads(IF_MATCH)
        | gives(ETAG),
        responses=documented(
            *kinds.TAKING_JSON,
            problems.MODEL_NOT_FOUND,
            kinds.PRECONDITION_FAILED,
            kinds.PRECONDITION_REQUIRED,
        ),
    )
    async def put_promotion_policy(
        request: AnyRequest, name: FromPath[str]
    ) -> Response[PromotionPolicyView]:
        """Set the policy; `If-Match` says which version that changes. The history keeps who did
        it, and why. Setting what is set already changes nothing, whatever the version."""
        wanted = await body.read(request)
        expected = expected_version(request)
        return _answer(
            await lifecycles.set_policy(
                changer(request), name, wanted.four_eyes, wanted.reason, expected
            )
        )

    return [get_promotion_policy, put_promotion_policy]


def _answer(policy: PromotionPolicy) -> Response[PromotionPolicyView]:
    view = PromotionPolicyView(policy.four_eyes, policy.version)
    return Response(view, headers={"ETag": entity_tag(policy.version)})
