"""The gateway as its clients see it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from e2e.running_platform import Platform

PREDICT = "/api/model_api/predict"


@asynccontextmanager
async def client(
    platform: Platform, key: str | None = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the platform's gateway that shows `key`; closed at the end of the block."""
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(
        base_url=platform.gateway,
        headers={**shown, **(headers or {})},
        timeout=30,
        trust_env=False,
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=200),
    ) as opened:
        yield opened
