"""Files of rows, and what brings them into the shared application."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec

from training.adapters.jobs import store as job_store
from training.adapters.object_store import BlockingObjectStore
from training.adapters.postgres import Database
from training.domain.jobs.job import Job
from training.tests.support.api import Api
from training.work.imports.kind import ImportKind


def text(number: int) -> str:
    """A text that is no near-duplicate of another number's."""
    words = " ".join(f"w{(number * 7919 + step * 104729) % 1_000_003}" for step in range(12))
    return f"Text {number}: {words}"


def jsonl(rows: Iterable[Any]) -> bytes:
    """Rows as JSON Lines; bytes stand for themselves."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return b"\n".join(lines) + b"\n"


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Good rows; every other is an attack."""
    return [{"text": text(first + each), "label": each % 2} for each in range(count)]


@dataclass(frozen=True)
class Context:
    """What a job's process is given."""

    job_id: UUID
    tenant: str
    attempt: int
    scratch: Path
    objects: BlockingObjectStore
    models: BlockingObjectStore

    def progress(self, fraction: float, step: str, **numbers: float) -> None:
        """Tell nobody."""
        assert 0 <= fraction <= 1, step

    def log(self, message: str, **numbers: float | int | str) -> None:
        """Tell nobody."""

    def save(self, name: str, content: bytes) -> None:
        """Imports have no checkpoints."""
        raise NotImplementedError

    def load(self, name: str) -> bytes | None:
        """Imports have no checkpoints."""
        raise NotImplementedError

    def check_cancelled(self) -> None:
        """Nobody cancels."""


@dataclass(frozen=True)
class Importer:
    """Does the work of imports at once, step by step as a worker does, in the test's process."""

    database: Database
    kind: ImportKind
    objects: BlockingObjectStore
    scratch: Path

    async def job(self, api: Api, job_id: str) -> Job:
        """The job of this id."""
        found = await job_store.JobStore(self.database).get(api.tenant, UUID(job_id))
        assert found is not None
        return found

    async def run(self, api: Api, job_id: str) -> dict[str, Any]:
        """Run the job of this id; its result."""
        job = await self.job(api, job_id)
        async with self.database.transaction() as connection:
            inputs = await self.kind.prepare(connection, job)
        # As on the way through the channel between a worker and its job.
        inputs = json.loads(msgspec.json.encode(inputs))
        scratch = self.scratch / job_id
        scratch.mkdir()
        context = Context(job.id, job.tenant, job.attempt, scratch, self.objects, self.objects)
        result: dict[str, Any] = json.loads(msgspec.json.encode(self.kind.run(context, inputs)))
        async with self.database.transaction() as connection:
            await self.kind.finish(connection, job, result)
        return result

    async def load(self, api: Api, content: bytes, **query: str) -> dict[str, Any]:
        """Send a file and import it; the job's result."""
        answer = await post(api, content, **query)
        assert answer.status_code == 202, answer.text
        return await self.run(api, answer.json()["job_id"])


async def post(api: Api, content: bytes, **query: str) -> httpx.Response:
    """Send a file."""
    headers = {"Content-Type": "application/jsonl"}
    key = query.pop("idempotency_key", None)
    if key is not None:
        headers["Idempotency-Key"] = key
    query = {"name": "set", **query}
    return await api.call("POST", "/data", params=query, content=content, headers=headers)


def version_path(result: dict[str, Any], rest: str = "") -> str:
    """Where the version that an import made is shown."""
    return f"/data/{result['dataset']}/versions/{result['version']}{rest}"
