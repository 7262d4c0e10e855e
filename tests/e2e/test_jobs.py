"""A training is watched, cancelled and taken up again, all of it through the gateway."""

import httpx

from e2e.champions import SUITE, Trained
from e2e.jobs import JobEvent, Jobs
from e2e.journey import MODEL, TRAINING


async def test_a_training_is_watched_cancelled_and_retried(
    api: httpx.AsyncClient, trained: Trained
) -> None:
    jobs = Jobs(api)
    versions = await _versions(api)
    job_id = await jobs.train(trained.bad["dataset"], suites=[SUITE], seed=31)

    seen: list[JobEvent] = []
    async for event in jobs.follow(job_id):
        # They come while the job runs, or it could not be cancelled at the first of its steps.
        if event.kind == "progress" and not _has(seen, "progress"):
            cancelled = await jobs.order(job_id, "cancel")
            assert cancelled.status_code == 202, cancelled.text
        seen.append(event)
    assert [event.data["state"] for event in seen if event.kind == "state"] == [
        "queued",
        "running",
        "cancelled",
    ]
    assert (await jobs.job(job_id))["state"] == "cancelled"
    assert await _versions(api) == versions, "a cancelled training registers nothing"
    assert (await jobs.order(job_id, "cancel")).status_code == 409

    retried = await jobs.order(job_id, "retry")
    assert (retried.status_code, retried.json()["id"]) == (202, job_id)
    again = [event async for event in jobs.follow(job_id, after=seen[-1].id)]
    ids = [event.id for event in (*seen, *again)]
    assert ids == sorted(set(ids)), "what was seen comes again, or out of order"
    assert [event.data["state"] for event in again if event.kind == "state"] == [
        "queued",
        "running",
        "succeeded",
    ]
    assert _has(again, "log")
    ended = await jobs.job(job_id)
    assert ended["attempt"] == 2
    assert await _versions(api) == [ended["result"]["version"], *versions]
    # Behind the end there is nothing: a browser is told to ask no more.
    path, last = f"{TRAINING}/jobs/{job_id}/events", {"Last-Event-ID": str(again[-1].id)}
    assert (await api.get(path, headers=last)).status_code == 204


def _has(events: list[JobEvent], kind: str) -> bool:
    return any(event.kind == kind for event in events)


async def _versions(api: httpx.AsyncClient) -> list[int]:
    """Every version of the model, the newest first."""
    answer = await api.get(f"{TRAINING}/models/{MODEL}/versions", params={"limit": "200"})
    return [each["version"] for each in answer.json()["items"]]
