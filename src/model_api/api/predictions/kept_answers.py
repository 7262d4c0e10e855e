"""Answers that are kept, so that a repeated request gets the first one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol
from weakref import WeakValueDictionary

import msgspec

from model_api.api.predictions.schemas import PredictRequest, PredictResponse
from model_api.domain.fingerprint import Fingerprints


class AnswerStore(Protocol):
    """Where answers are kept. One that is away finds nothing, and keeps nothing."""

    async def find(self, tenant: str, key: str, request: bytes) -> bytes | None:
        """The answer kept for this key and request; ProblemError for another request."""
        ...

    async def keep(self, tenant: str, key: str, request: bytes, answer: bytes) -> bytes:
        """Keep the answer unless there is one: the one that is kept."""
        ...


class KeptAnswers:
    """Of requests under a key. The request itself is known by a keyed fingerprint alone."""

    def __init__(self, store: AnswerStore | None, fingerprints: Fingerprints) -> None:
        self._store = store
        self._fingerprints = fingerprints
        # A lock lasts for as long as a request holds it or waits for it.
        self._under_way = WeakValueDictionary[tuple[str, str], asyncio.Lock]()

    async def once(
        self,
        tenant: str,
        key: str,
        wanted: PredictRequest,
        work: Callable[[], Awaitable[PredictResponse]],
    ) -> PredictResponse:
        """The first answer to this request under this key; whoever comes meanwhile waits for it.

        Two that come to two replicas at the same moment are both judged, and get one answer.
        """
        if self._store is None:
            return await work()
        body = msgspec.json.encode(wanted, order="deterministic").decode()
        request = self._fingerprints.of_text(tenant, body)
        lock = self._under_way.setdefault((tenant, key), asyncio.Lock())
        async with lock:
            kept = await self._store.find(tenant, key, request)
            if kept is None:
                answer = msgspec.json.encode(await work())
                kept = await self._store.keep(tenant, key, request, answer)
        return msgspec.json.decode(kept, type=PredictResponse)
