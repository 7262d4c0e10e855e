"""A client that keeps asking whatever happens, and remembers what it was answered."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import httpx

from e2e.gateway import PREDICT
from e2e.waiting import until

MAX_IN_FLIGHT = 150
SESSIONS = 40
"""So many users ask in turn: each keeps its version while a canary runs."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not 200; `problem` is its body where that is problem+json."""

    status: int
    problem: dict[str, object] | None

    def __str__(self) -> str:
        return f"{self.status} {self.problem['detail'] if self.problem else ''}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with 200: by which version of the model, in which role, asked and given when."""

    version: int
    role: str
    asked_at: datetime
    given_at: datetime


@dataclass(slots=True)
class Traffic:
    """What came back so far. `answered` holds the ids of predictions answered with 200."""

    answered: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def versions(self) -> Counter[int]:
        """The answers by the version that gave them."""
        return Counter(answer.version for answer in self.answers)

    async def more_answers(self, number: int, *, seconds: float = 60) -> None:
        """Returns once so many more predictions were answered than at the call."""
        wanted = len(self.answered) + number

        async def enough() -> bool:
            return len(self.answered) >= wanted

        await until(enough, f"{number} more predictions answered ({self})", seconds=seconds)

    def __str__(self) -> str:
        refused = Counter(map(str, self.refusals))
        return (
            f"{len(self.answered)} answered in at most {self.slowest:.1f} s, "
            f"refused {dict(refused)}, broken {dict(Counter(self.broken))}, "
            f"{len(self.unrecorded)} unrecorded"
        )

    def assert_all_answered(self) -> None:
        """Nothing was refused, broken off, or answered without having been recorded."""
        assert (self.refusals, self.broken, self.unrecorded) == ([], [], []), str(self)


@asynccontextmanager
async def traffic(
    client: httpx.AsyncClient, rate: float = 50, pin: int | None = None
) -> AsyncIterator[Traffic]:
    """Sends `rate` requests a second until the end of the block, then awaits their answers.

    With `pin`, each asks for that version of the model.

    Open loop: a slow answer does not hold the next request back, up to MAX_IN_FLIGHT of them.
    """
    seen = Traffic()
    requests: set[asyncio.Task[None]] = set()

    async def send() -> None:
        started = time.monotonic()
        for number in count():
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            if len(requests) < MAX_IN_FLIGHT:
                task = asyncio.create_task(_ask(client, seen, number, pin))
                requests.add(task)
                task.add_done_callback(requests.discard)

    sender = asyncio.create_task(send())
    try:
        yield seen
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        await asyncio.gather(*requests)


async def _ask(client: httpx.AsyncClient, seen: Traffic, number: int, pin: int | None) -> None:
    started, asked_at = time.monotonic(), datetime.now(UTC)
    body: dict[str, object] = {
        "texts": [f"Order {number} of the bakery: two loaves.", f"And {number} rolls, please."],
        "session": f"session-{number % SESSIONS}",
    }
    if pin is not None:
        body["model_version"] = str(pin)
    try:
        answer = await client.post(PREDICT, json=body)
    except httpx.TransportError as error:
        seen.broken.append(type(error).__name__)
        return
    if answer.status_code != httpx.codes.OK:
        is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
        seen.refusals.append(Refusal(answer.status_code, answer.json() if is_problem else None))
        return
    seen.slowest = max(seen.slowest, time.monotonic() - started)
    found = answer.json()
    model = found["model"]
    seen.answers.append(Answer(int(model["version"]), model["role"], asked_at, datetime.now(UTC)))
    ids = [prediction["id"] for prediction in found["predictions"]]
    seen.answered += ids
    if not found["recorded"]:
        seen.unrecorded += ids
