"""API keys, made with the first one."""

from collections.abc import Sequence

import msgspec

from e2e.gateway import client
from e2e.running_platform import Platform

NO_LIMIT = 1_000_000
"""Requests a minute; the most that a key may have."""


class Key(msgspec.Struct):
    """What the gateway tells of a key."""

    id: str
    status: str


class KeyWithToken(msgspec.Struct):
    """A key that was made just now."""

    key: Key
    token: str


async def create_key(platform: Platform, scopes: Sequence[str]) -> KeyWithToken:
    """A new key with these scopes and the highest rate limit there is."""
    body = {"name": "end to end", "scopes": list(scopes), "requests_per_minute": NO_LIMIT}
    async with client(platform, platform.admin_key) as administrator:
        answer = await administrator.post("/keys", json=body)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=KeyWithToken)
