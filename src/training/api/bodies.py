"""Request bodies: read with a limit, decoded straight into structs, refused as problems."""

import asyncio
import re
from typing import Any

import msgspec
from litestar import Request

from training.api import problem_kinds as kinds
from training.api.body_hints import worded
from training.api.problems import FieldError, ProblemError

_PLACE = re.compile(r"(?P<message>.*) - at `(?:key in `)?(?P<path>\$[^`]*)`", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]")


AnyRequest = Request[Any, Any, Any]


def takes(body: type) -> dict[str, Any]:
    """The `opt` of a route that reads a JSON body of this type, for the OpenAPI document."""
    return {"body": body}


class ClientGone(Exception):
    """The caller went away before its body had come."""


class JsonBody[T]:
    """Reads a JSON body of at most `max_bytes` into a `T`."""

    def __init__(self, of: type[T], max_bytes: int, timeout_s: float = 30.0) -> None:
        self._of = of
        self._decoder = msgspec.json.Decoder(of)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def read(self, request: AnyRequest) -> T:
        """The body of `request`.

        Raises ProblemError: 400 for what is no JSON, 408 for what does not come in time, 413
        beyond the limit, 415 for another media type or encoding, 422 for JSON that is no `T`.
        """
        _check_headers(request, self._max_bytes)
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._receive(request)
        except TimeoutError:
            raise _too_slow(self._timeout_s) from None
        return self.decode(body)

    async def _receive(self, request: AnyRequest) -> bytes:
        chunks: list[bytes] = []
        total = 0
        while True:
            message = await request.receive()
            if message["type"] != "http.request":
                raise ClientGone
            chunk = message.get("body", b"")
            total += len(chunk)
            if total > self._max_bytes:
                raise _too_large(self._max_bytes)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def decode(self, body: bytes) -> T:
        """`body` as a `T`. Of a key that occurs twice the last value counts, as RFC 8259 has it."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise misfit(str(error), self._of) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(error) from None


def _check_headers(request: AnyRequest, max_bytes: int) -> None:
    content_type = b""
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise ProblemError(
                kinds.UNSUPPORTED_MEDIA_TYPE, "The body must come without a Content-Encoding."
            )
        elif name == b"content-length" and value.isdigit() and int(value) > max_bytes:
            raise _too_large(max_bytes)
    if content_type != b"application/json" and not _is_json(content_type):
        raise ProblemError(
            kinds.UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json."
        )


def _is_json(content_type: bytes) -> bool:
    essence, _, parameters = content_type.lower().partition(b";")
    if essence.strip() != b"application/json":
        return False
    name, _, value = parameters.strip().partition(b"=")
    return not (name.strip() == b"charset" and value.strip(b' "') not in (b"utf-8", b"utf8"))


def _too_large(max_bytes: int) -> ProblemError:
    return ProblemError(
        kinds.BODY_TOO_LARGE,
        f"The body may have {max_bytes} bytes.",
        # What is left of the body is not read, so the connection cannot be used again.
        headers={"Connection": "close"},
    )


def _too_slow(timeout_s: float) -> ProblemError:
    return ProblemError(
        kinds.BODY_TOO_SLOW,
        f"The body has not come within {timeout_s:g} seconds.",
        headers={"Connection": "close"},
    )


def _malformed(error: Exception) -> ProblemError:
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif isinstance(error, UnicodeDecodeError):
        reason = "it is not UTF-8"
    else:
        reason = str(error)
    return ProblemError(kinds.MALFORMED_BODY, f"The body cannot be read as JSON: {reason}.")


def misfit(message: str, of: Any, below: str = "") -> ProblemError:
    """What msgspec says of a body, or of that which is `below` a place of it, that is no `of`."""
    match = _PLACE.fullmatch(message)
    said, path = (match["message"], match["path"]) if match else (message, "$")
    return validation_failed(below + _pointer(path), worded(said, of, path))


def _pointer(path: str) -> str:
    """A JSON Pointer for msgspec's path, which names no keys of mappings: it ends before one."""
    named = path.partition("[...]")[0]
    return "".join(f"/{step['name'] or step['index']}" for step in _STEP.finditer(named))


def validation_failed(pointer: str, message: str) -> ProblemError:
    """A body that is JSON and yet not what the route takes, at `pointer`."""
    where = pointer or "the body itself"
    return ProblemError(
        kinds.VALIDATION_FAILED,
        f"The body does not fit its schema at {where}: {message.removesuffix('.')}.",
        errors=[FieldError(pointer=pointer, message=message)],
    )
