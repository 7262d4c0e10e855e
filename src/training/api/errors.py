"""How anything that is raised in a request becomes a problem."""

import logging
from collections.abc import Callable

from litestar import Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.types import ExceptionHandlersMap

from training.api import problem_kinds as kinds
from training.api.bodies import AnyRequest, ClientGone
from training.api.problems import FieldError, Kind, Problem, ProblemError, respond
from training.api.query_parameters import choices_of, names_of, told
from training.utils.request_context import CLIENT_GONE, context_of

log = logging.getLogger(__name__)


def _answer(request: AnyRequest, error: ProblemError) -> Response[Problem]:
    return respond(error, context_of(request.scope).request_id)


def on_problem(request: AnyRequest, error: ProblemError) -> Response[Problem]:
    """A refusal that the code meant."""
    return _answer(request, error)


def on_framework_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    """A refusal by the framework: routing, path and query parameters."""
    headers = {name: str(value) for name, value in (error.headers or {}).items()}
    if isinstance(error, NotFoundException):
        return _answer(request, ProblemError(kinds.NOT_FOUND, "No route has this path."))
    if isinstance(error, MethodNotAllowedException):
        problem = ProblemError(
            kinds.METHOD_NOT_ALLOWED, "The path does not know this method.", headers=headers
        )
        return _answer(request, problem)
    if isinstance(error, ClientException):
        wrong = _parameters(request, error.extra)
        return _answer(
            request,
            ProblemError(kinds.MALFORMED_REQUEST, told(wrong), errors=wrong)
            if wrong
            else ProblemError(kinds.MALFORMED_REQUEST, "A parameter of the request is malformed."),
        )
    return on_defect(request, error)


def on_defect(request: AnyRequest, error: Exception) -> Response[Problem]:
    """Anything unforeseen: told in the log by place, and to the caller not at all."""
    log.error(
        "request failed",
        exc_info=error,
        extra={"request_id": context_of(request.scope).request_id},
    )
    return _answer(request, ProblemError(kinds.INTERNAL_ERROR, "The service failed."))


def answering(
    kind: Kind, detail: str, retry_after_s: int | None = None
) -> Callable[[AnyRequest, Exception], Response[Problem]]:
    """A handler that answers one problem, whatever the exception says of itself."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}

    def handle(request: AnyRequest, _: Exception) -> Response[Problem]:
        return _answer(request, ProblemError(kind, detail, headers=headers))

    return handle


def telling(
    kind: Kind, retry_after_s: int | None = None
) -> Callable[[AnyRequest, Exception], Response[Problem]]:
    """A handler that answers one problem in the exception's own words, which are meant for it."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}

    def handle(request: AnyRequest, error: Exception) -> Response[Problem]:
        return _answer(request, ProblemError(kind, str(error), headers=headers))

    return handle


def _parameters(request: AnyRequest, extra: object) -> list[FieldError]:
    if not isinstance(extra, list):
        return []
    names = names_of(request.app, request.route_handler)
    return [
        FieldError(
            pointer=f"/{names.get(each['key'], each['key'])}",
            message=_wrong(choices_of(request.route_handler, each["key"]), each.get("message")),
        )
        for each in extra
        if isinstance(each, dict) and "key" in each
    ]


def _wrong(choices: list[str], message: object) -> str:
    """What would have been right, as the framework says it; its other messages quote what came."""
    if choices:
        return f"must be one of {', '.join(choices)}"
    said = str(message)
    expected = f" ({said})" if said.startswith("Expected ") else ""
    return f"is malformed or out of bounds{expected}"


def on_client_gone(_: AnyRequest, __: ClientGone) -> Response[None]:
    """Nobody is there to be answered; the status is for the log."""
    return Response(None, status_code=CLIENT_GONE)


HANDLERS: ExceptionHandlersMap = {
    ProblemError: on_problem,
    ClientGone: on_client_gone,
    HTTPException: on_framework_error,
    Exception: on_defect,
}
