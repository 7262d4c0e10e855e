"""A peer that keeps the contract of model_api's `GET /feedback`, for tests to say what is in it.

Its pages hold as few opinions as the test likes, and it is away when the test says so.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
from aiohttp import web

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FeedbackPeer:
    """`answers` are the pages that it still gives, None for no end; `asked` the queries so far,
    `nonsense` what it answers instead of a page."""

    url: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    page: int = 200
    answers: int | None = None
    nonsense: bytes | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)

    def say(self, label: str, text: str | None, **fields: Any) -> None:
        """One opinion more, a minute after the one before."""
        missing = "not_stored" if text is None else None
        said = {
            "id": str(uuid4()),
            "prediction_id": str(uuid4()),
            "label": label,
            "note": None,
            "created_at": f"{BEGINNING + timedelta(minutes=len(self.items)):%Y-%m-%dT%H:%M:%SZ}",
            "superseded": False,
            "text": text,
            "text_missing": missing,
        }
        self.items.append(said | fields)

    async def answer(self, request: web.Request) -> web.Response:
        """The contract of the list."""
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.tokens.append(jwt.decode(token, options={"verify_signature": False}))
        self.asked.append(dict(request.query))
        if self.answers == 0:
            return web.json_response({"code": "STORAGE_UNAVAILABLE"}, status=503)
        if self.nonsense is not None:
            return web.Response(body=self.nonsense)
        if self.answers is not None:
            self.answers -= 1
        first = int(request.query.get("cursor", "0"))
        rest = first + self.page
        page = {
            "items": self.items[first:rest],
            "next_cursor": str(rest) if rest < len(self.items) else None,
        }
        return web.json_response(page)


@asynccontextmanager
async def feedback_peer() -> AsyncIterator[FeedbackPeer]:
    """The peer on a free port."""
    peer = FeedbackPeer()
    app = web.Application()
    app.router.add_get("/feedback", peer.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    peer.url = f"http://{host}:{port}"
    try:
        yield peer
    finally:
        await runner.cleanup()
