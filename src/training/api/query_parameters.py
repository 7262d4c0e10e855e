"""Query parameters: what a route does not know is refused, as it is in bodies, and what it needs is
named. A misspelt one would otherwise be left out in silence.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, get_args, get_origin
from urllib.parse import parse_qsl

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from training.api import problem_kinds as kinds
from training.api.body_hints import MAX_NAME
from training.api.problems import FieldError, ProblemError


@lru_cache(maxsize=256)
def names_of(app: Litestar, handler: HTTPRouteHandler) -> Mapping[str, str]:
    """The route's query parameters: how the code calls each, and what it is on the wire."""
    return {in_code: on_wire for in_code, on_wire, _ in _declared(app, handler)}


def choices_of(handler: HTTPRouteHandler, name: str) -> list[str]:
    """The values that a parameter may have, as the code calls it; none where not listed."""
    signatures = [handler.parsed_fn_signature]
    signatures += [each.parsed_fn_signature for each in handler.resolve_dependencies().values()]
    for signature in signatures:
        if name in signature.parameters:
            return list(_literals(signature.parameters[name].annotation))
    return []


def _literals(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from _literals(part)


@lru_cache(maxsize=256)
def _needed(app: Litestar, handler: HTTPRouteHandler) -> frozenset[str]:
    return frozenset(on_wire for _, on_wire, is_needed in _declared(app, handler) if is_needed)


def _declared(app: Litestar, handler: HTTPRouteHandler) -> list[tuple[str, str, bool]]:
    """Of each parameter, those of dependencies too: both names, and whether it is needed."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and handler in route.route_handlers:
            model = handler.create_kwargs_model(route.path_parameters)
            return [
                (each.field_name, each.field_alias, each.is_required)
                for each in model.expected_query_params
            ]
    return []


class QueryParameters(ASGIMiddleware):
    """Refuses a request whose query has a parameter too many, or lacks one."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, or raise ProblemError."""
        handler = scope["route_handler"]
        if isinstance(handler, HTTPRouteHandler) and "scope" in handler.opt:
            app = scope["litestar_app"]
            query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            _check({name for name, _ in query}, app, handler)
        await next_app(scope, receive, send)


def _check(given: set[str], app: Litestar, handler: HTTPRouteHandler) -> None:
    known = sorted(names_of(app, handler).values())
    takes = f"the route takes {', '.join(known)}" if known else "the route takes none"
    errors = [FieldError(f"/{name}", "is needed") for name in sorted(_needed(app, handler) - given)]
    errors += [
        FieldError(f"/{name[:MAX_NAME]}", f"is unknown: {takes}")
        for name in sorted(given - set(known))
    ]
    if errors:
        raise ProblemError(kinds.MALFORMED_REQUEST, told(errors), errors=errors)


def told(errors: Sequence[FieldError]) -> str:
    """What is wrong with parameters, in a sentence."""
    return f"{'; '.join(f'`{each.pointer[1:]}` {each.message}' for each in errors)}."
