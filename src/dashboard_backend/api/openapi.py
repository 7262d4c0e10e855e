"""The OpenAPI document, made from the routes and put right where the generator errs."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from dashboard_backend.api.problem_answers import MEDIA_TYPE
from dashboard_backend.domain.problems import ProblemType

_DESCRIPTION = """\
The edge of the platform: API keys, and the way to the services. What is under `/api/<service>/`
is described by the OpenAPI document of that service; the path after the prefix is the same.
"""


class FieldFault(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong with one field."""

    pointer: str
    message: str


class ProblemDocument(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldFault] | None = None


def problems(*kinds: ProblemType) -> dict[int, ResponseSpec]:
    """The documentation of the problems that a route may answer with."""
    texts: dict[int, list[str]] = {}
    for kind in kinds:
        texts.setdefault(kind.status, []).append(f"`{kind.slug}`: {kind.title}.")
    return {
        status: ResponseSpec(ProblemDocument, generate_examples=False, description=" ".join(lines))
        for status, lines in texts.items()
    }


def describe(
    routes: Sequence[ControllerRouterHandler],
    injected: Iterable[str],
    bodies: Iterable[type[Struct]],
    version: str,
) -> bytes:
    """The document: sorted keys, two spaces, a newline at the end.

    `injected` names the routes' arguments that do not come from the request; `bodies` are the
    types of all that is sent and answered.
    """
    dependencies = {name: Provide(lambda: None, sync_to_thread=False) for name in injected}
    config = OpenAPIConfig(
        title="Bartizan gateway",
        version=version,
        path="/generated",
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "api_key": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
                "bearer": SecurityScheme(type="http", scheme="bearer"),
            }
        ),
    )
    document = Litestar(
        list(routes), dependencies=dependencies, openapi_config=config, logging_config=None
    ).openapi_schema.to_schema()
    # The generator drops the constraints of a type that may also be null; msgspec keeps them.
    _, schemas = msgspec.json.schema_components(
        (*bodies, ProblemDocument), ref_template="#/components/schemas/{name}"
    )
    document["components"]["schemas"] = schemas
    for path in document["paths"].values():
        for operation in path.values():
            _label_problems(operation["responses"])
    ordered = msgspec.json.encode(document, order="sorted")
    return msgspec.json.format(ordered, indent=2) + b"\n"


def _label_problems(responses: dict[str, Any]) -> None:
    for status, response in list(responses.items()):
        if status < "400":
            continue
        content = response["content"]
        schema = content["application/json"]["schema"]
        if schema.get("$ref", "").endswith("ProblemDocument"):
            content[MEDIA_TYPE] = content.pop("application/json")
        else:
            # The generator adds an answer of the framework's own, which no route gives.
            del responses[status]
