"""`/audit`: who changed what, and whether the history of models is what was recorded."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest
from training.api.models.problems import HISTORY_TOO_LONG
from training.api.moments import Moment
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import documented
from training.domain.identity import Scope
from training.domain.lifecycle.chain import Verification


class Entry(Protocol):
    """An entry of the log."""

    @property
    def id(self) -> UUID: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def details(self) -> Mapping[str, object]: ...


class Entries(Protocol):
    """The log, to read."""

    async def page(self, tenant: str, *, limit: int, before: UUID | None = None) -> Sequence[Entry]:
        """Entries, the newest first, older than `before`."""
        ...


type Verify = Callable[[str], Awaitable[Verification]]
"""Follows the histories of a tenant's models."""


class AuditEntryView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody did something. An action on a model names the event of its history by position and
    hash."""

    id: UUID
    at: Moment
    actor: str
    action: str
    target: str
    request_id: str | None
    details: Mapping[str, Any]


class BadEventView(msgspec.Struct, frozen=True, kw_only=True):
    """The first event that is not what was recorded."""

    model: str
    position: int
    what: str


class VerificationView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether every history is what was recorded. `models` and `events` were looked at."""

    sound: bool
    models: int
    events: int
    first_bad: BadEventView | None


class AuditPage(msgspec.Struct, frozen=True):
    """Entries, the newest first."""

    items: list[AuditEntryView]
    next_cursor: str | None
    verification: VerificationView | None


def routes(entries: Entries, verify: Verify) -> list[HTTPRouteHandler]:
    """The route of the audit log."""

    @get(
        "/audit",
        operation_id="list_audit",
        tags=["audit"],
        opt=needs(Scope.AUDIT_READ),
        responses=documented(
            kinds.MALFORMED_REQUEST,
            kinds.UNAUTHENTICATED,
            kinds.FORBIDDEN,
            HISTORY_TOO_LONG,
            kinds.STORAGE_UNAVAILABLE,
        ),
    )
    async def list_audit(
        request: AnyRequest,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE_SIZE,
        verify_history: Annotated[
            bool,
            QueryParameter(
                name="verify",
                description="Follow the signed histories of all the tenant's models as well.",
            ),
        ] = False,
    ) -> AuditPage:
        """Who changed what, the newest first."""
        tenant, before = caller_of(request.scope).tenant, read_cursor(cursor, UUID)
        found = await entries.page(tenant, limit=limit + 1, before=before)
        items, rest = cut([_view(each) for each in found], limit, lambda each: str(each.id))
        verification = _verification(await verify(tenant)) if verify_history else None
        return AuditPage(items, rest, verification)

    return [list_audit]


def _view(entry: Entry) -> AuditEntryView:
    return AuditEntryView(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        request_id=entry.request_id,
        details=entry.details,
    )


def _verification(found: Verification) -> VerificationView:
    bad = found.first_bad
    return VerificationView(
        sound=found.is_sound,
        models=found.models,
        events=found.events,
        first_bad=None
        if bad is None
        else BadEventView(model=bad.name, position=bad.position, what=bad.what),
    )
