"""The body of an upload, as it comes."""

import asyncio
from collections.abc import AsyncGenerator

from training.api import problem_kinds as kinds
from training.api.bodies import AnyRequest, ClientGone
from training.api.datasets.problems import TOO_MANY_UPLOADS
from training.api.problems import ProblemError

_LEAST_BYTES = 64 << 10


class UploadBodies:
    """Reads bodies of any size; at most `places` at a time, since each holds a piece in memory.

    A caller who sends less than 64 KiB in `window_s` seconds is too slow.
    """

    def __init__(self, window_s: float, places: int = 16) -> None:
        self._window_s = window_s
        self._places = places
        self._taken = 0

    async def chunks(self, request: AnyRequest) -> AsyncGenerator[bytes]:
        """The body in chunks.

        Raises ClientGone; ProblemError: 400 where it has another length than it says, 408 where
        it does not come, 503 where there are too many others.
        """
        if self._taken >= self._places:
            raise ProblemError(
                TOO_MANY_UPLOADS,
                f"{self._places} uploads are under way already.",
                headers={"Retry-After": "5"},
            )
        self._taken += 1
        try:
            async for chunk in self._read(request):
                yield chunk
        finally:
            self._taken -= 1

    async def _read(self, request: AnyRequest) -> AsyncGenerator[bytes]:
        total = 0
        loop = asyncio.get_running_loop()
        # Only the time in which the caller is waited for counts, not that which the store takes.
        left, counted = self._window_s, 0
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(left):
                    message = await request.receive()
            except TimeoutError:
                raise ProblemError(
                    kinds.BODY_TOO_SLOW,
                    f"Fewer than {_LEAST_BYTES} bytes have come within {self._window_s:g} seconds; "
                    "what came is kept.",
                    headers={"Connection": "close"},
                ) from None
            if message["type"] != "http.request":
                raise ClientGone
            left -= loop.time() - began
            chunk = message.get("body", b"")
            if chunk:
                total += len(chunk)
                counted += len(chunk)
                yield chunk
                if counted >= _LEAST_BYTES:
                    left, counted = self._window_s, 0
            if not message.get("more_body", False):
                break
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) != total:
            raise ProblemError(
                kinds.MALFORMED_REQUEST, "The body has another length than Content-Length says."
            )


def content_length(request: AnyRequest) -> int | None:
    """How long the body says it is."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isascii() and announced.isdigit() else None


def refuse_encoded(request: AnyRequest) -> None:
    """ProblemError where the body is compressed: what is stored must be what was sent."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ProblemError(
            kinds.UNSUPPORTED_MEDIA_TYPE, "The body must come without a Content-Encoding."
        )
