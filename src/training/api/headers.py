"""Request headers that mean something to a route."""

import re
from typing import Any

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of
from training.api.bodies import AnyRequest
from training.api.problems import ProblemError
from training.domain.identity import Changer
from training.utils.request_context import context_of


def header(name: str, description: str, *, required: bool, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema,
    }


IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Makes a repetition harmless: the same key with the same body gets the first answer.",
    required=False,
    pattern="^[\\x21-\\x7e]{1,255}$",
)
IF_MATCH = header(
    "If-Match",
    "The `ETag` of the version that this changes, or `*` for any.",
    required=True,
    pattern='^(\\*|(W/)?"[^"]*")$',
)


def reads(*headers: dict[str, Any]) -> dict[str, Any]:
    """The `opt` of a route that reads these headers, for the OpenAPI document."""
    return {"headers": headers}


ETAG = {
    "ETag": {
        "description": "The version, for `If-Match`.",
        "required": True,
        "schema": {"type": "string"},
    }
}


def gives(headers: dict[str, Any]) -> dict[str, Any]:
    """The `opt` of a route whose success has these headers, for the OpenAPI document."""
    return {"gives": headers}


ANONYMOUS_ACTOR = "anonymous"
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ENTITY_TAG = re.compile(r'(W/)?"[^"]*"')
_VERSION = re.compile(r'"([0-9]{1,9})"')


def changer(request: AnyRequest) -> Changer:
    """In whose name the request changes something, and under which idempotency key."""
    caller = caller_of(request.scope)
    key = request.headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise ProblemError(
            kinds.MALFORMED_REQUEST,
            "Idempotency-Key must be 1 to 255 visible ASCII characters.",
        )
    return Changer(
        tenant=caller.tenant,
        actor=caller.key_id or ANONYMOUS_ACTOR,
        request_id=context_of(request.scope).request_id,
        idempotency_key=key,
    )


def entity_tag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def expected_version(request: AnyRequest) -> int | None:
    """The version that `If-Match` names; None for `*`, which is any.

    Raises ProblemError: 428 without the header, 400 for what is no entity tag, 412 for one that
    no version ever had.
    """
    value = request.headers.get("if-match")
    if value is None:
        raise ProblemError(kinds.PRECONDITION_REQUIRED, "The call needs an If-Match header.")
    if value.strip() == "*":
        return None
    if not _ENTITY_TAG.fullmatch(value.strip()):
        raise ProblemError(kinds.MALFORMED_REQUEST, "If-Match must be an entity tag or `*`.")
    match = _VERSION.fullmatch(value.strip())
    if match is None:
        raise ProblemError(kinds.PRECONDITION_FAILED, "No version of it has this entity tag.")
    return int(match[1])
