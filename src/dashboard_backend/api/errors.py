"""Whatever is raised in a Litestar route, answered as a problem."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from dashboard_backend.api.problem_answers import MEDIA_TYPE
from dashboard_backend.domain.key_records import KeysUnavailableError
from dashboard_backend.domain.problems import (
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    KEYS_UNAVAILABLE,
    MALFORMED_BODY,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    VALIDATION_FAILED,
    FieldError,
    ProblemError,
)
from dashboard_backend.utils.request_middleware import Exchange

type AnyRequest = Request[Any, Any, Any]

_STEP = re.compile(r"[^.\[\]]+")
_BY_STATUS = {
    400: MALFORMED_BODY,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: BODY_TOO_LARGE,
}

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def _answer(request: AnyRequest, problem: ProblemError) -> Response[bytes]:
    exchange: Exchange = request.scope["exchange"]  # type: ignore[typeddict-item]
    exchange.problem = problem.kind.slug
    return Response(
        msgspec.json.encode(problem.document()),
        status_code=problem.kind.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def _on_problem(request: AnyRequest, problem: ProblemError) -> Response[bytes]:
    return _answer(request, problem)


def _on_keys_unavailable(request: AnyRequest, _error: KeysUnavailableError) -> Response[bytes]:
    problem = ProblemError(
        KEYS_UNAVAILABLE, "The database is away.", headers=(("Retry-After", "1"),)
    )
    return _answer(request, problem)


def _on_validation(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    faults = error.extra if isinstance(error.extra, list) else []
    errors = tuple(_fault(fault) for fault in faults if isinstance(fault, Mapping))
    detail = "The request breaks the schema."
    return _answer(request, ProblemError(VALIDATION_FAILED, detail, errors=errors))


def _fault(fault: Mapping[str, Any]) -> FieldError:
    message = str(fault.get("message", "is not valid"))
    if message.startswith("Invalid enum value"):
        message = "is not one of the allowed values"
    return FieldError(_pointer(str(fault.get("key", ""))), message)


def _pointer(path: str) -> str:
    """A JSON pointer from Litestar's `a.b[0]`; the whole body, `data` there, is the empty one."""
    steps = _STEP.findall(path)
    return "" if steps == ["data"] else "".join(f"/{step}" for step in steps)


def _on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return _on_anything(request, error)
    headers = tuple((error.headers or {}).items())
    return _answer(request, ProblemError(kind, kind.explanation, headers=headers))


def _on_anything(request: AnyRequest, error: Exception) -> Response[bytes]:
    exchange: Exchange = request.scope["exchange"]  # type: ignore[typeddict-item]
    log.error("unhandled", request_id=exchange.request_id, exc_info=error)
    return _answer(request, ProblemError(INTERNAL_ERROR, "The gateway failed to answer."))


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    ProblemError: _on_problem,
    KeysUnavailableError: _on_keys_unavailable,
    ValidationException: _on_validation,
    HTTPException: _on_http,
    Exception: _on_anything,
}
