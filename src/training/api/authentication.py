"""The gate of every route: a route says which scope it needs, or that it is public.

`needs(scope)` and `PUBLIC` go into a handler's `opt`. A handler with neither stops the
application from being built, so that nobody can forget.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from litestar import Litestar
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as ASGIScope

from training.api import problem_kinds as kinds
from training.api.problems import ProblemError
from training.domain.identity import LOCAL, Caller, KeysUnavailable, Scope, TokenRefused
from training.utils.request_context import context_of

PUBLIC: dict[str, Any] = {"public": True}
_BEARER = b"bearer "


class TokenVerifier(Protocol):
    """Turns a bearer token into a caller."""

    async def verify(self, token: str) -> Caller:
        """The caller that `token` names; raises TokenRefused or KeysUnavailable."""
        ...


def needs(scope: Scope) -> dict[str, Any]:
    """The `opt` of a route that needs `scope`."""
    return {"scope": scope}


def require_declared(app: Litestar) -> None:
    """Refuse, with LookupError, an application that has a route without a declared scope."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            is_automatic = not handler.resolve_include_in_schema()
            if not is_automatic and "scope" not in handler.opt and "public" not in handler.opt:
                raise LookupError(f"{route.path}: {handler} declares neither a scope nor PUBLIC")


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """The caller that authentication attached to this connection."""
    caller: Caller = scope["auth"]
    return caller


class Authentication(ASGIMiddleware):
    """Finds the caller of each request and holds the route's scope against it.

    Without a verifier every caller is `LOCAL`, as on the loopback of a single machine.
    """

    def __init__(self, verifier: TokenVerifier | None) -> None:
        self._verifier = verifier

    async def handle(
        self, scope: ASGIScope, receive: Receive, send: Send, next_app: ASGIApp
    ) -> None:
        """Pass the request on, or raise ProblemError: 401, 403, 503."""
        opt = scope["route_handler"].opt
        needed = opt.get("scope")
        if needed is not None:
            caller = LOCAL if self._verifier is None else await _find(scope, self._verifier)
            if not caller.may(needed):
                raise forbidden(needed)
            scope["auth"] = caller
            context_of(scope).tenant = caller.tenant
        if context_of(scope).malformed is not None:
            raise ProblemError(
                kinds.MALFORMED_REQUEST, f"{context_of(scope).malformed} is malformed."
            )
        await next_app(scope, receive, send)


async def _find(scope: ASGIScope, verifier: TokenVerifier) -> Caller:
    token = _bearer_token(scope)
    if token is None:
        raise _unauthenticated("The call carries no bearer token.", "Bearer")
    try:
        return await verifier.verify(token)
    except TokenRefused as refusal:
        raise _unauthenticated(
            f"The token was refused: {refusal.reason}.", 'Bearer error="invalid_token"'
        ) from None
    except KeysUnavailable:
        raise ProblemError(
            kinds.KEYS_UNAVAILABLE,
            "The keys that tokens are verified by cannot be had from their issuer.",
            headers={"Retry-After": "5"},
        ) from None


def _bearer_token(scope: ASGIScope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            return value[len(_BEARER) :].strip().decode("latin-1") or None
    return None


def _unauthenticated(detail: str, challenge: str) -> ProblemError:
    return ProblemError(kinds.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})


def forbidden(needed: Scope) -> ProblemError:
    """The refusal of a caller who lacks a scope."""
    return ProblemError(
        kinds.FORBIDDEN,
        f"The call needs the scope {needed}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
    )
