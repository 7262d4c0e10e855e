"""One job of the platform, followed to its end, and what its process took."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import psutil

_LOOK_SECONDS = 0.05
_ASK_SECONDS = 0.5
# A machine that is full may keep a question waiting for longer than the gateway does.
_PATIENCE_SECONDS = 120
_CHUNK_BYTES = 1 << 20
_BUSY = {502, 503, 504}


class JobFailed(Exception):
    """The job did not succeed; the message is what it says of itself."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`seconds` from the first sight of the job's process to the job's end; the most memory that
    its processes had at a time, in bytes; their user and system time."""

    seconds: float
    memory_bytes: int
    cpu_seconds: float


class _Error(msgspec.Struct):
    code: str
    message: str


class _Job(msgspec.Struct):
    state: str
    error: _Error | None = None


async def send(client: httpx.AsyncClient, name: str, path: Path) -> tuple[str, float]:
    """Upload a file of rows as a dataset: the id of the job that imports it, and the seconds."""

    async def body() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield chunk

    began = time.perf_counter()
    answer = await client.post(
        "/api/training/data",
        params={"name": name, "licence": "CC0-1.0", "source": "synthetic"},
        content=body(),
        headers={"Content-Type": "application/jsonl"},
        timeout=None,
    )
    answer.raise_for_status()
    job_id: str = answer.json()["job_id"]
    return job_id, time.perf_counter() - began


async def follow(client: httpx.AsyncClient, job_id: str, worker_pid: int) -> Cost:
    """Wait for the job's end. JobFailed. No other job may run at the time."""
    watch = _Watch(psutil.Process(worker_pid))
    watching = asyncio.create_task(watch.look_until_cancelled())
    try:
        while True:
            job = await _ask(client, job_id)
            if job.state in ("failed", "cancelled", "poisoned"):
                said = "" if job.error is None else f": {job.error.message}"
                raise JobFailed(f"the job is {job.state}{said}")
            if job.state == "succeeded":
                return watch.cost()
            await asyncio.sleep(_ASK_SECONDS)
    finally:
        watching.cancel()


async def _ask(client: httpx.AsyncClient, job_id: str) -> _Job:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            with suppress(httpx.TransportError):
                answer = await client.get(f"/api/training/jobs/{job_id}")
                if answer.status_code not in _BUSY:
                    answer.raise_for_status()
                    return msgspec.json.decode(answer.content, type=_Job)
            await asyncio.sleep(_ASK_SECONDS)


class _Watch:
    """Looks at all that a worker has started."""

    def __init__(self, worker: psutil.Process) -> None:
        self._worker = worker
        self._first = self._last = 0.0
        self._memory = 0
        self._cpu: dict[int, float] = {}

    async def look_until_cancelled(self) -> None:
        """Often enough for the highest memory to be seen."""
        while True:
            self._look()
            await asyncio.sleep(_LOOK_SECONDS)

    def cost(self) -> Cost:
        """Of what was seen."""
        return Cost(self._last - self._first, self._memory, sum(self._cpu.values()))

    def _look(self) -> None:
        resident = 0
        for child in self._worker.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                resident += child.memory_info().rss
                times = child.cpu_times()
                self._cpu[child.pid] = times.user + times.system
                self._last = time.perf_counter()
                self._first = self._first or self._last
        self._memory = max(self._memory, resident)
