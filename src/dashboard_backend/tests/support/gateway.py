"""The real gateway, listening on a free port in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from dashboard_backend.app import Service, build
from dashboard_backend.server import configuration
from dashboard_backend.settings import Settings
from dashboard_backend.tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway and a client that speaks to it; `admin` is the first key's token."""

    service: Service
    port: int
    client: httpx.AsyncClient
    admin: str

    def bearer(self, token: str | None = None) -> dict[str, str]:
        """The header field of a caller; the administrator by default."""
        return {"Authorization": f"Bearer {token or self.admin}"}

    async def make_key(self, *scopes: str, **more: object) -> str:
        """The token of a new key."""
        body = {"name": "test", "scopes": list(scopes), **more}
        answer = await self.client.post("/keys", json=body, headers=self.bearer())
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token


@asynccontextmanager
async def listening(service: Service) -> AsyncIterator[int]:
    """Serve the API on a free port, with its lifespan."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(configuration(service.api, 5, "on"))
    # Within pytest the signals are pytest's.
    serving = asyncio.create_task(server._serve([listener]))
    await eventually(lambda: server.started or serving.done())
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def running(settings: Settings, *, wait: bool = True) -> AsyncIterator[Gateway]:
    """Build and start the gateway; with `wait`, return when it has made its first key."""
    service = build(settings)
    async with listening(service) as port:
        if wait:
            await eventually(lambda: service.health.startup()[0])
        key_file = settings.admin_key_file
        admin = await asyncio.to_thread(_read, key_file) if key_file else ""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield Gateway(service, port, client, admin)


def _read(path: Path) -> str:
    return path.read_text("ascii").strip() if path.exists() else ""
