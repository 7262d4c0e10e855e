"""The deployment API of model_api: what is to judge, how far the replicas are, what they counted.

``GuardClient(session, url, token)``: ``state(model)``, ``deploy(model, generation, wish)``,
``counts(model, since)``. They raise ``GuardAway`` (try again later), ``DeploymentStale`` or
``GuardRefused``. Every call is idempotent, and so repeated within its deadline.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
import msgspec

from training.adapters.circuit import Circuit
from training.domain.rollout.deployment import Replica, Wish
from training.domain.rollout.measures import Counts, Window

_RETRIES = 2
_BACKOFF_S = 0.1
_FINAL_REFUSALS = (400, 404, 422)
_JITTER = secrets.SystemRandom()


class GuardAway(Exception):
    """model_api does not answer, or answers that it cannot now; the message says which."""


class GuardRefused(Exception):
    """model_api will not do it; the message says why.

    `is_final` where asking again is vain: it knows no such model, or takes no such deployment. A
    missing right may yet be given.
    """

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class DeploymentStale(Exception):
    """A later deployment is stored; `generation` is its number."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"model_api has generation {generation} already")
        self.generation = generation


@dataclass(frozen=True, slots=True)
class GuardState:
    """What is desired of the guard, if anything ever was, and its live replicas."""

    generation: int | None
    wish: Wish | None
    replicas: Sequence[Replica]


class _State(msgspec.Struct):
    desired: msgspec.Raw
    replicas: list[Replica]


class _Generation(msgspec.Struct):
    generation: int


class _Problem(msgspec.Struct):
    code: str = "UNKNOWN"
    detail: str = ""
    generation: int | None = None


class _Latency(msgspec.Struct):
    p95: float


class _Feedback(msgspec.Struct):
    total: int
    contradicting: int


class _Counts(msgspec.Struct):
    version: str
    role: str
    predictions: int
    errors: int
    blocked: int
    flagged: int
    latency_ms: _Latency | None
    compared: int
    disagreements: int
    feedback: _Feedback


class _Metrics(msgspec.Struct):
    since: datetime
    until: datetime
    versions: list[_Counts]


class GuardClient:
    """An async context manager. `token` gives a bearer token for each call.

    A call takes at most `deadline_s`, its repetitions included; while the circuit is open it
    fails at once.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        *,
        deadline_s: float = 5.0,
        circuit: Circuit | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._deadline_s = deadline_s
        self._circuit = circuit or Circuit(0.25, longest_s=2.0)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    @property
    def is_available(self) -> bool:
        """Whether the last call was answered (True before the first)."""
        return not self._circuit.is_open

    async def state(self, model: str) -> GuardState:
        """What is desired, and how far each live replica is."""
        answer = _decoded(await self._call("GET", _path(model)), _State)
        if bytes(answer.desired) == b"null":
            return GuardState(None, None, answer.replicas)
        generation = _decoded(answer.desired, _Generation).generation
        return GuardState(generation, _decoded(answer.desired, Wish), answer.replicas)

    async def deploy(self, model: str, generation: int, wish: Wish) -> None:
        """Ask for a deployment; the same again changes nothing. DeploymentStale."""
        body = msgspec.json.encode({**msgspec.to_builtins(wish), "generation": generation})
        await self._call("PUT", _path(model), body=body)

    async def counts(self, model: str, since: datetime) -> Window:
        """What each version did since a moment."""
        moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        answer = await self._call("GET", f"{_path(model)}/metrics", query={"since": moment})
        metrics = _decoded(answer, _Metrics)
        return Window(
            seconds=(metrics.until - metrics.since).total_seconds(),
            counts=[_counts(each) for each in metrics.versions],
        )

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        if not self._circuit.allows():
            raise GuardAway("model_api did not answer a moment ago")
        deadline = time.monotonic() + self._deadline_s
        pauses = [_BACKOFF_S * 2**attempt for attempt in range(_RETRIES)]
        while True:
            try:
                answer = await self._once(method, path, query, body, deadline)
            except GuardAway:
                pause = _JITTER.uniform(0, pauses.pop(0)) if pauses else None
                if pause is None or time.monotonic() + pause >= deadline:
                    self._circuit.failed()
                    raise
                await asyncio.sleep(pause)
            except (GuardRefused, DeploymentStale):
                self._circuit.succeeded()
                raise
            else:
                self._circuit.succeeded()
                return answer

    async def _once(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: bytes | None,
        deadline: float,
    ) -> bytes:
        if self._session is None:
            raise GuardAway("the client is closed")
        left = deadline - time.monotonic()
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "Content-Type": "application/json",
            "X-Request-Deadline-Ms": str(max(1, int(left * 1000))),
        }
        try:
            async with self._session.request(
                method,
                f"{self._url}{path}",
                params=query,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=max(0.001, left)),
                allow_redirects=False,
            ) as response:
                content = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise GuardAway(f"model_api does not answer ({type(error).__name__})") from error
        if status == 200:
            return content
        raise _failure(status, content)


def _path(model: str) -> str:
    return f"/models/{quote(model, safe='')}/deployment"


def _failure(status: int, content: bytes) -> Exception:
    try:
        problem = msgspec.json.decode(content, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    if status == 409 and problem.generation is not None:
        return DeploymentStale(problem.generation)
    said = f"model_api answered {status} {problem.code}"
    if status >= 500 or status == 429:
        return GuardAway(said)
    return GuardRefused(
        f"{said}: {problem.detail}" if problem.detail else said,
        is_final=status in _FINAL_REFUSALS,
    )


def _decoded[T](content: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise GuardAway(f"model_api answered what it should not: {error}") from None


def _counts(of: _Counts) -> Counts:
    return Counts(
        version=of.version,
        role=of.role,
        predictions=of.predictions,
        errors=of.errors,
        blocked=of.blocked,
        flagged=of.flagged,
        latency_p95_ms=None if of.latency_ms is None else of.latency_ms.p95,
        compared=of.compared,
        disagreements=of.disagreements,
        feedback=of.feedback.total,
        contradicting=of.feedback.contradicting,
    )
