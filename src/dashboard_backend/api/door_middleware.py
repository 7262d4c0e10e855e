"""The door in front of Litestar's routes: a route names its scope in `opt["scope"]`."""

from typing import cast

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from dashboard_backend.api.door import Admission, Door
from dashboard_backend.domain.problems import UNSUPPORTED_MEDIA_TYPE, ProblemError
from dashboard_backend.utils.request_middleware import Exchange

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class DoorMiddleware(ASGIMiddleware):
    """Puts the `Admission` at `scope["admission"]`, or raises the problem."""

    def __init__(self, door: Door) -> None:
        """The same door as the proxy's."""
        self._door = door

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let one request through."""
        needed = scope["route_handler"].opt.get("scope")
        if needed is not None:
            exchange: Exchange = scope["exchange"]  # type: ignore[typeddict-item]
            client = scope["client"]
            headers = list(scope["headers"])
            address = client[0] if client else ""
            scope["admission"] = await self._door.admit(  # type: ignore[typeddict-unknown-key]
                headers, address, needed, exchange
            )
            media_type = dict(headers).get(b"content-type", b"application/json")
            method = cast("HTTPScope", scope)["method"]
            if method in _WITH_BODY and not media_type.startswith(b"application/json"):
                raise ProblemError(UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
        await next_app(scope, receive, send)


def admission_of(scope: Scope) -> Admission:
    """Who came in; for routes that name a scope."""
    admission: Admission = scope["admission"]  # type: ignore[typeddict-item]
    return admission
