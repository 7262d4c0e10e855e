"""`/policies`: what a tenant wants done at which score."""

from collections.abc import Sequence

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from model_api.api import problem_kinds as kinds
from model_api.api.authentication import caller_of, needs
from model_api.api.bodies import AnyRequest, JsonBody, takes, validation_failed
from model_api.api.headers import (
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    LOCATION,
    changer,
    entity_tag,
    expected_version,
    gives,
    reads,
)
from model_api.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from model_api.api.policies.schemas import PolicyCreate, PolicyPage, PolicyUpdate, PolicyView, view
from model_api.api.predictions.predicting import ModelHolder
from model_api.api.predictions.storage import Changes, Policies, StoredPolicy, stored
from model_api.api.problems import ProblemError, documented
from model_api.domain.identity import Scope
from model_api.domain.judging.policy import DEFAULT_POLICY, Policy, PolicyInvalid, check_against

_MAX_BODY_BYTES = 64 * 1024
_REFUSALS = (kinds.UNAUTHENTICATED, kinds.FORBIDDEN, kinds.STORAGE_UNAVAILABLE)
_BODY_REFUSALS = (
    kinds.MALFORMED_BODY,
    kinds.MALFORMED_REQUEST,
    kinds.BODY_TOO_SLOW,
    kinds.BODY_TOO_LARGE,
    kinds.UNSUPPORTED_MEDIA_TYPE,
    kinds.VALIDATION_FAILED,
)


def routes(
    policies: Policies | None, changes: Changes | None, models: ModelHolder
) -> list[HTTPRouteHandler]:
    """The routes of policies; without a database only the built-in one is there."""
    create_body = JsonBody(PolicyCreate, _MAX_BODY_BYTES)
    update_body = JsonBody(PolicyUpdate, _MAX_BODY_BYTES)

    def checked(wanted: PolicyUpdate, name: FromPath[str]) -> Policy:
        try:
            policy = wanted.to_policy(name)
            detector = models.detector
            check_against(policy, detector.categories, detector.operating_points)
        except PolicyInvalid as error:
            raise validation_failed(_pointer(error.field), error.reason) from None
        return policy

    @get(
        "/policies",
        operation_id="list_policies",
        tags=["policies"],
        opt=needs(Scope.POLICIES_READ),
        responses=documented(kinds.MALFORMED_REQUEST, *_REFUSALS),
    )
    async def list_policies(
        request: AnyRequest, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE_SIZE
    ) -> PolicyPage:
        """The tenant's policies by name, the built-in one among them until it is overridden."""
        after = read_cursor(cursor, str) or ""
        found: list[StoredPolicy] = []
        if policies is not None:
            tenant = caller_of(request.scope).tenant
            found = list(await policies.page(tenant, limit=limit + 1, after=after))
        views = [_view(each) for each in found]
        if _belongs_between(after, views, is_last=len(found) <= limit):
            views = sorted([*views, view(DEFAULT_POLICY)], key=lambda each: each.name)
        return PolicyPage(*cut(views, limit, lambda each: each.name))

    @post(
        "/policies",
        operation_id="create_policy",
        tags=["policies"],
        opt=needs(Scope.POLICIES_WRITE)
        | takes(PolicyCreate)
        | reads(IDEMPOTENCY_KEY)
        | gives(ETAG, LOCATION),
        responses=documented(
            *_BODY_REFUSALS, kinds.POLICY_EXISTS, kinds.IDEMPOTENCY_KEY_REUSED, *_REFUSALS
        ),
    )
    async def create_policy(request: AnyRequest) -> Response[PolicyView]:
        """Write a new policy. `Idempotency-Key` makes a repetition harmless."""
        caller = changer(request)
        wanted = await create_body.read(request)
        policy = checked(wanted, wanted.name)
        made = _answer(await stored(changes).create_policy(caller, policy))
        made.headers["Location"] = f"/policies/{policy.name}"
        made.status_code = 201
        return made

    @get(
        "/policies/{name:str}",
        operation_id="get_policy",
        tags=["policies"],
        opt=needs(Scope.POLICIES_READ) | gives(ETAG),
        responses=documented(kinds.POLICY_NOT_FOUND, *_REFUSALS),
    )
    async def get_policy(request: AnyRequest, name: FromPath[str]) -> Response[PolicyView]:
        """One policy, with its version as `ETag`."""
        found = None
        if policies is not None:
            found = await policies.get(caller_of(request.scope).tenant, name)
        if found is not None:
            return _answer(found)
        if name == DEFAULT_POLICY.name:
            return Response(
                view(DEFAULT_POLICY), headers={"ETag": entity_tag(DEFAULT_POLICY.version)}
            )
        raise ProblemError(kinds.POLICY_NOT_FOUND, "The tenant has no policy of this name.")

    @put(
        "/policies/{name:str}",
        operation_id="replace_policy",
        tags=["policies"],
        opt=needs(Scope.POLICIES_WRITE) | takes(PolicyUpdate) | reads(IF_MATCH) | gives(ETAG),
        responses=documented(
            *_BODY_REFUSALS,
            kinds.POLICY_NOT_FOUND,
            kinds.PRECONDITION_FAILED,
            kinds.PRECONDITION_REQUIRED,
            *_REFUSALS,
        ),
    )
    async def replace_policy(request: AnyRequest, name: FromPath[str]) -> Response[PolicyView]:
        """Write a policy's next version. `If-Match` says which version it replaces."""
        caller = changer(request)
        policy = checked(await update_body.read(request), name)
        version = expected_version(request)
        if name == DEFAULT_POLICY.name and version == DEFAULT_POLICY.version:
            return _answer(await stored(changes).override_default(caller, policy))
        return _answer(await stored(changes).replace_policy(caller, policy, version))

    @delete(
        "/policies/{name:str}",
        operation_id="delete_policy",
        tags=["policies"],
        opt=needs(Scope.POLICIES_WRITE) | reads(IF_MATCH),
        responses=documented(
            kinds.MALFORMED_REQUEST,
            kinds.POLICY_NOT_FOUND,
            kinds.PRECONDITION_FAILED,
            kinds.PRECONDITION_REQUIRED,
            *_REFUSALS,
        ),
    )
    async def delete_policy(request: AnyRequest, name: FromPath[str]) -> None:
        """Delete a policy; deleting one named `default` brings the built-in one back."""
        version = expected_version(request)
        await stored(changes).delete_policy(changer(request), name, version)

    return [list_policies, create_policy, get_policy, replace_policy, delete_policy]


def _pointer(field: str) -> str:
    """A JSON Pointer for a policy's dotted path, in which a category may hold anything."""
    head, dot, rest = field.partition(".")
    category, action_dot, action = rest.rpartition(".")
    if action not in ("flag", "block"):
        category, action_dot, action = rest, "", ""
    category = category.replace("~", "~0").replace("/", "~1")
    return f"/{head}" + (f"/{category}" if dot else "") + (f"/{action}" if action_dot else "")


def _belongs_between(after: str, views: Sequence[PolicyView], *, is_last: bool) -> bool:
    """Whether the built-in policy stands on this page: beyond a full page it comes later."""
    name = DEFAULT_POLICY.name
    overridden = any(each.name == name for each in views)
    return after < name and not overridden and (is_last or name < views[-1].name)


def _view(found: StoredPolicy) -> PolicyView:
    return view(found.policy, found.created_at, found.updated_at)


def _answer(found: StoredPolicy) -> Response[PolicyView]:
    return Response(_view(found), headers={"ETag": entity_tag(found.policy.version)})
