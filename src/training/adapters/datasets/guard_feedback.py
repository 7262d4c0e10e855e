"""What people said of predictions, read from model_api's API.

``GuardFeedback(url, token)``: ``judged(tenant, since, limit)``; raises ``GuardUnavailable``.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import UUID

import aiohttp
import msgspec

from training.domain.datasets.feedback import GuardUnavailable, JudgedText

_PAGE = 200
_TIMEOUT_MS = 10_000
_TIMEOUT = aiohttp.ClientTimeout(total=_TIMEOUT_MS / 1_000)


class _Listed(msgspec.Struct):
    id: UUID


class _Page(msgspec.Struct):
    items: list[_Listed]
    next_cursor: str | None


class _Opinion(msgspec.Struct):
    label: str


class _Opinions(msgspec.Struct):
    items: list[_Opinion]


class _Prediction(msgspec.Struct):
    text: str | None = None


class GuardFeedback:
    """`token` gives a bearer token for a tenant, and is asked for one at each call."""

    def __init__(self, url: str, token: Callable[[str], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token

    async def judged(self, tenant: str, since: datetime, limit: int) -> AsyncIterator[JudgedText]:
        """The newest predictions since a moment, at most `limit`, each with its feedback; the text
        is asked for where there is any."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            cursor: str | None = None
            seen = 0
            while seen < limit:
                query = {"since": since.isoformat(), "limit": str(min(_PAGE, limit - seen))}
                if cursor is not None:
                    query["cursor"] = cursor
                page = await self._get(session, tenant, "/predictions", query, _Page)
                for each in page.items:
                    seen += 1
                    yield await self._judged(session, tenant, each.id)
                cursor = page.next_cursor
                if cursor is None:
                    return

    async def _judged(
        self, session: aiohttp.ClientSession, tenant: str, prediction_id: UUID
    ) -> JudgedText:
        query = {"prediction_id": str(prediction_id)}
        opinions = await self._get(session, tenant, "/feedback", query, _Opinions)
        labels = tuple(each.label for each in opinions.items)
        if not labels:
            return JudgedText(prediction_id, (), None)
        path = f"/predictions/{prediction_id}"
        found = await self._get(session, tenant, path, {}, _Prediction)
        return JudgedText(prediction_id, labels, found.text)

    async def _get[Answer](
        self,
        session: aiohttp.ClientSession,
        tenant: str,
        path: str,
        query: dict[str, str],
        kind: type[Answer],
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._token(tenant)}",
            "X-Request-Deadline-Ms": str(_TIMEOUT_MS),
        }
        try:
            async with session.get(self._url + path, params=query, headers=headers) as answer:
                content = await answer.read()
                if answer.status != 200:
                    raise GuardUnavailable(f"The guard answers with status {answer.status}.")
                return msgspec.json.decode(content, type=kind)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
            raise GuardUnavailable(
                f"The guard cannot be asked ({type(error).__name__})."
            ) from error
