"""The ops port: health for the supervisor, metrics for the scraper. No authentication."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from dashboard_backend.utils.asgi import Receive, Scope, Send

_TEXT = b"text/plain; version=0.0.4; charset=utf-8"


class Health(Protocol):
    """What the service knows of itself; see `api.health`."""

    def startup(self) -> tuple[bool, dict[str, str]]:
        """Whether the start is done, and what it waits for."""
        ...

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether requests should be sent here."""
        ...


class OpsApp:
    """A raw ASGI application of four paths."""

    def __init__(self, health: Health, render_metrics: Callable[[], bytes]) -> None:
        """`render_metrics` gives the exposition for a scrape."""
        self._health = health
        self._render_metrics = render_metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET."""
        if scope["type"] != "http":
            return
        match scope["path"]:
            case "/metrics":
                await _answer(send, 200, _TEXT, self._render_metrics())
            case "/health/live":
                await _report(send, True, {})
            case "/health/startup":
                await _report(send, *self._health.startup())
            case "/health/ready":
                await _report(send, *self._health.ready())
            case _:
                await _answer(send, 404, _TEXT, b"not found\n")


async def _report(send: Send, good: bool, details: dict[str, str]) -> None:
    body = msgspec.json.encode({"status": "ok" if good else "unavailable", **details})
    await _answer(send, 200 if good else 503, b"application/json", body)


async def _answer(send: Send, status: int, media_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
