"""A replica follows the deployment: across restarts, and without the database or the store."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from model_api.adapters.deployments.snapshot import DeploymentSnapshot
from model_api.adapters.failures import RowsRefused
from model_api.events.deployment_changes import DeploymentChanges
from model_api.tests.support import api as application
from model_api.tests.support.api import BENIGN, Api
from model_api.tests.support.database import Databases, TestDatabase
from model_api.tests.support.deployed_bundles import Signer, register_new
from model_api.tests.support.deploying import (
    PATH,
    deploy,
    deployed,
    desired,
    in_force,
    settings,
    state,
)
from model_api.tests.support.postgres_server import PostgresServer
from model_api.tests.support.s3_server import S3Server
from model_api.tests.support.waiting import eventually

SIGNER = Signer()


@pytest.fixture
async def own_database(databases: Databases) -> AsyncIterator[TestDatabase]:
    database = await databases.create()
    yield database
    await databases.drop(database)


@pytest.fixture
def variables(state_dir: Path, own_s3: S3Server, own_database: TestDatabase) -> dict[str, str]:
    return {
        **application.environment(state_dir, database=own_database),
        **settings(state_dir, own_s3, SIGNER),
    }


def without_database(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if "_DATABASE_" not in name}


async def version_of(api: Api) -> str:
    version: str = (await api.predict(text=BENIGN))["model"]["version"]
    return version


async def test_replicas_follow_by_themselves(
    variables: dict[str, str], own_s3: S3Server, tmp_path: Path
) -> None:
    other = {**variables, "MODEL_API_STATE_DIR": str(tmp_path / "other")}
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as first:
        await deployed(first, desired(1, one))
        async with application.serving(other) as second:
            assert await version_of(second) == "1"

            await deploy(first, desired(2, two))
            await in_force(first, 2, replicas=2)

            assert (await version_of(first), await version_of(second)) == ("2", "2")
        replicas = (await state(first))["replicas"]
        assert len(replicas) == 1


async def test_a_restart_without_database_and_store_serves_the_last_champion(
    variables: dict[str, str], own_s3: S3Server, state_dir: Path
) -> None:
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one, canary=two, weight=1.0))
        replica = (await state(api))["replicas"][0]["replica_id"]
    own_s3.stop()

    async with application.serving(without_database(variables)) as api:
        used = (await api.predict(text=BENIGN))["model"]
        assert (used["version"], used["role"]) == ("2", "canary")
        assert (await api.predict(text=BENIGN, model_version="1"))["model"]["version"] == "1"
        models = (await api.call("GET", "/models")).json()["items"]
        assert [(each["version"], each["role"]) for each in models] == [
            ("1", "champion"),
            ("2", "canary"),
        ]
    assert (state_dir / "deployment.json").stat().st_mode & 0o777 == 0o600

    async with application.serving(variables) as api:
        await in_force(api, 1)
        assert (await state(api))["replicas"][0]["replica_id"] == replica


async def test_a_champion_that_never_came_leaves_the_last_one_across_a_restart(
    variables: dict[str, str], own_s3: S3Server
) -> None:
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one))
        own_s3.stop()
        await deploy(api, desired(2, two))
        assert await version_of(api) == "1"

    async with application.serving(without_database(variables)) as api:
        assert await version_of(api) == "1"
        health = (await api.call("GET", "/health")).json()
        assert health["dependencies"]["deployment"] == "generation 2, 2 loading"
        own_s3.start()
        await eventually(lambda: _is(api, "2"))


async def test_a_champion_that_answers_does_not_wait_for_a_warm_version_while_the_store_is_away(
    variables: dict[str, str], own_s3: S3Server
) -> None:
    """Or nobody could go back while the store is away."""
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one))
        own_s3.stop()

        await deployed(api, desired(2, one, warm=(two,)))

        (replica,) = (await state(api))["replicas"]
        states = {each["version"]: each["state"] for each in replica["versions"]}
        assert states == {"1": "ready", "2": "loading"}
        # Of a canary people are told that it answers: it is waited for.
        await deploy(api, desired(3, one, canary=two))
        await eventually(lambda: _was_tried(api, 3))
        assert (await state(api))["replicas"][0]["generation"] == 2
        own_s3.start()
        await in_force(api, 3)


async def test_a_deployment_that_cannot_be_read_leaves_the_last_one_across_a_restart(
    variables: dict[str, str],
    own_s3: S3Server,
    databases: Databases,
    own_database: TestDatabase,
) -> None:
    """As a later release of this service may have written it."""
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one))
    connection = await databases.connect(own_database)
    try:
        await connection.execute("UPDATE deployments SET document = '{}'")
    finally:
        await connection.close()

    async with application.serving(variables) as api:
        assert await version_of(api) == "1"
        await deployed(api, desired(2, two))


async def test_a_refusal_that_cannot_be_told_of_keeps_no_other_version_waiting(
    variables: dict[str, str], own_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = register_new(own_s3, SIGNER, "1")
    unsigned = register_new(own_s3, None, "2")

    async def refuses(*_: object) -> None:
        raise RowsRefused("a value")

    monkeypatch.setattr(DeploymentChanges, "version_refused", refuses)
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one, warm=(unsigned,)))


async def test_the_packaged_bundle_is_the_last_champion_where_it_answered_last(
    variables: dict[str, str], own_s3: S3Server
) -> None:
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as api:
        packaged = api.service.models.packaged.version
        await deployed(api, desired(1, one))
        await deployed(api, desired(2))
        own_s3.stop()
        await deploy(api, desired(3, two))
        assert await version_of(api) == packaged

    async with application.serving(without_database(variables)) as api:
        assert await version_of(api) == packaged


async def test_a_deployment_that_the_disk_did_not_take_is_kept_as_soon_as_it_does(
    variables: dict[str, str],
    own_s3: S3Server,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = register_new(own_s3, SIGNER, "1")

    def no_space_left(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with application.serving(variables) as api:
        with monkeypatch.context() as patch:
            patch.setattr(DeploymentSnapshot, "save", no_space_left)
            await deployed(api, desired(1, one))
        snapshot = DeploymentSnapshot(state_dir / "deployment.json")
        await eventually(lambda: _holds(snapshot.load() is not None))

    own_s3.stop()
    async with application.serving(without_database(variables)) as api:
        assert await version_of(api) == "1"


async def test_with_nothing_left_the_packaged_bundle_judges(
    variables: dict[str, str], own_s3: S3Server, tmp_path: Path
) -> None:
    one = register_new(own_s3, SIGNER, "1")
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one))
    own_s3.stop()

    new = {**variables, "MODEL_API_STATE_DIR": str(tmp_path / "new")}
    async with application.serving(new) as api:
        packaged = (await api.predict(text=BENIGN))["model"]
        assert packaged["digest"] != one.digest
        assert packaged["role"] == "champion"
        health = (await api.call("GET", "/health")).json()
        assert (health["status"], health["dependencies"]["deployment"]) == (
            "ready",
            "generation 1, 1 loading",
        )


async def test_a_damaged_snapshot_is_put_aside(
    variables: dict[str, str], own_s3: S3Server, state_dir: Path
) -> None:
    one = register_new(own_s3, SIGNER, "1")
    async with application.serving(variables) as api:
        await deployed(api, desired(1, one))
        packaged = api.service.models.packaged.version
    snapshot = state_dir / "deployment.json"
    damaged = snapshot.read_bytes()[:-9]
    snapshot.write_bytes(damaged)

    async with application.serving(without_database(variables)) as api:
        assert await version_of(api) == packaged
    assert (state_dir / "deployment.json.corrupt").read_bytes() == damaged

    async with application.serving(variables) as api:
        assert await version_of(api) == "1"
    assert snapshot.exists()


async def test_bundles_that_no_deployment_names_are_deleted(
    variables: dict[str, str], own_s3: S3Server, state_dir: Path
) -> None:
    versions = [register_new(own_s3, SIGNER, version) for version in "123"]
    one, two, three = versions

    def kept() -> set[str]:
        return {path.name for path in (state_dir / "models").iterdir()}

    def names(*wanted: int) -> set[str]:
        return {versions[index].digest[7:] for index in wanted}

    async with application.serving(variables) as api:
        await deployed(api, desired(1, one, warm=(two,)))
        assert kept() == names(0, 1)
        await deployed(api, desired(2, two, shadow=three))
        await eventually(lambda: _holds(kept() == names(1, 2)))
        # Whoever goes back to the champion of before finds it at hand.
        await deployed(api, desired(3))
        await eventually(lambda: _holds(kept() == names(1)))


async def test_the_packaged_bundle_may_be_deployed_as_a_version(
    variables: dict[str, str], own_s3: S3Server
) -> None:
    own_s3.stop()
    async with application.serving(variables) as api:
        packaged = api.service.models.packaged
        version = {"version": "1", "digest": packaged.digest, "location": "default/detector/1"}

        await deployed(api, desired(1, None) | {"champion": version})

        used = (await api.predict(text=BENIGN))["model"]
        assert (used["version"], used["digest"]) == ("1", packaged.digest)


async def test_a_database_that_goes_leaves_all_as_it_is(
    own_databases: Databases,
    own_postgres_server: PostgresServer,
    own_s3: S3Server,
    state_dir: Path,
) -> None:
    database = await own_databases.create()
    variables = {
        **application.environment(state_dir, database=database),
        **settings(state_dir, own_s3, SIGNER),
    }
    one, two = (register_new(own_s3, SIGNER, version) for version in "12")
    async with application.serving(variables) as api:
        # A disk that is busy syncing may take longer than the guard waits for its database.
        await eventually(lambda: _takes(api, desired(1, one)))
        await eventually(lambda: _is(api, "1"))
        own_postgres_server.stop()
        for _ in range(5):
            assert await version_of(api) == "1"

        own_postgres_server.start()
        await eventually(lambda: _takes(api, desired(2, two)))
        await eventually(lambda: _is(api, "2"))
        # What was counted while the database was away is not lost.
        since = "2026-01-01T00:00:00Z"

        async def is_counted() -> bool:
            metrics = await api.call("GET", f"/models/detector/deployment/metrics?since={since}")
            versions = metrics.json().get("versions", [])
            counts = [each["predictions"] for each in versions if each["version"] == "1"]
            return bool(counts) and counts[0] >= 5

        await eventually(is_counted)


async def _was_tried(api: Api, generation: int) -> bool:
    told = await state(api)
    reasons = [each["reason"] for each in told["replicas"][0]["versions"]]
    return told["desired"]["generation"] == generation and any(reasons)


async def _takes(api: Api, body: dict[str, Any]) -> bool:
    return (await api.call("PUT", PATH, json=body)).status_code == 200


async def _is(api: Api, version: str) -> bool:
    return await version_of(api) == version


async def _holds(condition: bool) -> bool:
    await asyncio.sleep(0)
    return condition
