"""What people said of predictions, read from model_api's API.

``GuardFeedback(url, token)``: ``pages(tenant, walk)``; raises ``GuardUnavailable``.
"""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Literal

import aiohttp
import msgspec

from training.domain.datasets.feedback import (
    FeedbackPage,
    FeedbackWalk,
    GuardUnavailable,
    Opinion,
    TextMissing,
)

_PAGE = 200
_TIMEOUT_MS = 10_000
_TIMEOUT = aiohttp.ClientTimeout(total=_TIMEOUT_MS / 1_000)

_MAX_PAGE_BYTES = 16 << 20
"""Beyond all that a page of the guard can be: texts of 1 MiB, were every character escaped, and
200 notes."""


class _Listed(msgspec.Struct):
    label: Literal["attack", "benign"]
    created_at: datetime
    superseded: bool
    text: str | None
    text_missing: TextMissing | None


class _Page(msgspec.Struct):
    items: list[_Listed]
    next_cursor: str | None


class GuardFeedback:
    """`token` gives a bearer token for a tenant, and is asked for one at each call."""

    def __init__(self, url: str, token: Callable[[str], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token

    async def pages(self, tenant: str, walk: FeedbackWalk) -> AsyncGenerator[FeedbackPage]:
        """The tenant's feedback with its texts, from where the walk has come."""
        query = {"since": walk.since.isoformat(), "limit": str(_PAGE), "text": "true"}
        cursor = walk.cursor
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                asked = query if cursor is None else {**query, "cursor": cursor}
                page = await self._get(session, tenant, asked)
                cursor = page.next_cursor
                yield FeedbackPage(tuple(_opinion(each) for each in page.items), cursor)
                if cursor is None:
                    return

    async def _get(
        self, session: aiohttp.ClientSession, tenant: str, query: dict[str, str]
    ) -> _Page:
        headers = {
            "Authorization": f"Bearer {self._token(tenant)}",
            "X-Request-Deadline-Ms": str(_TIMEOUT_MS),
        }
        url = f"{self._url}/feedback"
        try:
            async with session.get(
                url, params=query, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise GuardUnavailable(f"The guard answers with status {answer.status}.")
                content = bytearray()
                async for chunk in answer.content.iter_any():
                    content += chunk
                    if len(content) > _MAX_PAGE_BYTES:
                        raise GuardUnavailable("The guard answers with more than a page.")
                return msgspec.json.decode(content, type=_Page)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
            raise GuardUnavailable(
                f"The guard cannot be asked ({type(error).__name__})."
            ) from error


def _opinion(listed: _Listed) -> Opinion:
    return Opinion(
        listed.label, listed.created_at, listed.superseded, listed.text, listed.text_missing
    )
