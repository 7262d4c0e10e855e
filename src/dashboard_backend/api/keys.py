"""`/keys`: making, listing, rotating and revoking API keys."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from dashboard_backend.api.door import Admission
from dashboard_backend.api.key_schemas import (
    TENANT_PATTERN,
    Key,
    KeyCreate,
    KeyPage,
    KeyRotate,
    KeyWithToken,
)
from dashboard_backend.api.key_work import KeyWork
from dashboard_backend.api.openapi import problems
from dashboard_backend.domain.problems import (
    BODY_TOO_LARGE,
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    KEY_NOT_ACTIVE,
    KEYS_UNAVAILABLE,
    MALFORMED_BODY,
    MALFORMED_REQUEST,
    NOT_FOUND,
    RATE_LIMITED,
    REPLY_SEALED,
    UNAUTHENTICATED,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
)
from dashboard_backend.domain.scopes import Scope

_AT_THE_DOOR = (UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, KEYS_UNAVAILABLE, MALFORMED_REQUEST)
_OF_A_BODY = (MALFORMED_BODY, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED)
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
_READ = {"scope": Scope.KEYS_READ}
_WRITE = {"scope": Scope.KEYS_WRITE}

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The first answer is given again for 24 hours to the same calling key.",
    ),
]


class KeyController(Controller):
    """Thin: the rules are in `key_work`."""

    path = "/keys"
    tags = ("keys",)
    security = _SECURITY

    @post(
        operation_id="create_key",
        opt=_WRITE,
        responses=problems(*_AT_THE_DOOR, *_OF_A_BODY, IDEMPOTENCY_KEY_REUSED, REPLY_SEALED),
    )
    async def create(
        self,
        data: JSONBody[KeyCreate],
        work: NamedDependency[KeyWork],
        admission: NamedDependency[Admission],
        idempotency_key: IdempotencyKey = None,
    ) -> KeyWithToken:
        """Make a key. Its token is in this answer and nowhere else."""
        return await work.create(admission, data, idempotency_key)

    @get(
        operation_id="list_keys",
        opt=_READ,
        responses=problems(*_AT_THE_DOOR, VALIDATION_FAILED),
    )
    async def list_keys(
        self,
        work: NamedDependency[KeyWork],
        admission: NamedDependency[Admission],
        cursor: Annotated[
            UUID | None, QueryParameter(description="`next_cursor` of a page.")
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        tenant: Annotated[
            str | None,
            QueryParameter(
                pattern=TENANT_PATTERN,
                description="Another tenant than the caller's: administrators only.",
            ),
        ] = None,
    ) -> KeyPage:
        """Keys of the tenant, newest first, revoked and expired ones included."""
        return await work.page(admission.principal, tenant, cursor, limit)

    @get(
        "/{key_id:uuid}",
        operation_id="get_key",
        opt=_READ,
        responses=problems(*_AT_THE_DOOR, NOT_FOUND),
    )
    async def get_key(
        self,
        key_id: FromPath[UUID],
        work: NamedDependency[KeyWork],
        admission: NamedDependency[Admission],
    ) -> Key:
        """One key."""
        return await work.get(admission.principal, key_id)

    @post(
        "/{key_id:uuid}/rotate",
        operation_id="rotate_key",
        opt=_WRITE,
        status_code=HTTP_200_OK,
        responses=problems(*_AT_THE_DOOR, *_OF_A_BODY, NOT_FOUND, KEY_NOT_ACTIVE),
    )
    async def rotate(
        self,
        key_id: FromPath[UUID],
        data: JSONBody[KeyRotate],
        work: NamedDependency[KeyWork],
        admission: NamedDependency[Admission],
    ) -> KeyWithToken:
        """Give the key a new secret; the former one works for the grace that is asked for."""
        grace = timedelta(seconds=data.grace_seconds)
        return await work.rotate(admission.principal, key_id, grace)

    @post(
        "/{key_id:uuid}/revoke",
        operation_id="revoke_key",
        opt=_WRITE,
        status_code=HTTP_200_OK,
        responses=problems(*_AT_THE_DOOR, NOT_FOUND),
    )
    async def revoke(
        self,
        key_id: FromPath[UUID],
        work: NamedDependency[KeyWork],
        admission: NamedDependency[Admission],
    ) -> Key:
        """Close the key for good, on every replica at once."""
        return await work.revoke(admission.principal, key_id)
