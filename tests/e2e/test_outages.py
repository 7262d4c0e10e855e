"""MLflow, S3 and Redis away for twenty seconds, a worker killed, and the guard left alone: nothing
is lost, nothing is half promoted."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from e2e.champions import SUITE, Trained
from e2e.copies import kept_bundles
from e2e.faults import gone, kill, kill_now, paused, restarted
from e2e.gateway import PREDICT
from e2e.jobs import Jobs
from e2e.journey import MODEL, Registry, short_plan, train
from e2e.labelled_rows import make_rows, write_csv
from e2e.records import events_on
from e2e.running_platform import Platform
from e2e.traffic import traffic
from e2e.waiting import until

AWAY_SECONDS = 20
STREAM = "bartizan:events:training"
ROWS = 2_000


async def test_a_rollout_and_a_training_wait_for_mlflow(
    platform: Platform, api: httpx.AsyncClient, champions: tuple[int, int], tmp_path: Path
) -> None:
    registry, jobs, (former, candidate) = Registry(api), Jobs(api), champions
    job_id = await _queue(platform, tmp_path, seed=21)
    async with traffic(api, rate=30) as sent:
        with paused(platform, "mlflow"):
            rollout = await registry.begin(candidate, accept_worse=True)
            await asyncio.sleep(AWAY_SECONDS)
            # The alias is moved before the promotion counts.
            assert (await registry.rollout(rollout))["state"] not in ("completed", "rolled_back")
            assert await registry.champion() == former
            assert (await jobs.job(job_id))["state"] in ("queued", "running")
        await _assert_promoted(registry, candidate, rollout)
    sent.assert_all_answered()
    await _assert_registered(registry, await jobs.succeeded(job_id))
    await _assert_told(platform, registry, candidate, rollout, job_id)


async def test_a_rollout_and_a_training_wait_for_s3(
    platform: Platform, api: httpx.AsyncClient, unloaded: int, tmp_path: Path
) -> None:
    """The guard has yet to fetch the version, and the training's rows are yet to be sent."""
    registry, jobs = Registry(api), Jobs(api)
    former = await registry.champion()
    file = write_csv(tmp_path / "s3-away.csv", make_rows(22, ROWS))
    async with traffic(api, rate=30) as sent:
        with paused(platform, "s3"):
            training = asyncio.create_task(
                asyncio.to_thread(train, platform, file, "--suite", SUITE)
            )
            rollout = await registry.begin(unloaded, accept_worse=True)
            await asyncio.sleep(AWAY_SECONDS)
            assert (await registry.rollout(rollout))["state"] == "staging"
            assert await registry.champion() == former
            assert not training.done()
        await _assert_promoted(registry, unloaded, rollout)
    sent.assert_all_answered()
    job_id = (await training)["job"]
    await _assert_registered(registry, await jobs.job(job_id))
    await _assert_told(platform, registry, unloaded, rollout, job_id)


async def test_a_rollout_and_a_training_tell_what_they_did_once_redis_is_back(
    platform: Platform, api: httpx.AsyncClient, champions: tuple[int, int], tmp_path: Path
) -> None:
    registry, jobs, (_, candidate) = Registry(api), Jobs(api), champions
    job_id = await _queue(platform, tmp_path, seed=24)
    await jobs.under_way(job_id)
    async with traffic(api, rate=30) as sent:
        rollout = await registry.begin(candidate, accept_worse=True, plan=short_plan(200))
        seen = await registry.reaches(rollout, "shadow")
        assert seen["state"] == "shadow"
        async with gone(platform, "redis"):
            await asyncio.sleep(AWAY_SECONDS)
        await _assert_promoted(registry, candidate, rollout)
    sent.assert_all_answered()
    await _assert_registered(registry, await jobs.succeeded(job_id))
    await _assert_told(platform, registry, candidate, rollout, job_id)


async def test_a_training_goes_on_when_its_worker_is_killed(
    platform: Platform, api: httpx.AsyncClient, trained: Trained, tmp_path: Path
) -> None:
    jobs = Jobs(api)
    # Looked up before: a look takes so long that the job could be over.
    worker = platform.status().unit("training-worker")
    job_id = await _queue(platform, tmp_path, seed=23)
    await jobs.under_way(job_id)
    await restarted(platform, kill_now(worker))
    job = await jobs.succeeded(job_id)
    assert (job["attempt"], job["killed_attempts"]) == (2, 1)
    await _assert_registered(Registry(api), job)


async def test_a_guard_that_is_left_alone_starts_with_its_last_champion(
    platform: Platform, api: httpx.AsyncClient, trained: Trained
) -> None:
    """Not with the bundle that it is shipped with."""
    registry = Registry(api)
    await registry.make_champion(trained.good_version)
    digest = (await registry.get(f"/models/{MODEL}/versions/{trained.good_version}"))["digest"]
    assert (kept_bundles(platform) / digest.removeprefix("sha256:")).is_dir()
    with ExitStack() as away:
        for name in ("training-worker", "training", "mlflow", "s3", "postgres"):
            away.enter_context(paused(platform, name))
        before = kill(platform, "model_api")

        async def answered() -> dict[str, Any] | None:
            answer = await api.post(PREDICT, json={"text": "Two loaves, please."})
            found: dict[str, Any] = answer.json()
            return found if answer.status_code == 200 else None

        answer = await until(answered, "the guard answers again", seconds=60)
        assert answer is not None
        assert platform.pid("model_api") != before.pid
    await restarted(platform, before)
    model = answer["model"]
    assert (model["version"], model["digest"]) == (str(trained.good_version), digest)
    assert answer["recorded"] is True


async def _queue(platform: Platform, folder: Path, *, seed: int) -> str:
    """Queues a training on rows of its own; its id."""
    file = write_csv(folder / f"rows-{seed}.csv", make_rows(seed, ROWS))
    queued = await asyncio.to_thread(train, platform, file, "--detach", "--suite", SUITE)
    return str(queued["job"])


async def _assert_promoted(registry: Registry, version: int, rollout: str) -> None:
    ended = await registry.reaches(rollout, "completed", seconds=90)
    assert ended["state"] == "completed", ended["ending"]
    assert await registry.champion() == version


async def _assert_registered(registry: Registry, job: dict[str, Any]) -> None:
    assert job["state"] == "succeeded"
    assert await registry.state(int(job["result"]["version"])) == "registered"


async def _assert_told(
    platform: Platform, registry: Registry, version: int, rollout: str, job_id: str
) -> None:
    """Each event of the rollout and of the training comes to be on the stream."""
    page = await registry.get(f"/models/{MODEL}/versions/{version}/history", limit="200")
    wanted = {
        event["id"] for event in page["items"] if event["evidence"].get("rollout") == rollout
    } | {(rollout, "completed"), (job_id, "running"), (job_id, "succeeded")}

    async def untold() -> set[Any]:
        events = [event["data"] for event in await events_on(platform, STREAM)]
        return wanted - {
            *(data["event_id"] for data in events if "event_id" in data),
            *((data.get("rollout_id"), data["state"]) for data in events if "state" in data),
            *((data.get("id"), data["state"]) for data in events if "state" in data),
        }

    async def told() -> bool:
        return not await untold()

    await until(told, "all of it is on the stream", seconds=60)
