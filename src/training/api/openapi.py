"""The OpenAPI document: the framework's, completed where it falls short of the code.

Bodies are decoded by this service itself, so the framework does not know them; and its schemas
of structs lack what msgspec's own say: closed objects, bounds, patterns.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

_SECURITY = "internal_token"
_REFERENCE = "#/components/schemas/{name}"


def config(version: str) -> OpenAPIConfig:
    """Serves the document at `/schema/openapi.json`."""
    return OpenAPIConfig(
        title="Bartizan training",
        version=version,
        summary="Datasets, jobs, and the life of each model.",
        path="/schema",
        render_plugins=[_CompletedJson()],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                _SECURITY: SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="An internal token, of the gateway or of a service that is "
                    "trusted, where TRAINING_JWKS_URL is set.",
                )
            }
        ),
    )


def document(app: Litestar) -> dict[str, Any]:
    """The whole document of `app`, as plain JSON values."""
    described: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(app.openapi_schema.to_schema(), enc_hook=str)
    )
    handlers = {handler.operation_id: handler for handler in _handlers(app)}
    structs: dict[str, Any] = dict(described["components"]["schemas"])
    for item in described["paths"].values():
        for operation in item.values():
            _complete(operation, handlers[operation["operationId"]])
    bodies = [handler.opt["body"] for handler in handlers.values() if "body" in handler.opt]
    answers = [kind for kind in map(_answer_type, handlers.values()) if not _is_stream(kind)]
    _, schemas = msgspec.json.schema_components([*bodies, *answers], ref_template=_REFERENCE)
    described["components"]["schemas"] = {
        name: _with_clean_description(schema) for name, schema in (structs | schemas).items()
    }
    return described


def _with_clean_description(schema: dict[str, Any]) -> dict[str, Any]:
    if "description" not in schema:
        return schema
    return {**schema, "description": inspect.cleandoc(schema["description"])}


def _handlers(app: Litestar) -> Iterator[HTTPRouteHandler]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            yield from (each for each in route.route_handlers if each.resolve_include_in_schema())


def _answer_type(handler: HTTPRouteHandler) -> Any:
    returned = handler.parsed_fn_signature.return_type
    inner = returned.inner_types
    return inner[0].annotation if inner else returned.annotation


def _is_stream(kind: Any) -> bool:
    """Whether the framework hands the answer on as it comes, so that it has no schema."""
    return isinstance(kind, type) and issubclass(kind, Response)


def _complete(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    # The framework documents an error of its own that this service never answers.
    for status in [status for status in operation["responses"] if int(status) >= 400]:
        if handler.responses is None or int(status) not in handler.responses:
            del operation["responses"][status]
    for status, answer in operation["responses"].items():
        if int(status) < 400 and "gives" in handler.opt:
            answer["headers"] = {**answer.get("headers", {}), **handler.opt["gives"]}
    if "scope" in handler.opt:
        operation["security"] = [{_SECURITY: []}]
        operation["x-required-scope"] = str(handler.opt["scope"])
    if "headers" in handler.opt:
        operation["parameters"] = [*operation.get("parameters", []), *handler.opt["headers"]]
    content: dict[str, Any] = {}
    if "body" in handler.opt:
        reference = _REFERENCE.format(name=handler.opt["body"].__name__)
        content["application/json"] = {"schema": {"$ref": reference}}
    for media_type in handler.opt.get("streams", ()):
        # So a binary body of any size is told in OpenAPI 3.1.
        content[media_type] = {"schema": {}}
    if content:
        operation["requestBody"] = {"required": True, "content": content}


class _CompletedJson(JsonRenderPlugin):
    def __init__(self) -> None:
        super().__init__()
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._rendered is None:
            self._rendered = render(request.app)
        return self._rendered


def render(app: Litestar) -> bytes:
    """The document as it is kept in `contracts/openapi`."""
    ordered = msgspec.json.encode(document(app), order="sorted")
    return msgspec.json.format(ordered, indent=2) + b"\n"
