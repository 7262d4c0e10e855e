"""The way through: one request to one service and its answer back, both streamed.

A raw ASGI application: what it costs, every request of the platform pays.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from dashboard_backend.api.door import Admission, Door
from dashboard_backend.api.framing import Framing
from dashboard_backend.api.problem_answers import send_problem
from dashboard_backend.api.relayed_answer import RelayedAnswer, UnreadableAnswerError
from dashboard_backend.api.request_body import ClientGoneError, RequestBody, too_slow
from dashboard_backend.api.upstream_problems import problem_of
from dashboard_backend.domain import deadlines
from dashboard_backend.domain.forwarding import UnsafeFieldError, request_fields
from dashboard_backend.domain.principal import Principal
from dashboard_backend.domain.problems import (
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    ProblemError,
)
from dashboard_backend.domain.route_matching import (
    MalformedPathError,
    Match,
    RouteTable,
    WrongMethod,
)
from dashboard_backend.domain.upstream import (
    BrokenAnswerError,
    DeadlineError,
    Upstream,
    UpstreamError,
    UpstreamRequest,
)
from dashboard_backend.utils.asgi import Receive, Scope, Send
from dashboard_backend.utils.request_middleware import Exchange


class Proxy:
    """Passes on what the table declares, for callers whom the door lets in."""

    def __init__(
        self,
        table: RouteTable,
        door: Door,
        upstreams: Mapping[str, Upstream],
        mint: Callable[[Principal, str], str],
        count_error: Callable[[str, str], None],
    ) -> None:
        """`mint` makes the internal JWT; `count_error` hears of a service's failures by kind."""
        self._table = table
        self._door = door
        self._upstreams = upstreams
        self._mint = mint
        self._count_error = count_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under `/api/`."""
        exchange: Exchange = scope["exchange"]
        try:
            match = self._match(scope)
            exchange.route = match.route.template
            client = scope["client"]
            admission = await self._door.admit(
                scope["headers"], client[0] if client else "", match.route.scope, exchange
            )
            await self._pass_on(scope, receive, send, match, admission)
        except ProblemError as problem:
            exchange.problem = problem.kind.slug
            await send_problem(send, problem)
        except ClientGoneError:
            exchange.problem = "client-gone"

    def _match(self, scope: Scope) -> Match:
        try:
            found = self._table.find(scope["method"], scope["raw_path"])
        except MalformedPathError as error:
            raise ProblemError(MALFORMED_REQUEST, "The path is not plain.") from error
        if found is None:
            raise ProblemError(NOT_FOUND, "There is no such route.")
        if isinstance(found, WrongMethod):
            allow = ", ".join(found.allowed)
            raise ProblemError(
                METHOD_NOT_ALLOWED, f"Allowed: {allow}.", headers=(("Allow", allow),)
            )
        return found

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, match: Match, admission: Admission
    ) -> None:
        route = match.route
        framing = Framing.of(scope["headers"])
        body = RequestBody(receive, framing.length, route.body_limit)
        try:
            seconds = deadlines.allowed_seconds(route.deadline, framing.deadline)
        except ValueError as error:
            raise ProblemError(MALFORMED_REQUEST, str(error)) from error
        deadline = asyncio.get_running_loop().time() + seconds
        answer = RelayedAnswer(send)
        try:
            data = await body.for_sending(deadline)
            request = self._request(scope, match, admission, framing, data, deadline)
            async with self._upstreams[route.service].call(request) as received:
                await answer.relay(received)
        except (UpstreamError, UnreadableAnswerError, UnsafeFieldError) as error:
            failure = body.failure or self._failure(route.service, error, body)
            if not answer.started:
                raise failure from error
            # The status line is out: only an answer that breaks off can still say "not whole".
            exchange: Exchange = scope["exchange"]
            exchange.problem = (
                failure.kind.slug if isinstance(failure, ProblemError) else "client-gone"
            )

    def _failure(self, service: str, error: Exception, body: RequestBody) -> ProblemError:
        if isinstance(error, DeadlineError) and body.waiting:
            return too_slow()
        if not isinstance(error, UpstreamError):
            error = BrokenAnswerError(service)
        self._count_error(service, type(error).__name__)
        return problem_of(error)

    def _request(
        self,
        scope: Scope,
        match: Match,
        admission: Admission,
        framing: Framing,
        data: bytes | AsyncIterator[bytes] | None,
        deadline: float,
    ) -> UpstreamRequest:
        exchange: Exchange = scope["exchange"]
        target = match.upstream_path
        query: bytes = scope["query_string"]
        if query:
            if not query.isascii():
                raise ProblemError(MALFORMED_REQUEST, "The query must be percent-encoded ASCII.")
            target = f"{target}?{query.decode('ascii')}"
        fields = request_fields(scope["headers"])
        fields["authorization"] = f"Bearer {self._mint(admission.principal, match.route.service)}"
        left = max(1, int((deadline - asyncio.get_running_loop().time()) * 1000))
        fields["x-request-deadline-ms"] = str(left)
        fields["x-request-id"] = exchange.request_id
        fields["traceparent"] = exchange.trace.traceparent
        if exchange.trace.tracestate is not None:
            fields["tracestate"] = exchange.trace.tracestate
        if scope["client"]:
            fields["x-forwarded-for"] = scope["client"][0]
        fields["x-forwarded-proto"] = scope["scheme"]
        if framing.length and not isinstance(data, bytes):
            fields["content-length"] = str(framing.length)
        return UpstreamRequest(match.route.method, target, fields, data, deadline)
