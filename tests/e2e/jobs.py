"""Jobs, as the API shows them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from e2e.journey import MODEL, TRAINING
from e2e.waiting import until


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that a job told: `state`, `progress` or `log`."""

    id: int
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Queues jobs and watches them."""

    api: httpx.AsyncClient

    async def train(self, dataset: dict[str, Any], **wishes: Any) -> str:
        """Queues a training on a dataset; its id."""
        named = {"name": dataset["name"], "version": dataset["version"]}
        order = {"name": MODEL, "datasets": [named], **wishes}
        answer = await self.api.post(f"{TRAINING}/train", json=order)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job as it is now."""
        answer = await self.api.get(f"{TRAINING}/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def order(self, job_id: str, what: str) -> httpx.Response:
        """Has a job cancelled or retried; whether it is, is the caller's to judge."""
        return await self.api.post(f"{TRAINING}/jobs/{job_id}/{what}")

    async def succeeded(self, job_id: str, *, seconds: float = 120) -> dict[str, Any]:
        """The job, once it has succeeded."""

        async def ended() -> dict[str, Any] | None:
            job = await self.job(job_id)
            assert job["state"] in ("queued", "running", "succeeded"), job["error"]
            return job if job["state"] == "succeeded" else None

        job = await until(ended, "the job succeeds", seconds=seconds)
        assert job is not None
        return job

    async def under_way(self, job_id: str) -> None:
        """Returns once a worker tells how far the job is."""

        async def begun() -> bool:
            job = await self.job(job_id)
            return job["state"] == "running" and bool((job["progress"] or {}).get("fraction"))

        await until(begun, "the job is under way", seconds=60)

    async def follow(self, job_id: str, after: int | None = None) -> AsyncIterator[JobEvent]:
        """The job's events as they come, to the end of the stream."""
        shown = {} if after is None else {"Last-Event-ID": str(after)}
        path = f"{TRAINING}/jobs/{job_id}/events"
        async with self.api.stream("GET", path, headers=shown) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"] == "text/event-stream"
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "id" in fields:
                    data = msgspec.json.decode(fields["data"])
                    yield JobEvent(int(fields["id"]), fields["event"], data)
                    fields = {}
