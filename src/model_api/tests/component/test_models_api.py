"""/models: what is loaded, and how it is replaced or not."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from model_api.settings import SHIPPED_BUNDLE
from model_api.tests.support import api as application
from model_api.tests.support.api import ATTACK, Api, assert_problem
from model_api.tests.support.database import TestDatabase
from model_api.tests.support.issuer import Issuer


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "bundle"))


@pytest.fixture
async def replaceable(
    bundle: Path, state_dir: Path, issuer: Issuer, shared_database: TestDatabase
) -> AsyncIterator[Api]:
    variables = application.environment(state_dir, issuer, shared_database)
    variables["MODEL_API_BUNDLE"] = str(bundle)
    async with application.serving(variables, issuer) as api:
        yield api.of_tenant(f"tenant-{state_dir.parent.name}")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/models"), ("GET", "/models/detector"), ("POST", "/models/reload")],
)
async def test_an_anonymous_caller_is_refused(api: Api, method: str, path: str) -> None:
    assert_problem(await api.anonymous(method, path), 401, "UNAUTHENTICATED")


async def test_what_is_loaded_is_told(api: Api) -> None:
    manifest = json.loads((SHIPPED_BUNDLE / "manifest.json").read_bytes())

    (model,) = (await api.call("GET", "/models", scope="models:read")).json()["items"]

    assert (await api.call("GET", "/models/detector")).json() == model
    for key in ("name", "version", "kind", "categories", "metrics", "licence"):
        assert model[key] == manifest[key]
    thresholds = {name: point["threshold"] for name, point in model["operating_points"].items()}
    assert thresholds["sensitive"] < thresholds["balanced"] < thresholds["strict"]
    assert model["digest"] == (await api.predict(text=""))["model"]["digest"]
    assert_problem(await api.call("GET", "/models/absent"), 404, "MODEL_NOT_FOUND")


async def test_only_an_admin_may_reload(api: Api) -> None:
    answer = await api.call("POST", "/models/reload", scope="models:read policies:write")

    assert_problem(answer, 403, "FORBIDDEN")


async def test_a_new_bundle_judges_after_a_reload(
    replaceable: Api, bundle: Path, rows: asyncpg.Connection
) -> None:
    before = (await replaceable.predict(text=ATTACK))["model"]
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "version": "9.9.9"}))

    answer = await replaceable.call("POST", "/models/reload")

    assert answer.status_code == 200, answer.text
    after = (await replaceable.predict(text=ATTACK))["model"]
    assert after["version"] == answer.json()["version"] == "9.9.9"
    assert after["digest"] == answer.json()["digest"] != before["digest"]
    entries = await rows.fetch(
        "SELECT action, actor FROM audit_log WHERE tenant = $1", replaceable.tenant
    )
    assert [tuple(row) for row in entries] == [("model.reloaded", f"key-of-{replaceable.tenant}")]


async def test_a_broken_bundle_is_refused_and_the_present_one_goes_on(
    replaceable: Api, bundle: Path
) -> None:
    before = await replaceable.predict(text=ATTACK)
    weights = bundle / "weights.npy"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    answer = await replaceable.call("POST", "/models/reload")

    problem = assert_problem(answer, 422, "BUNDLE_REFUSED")
    assert "weights.npy: sha256" in problem["detail"]
    after = await replaceable.predict(text=ATTACK)
    assert after["model"] == before["model"]
    assert after["predictions"][0]["score"] == before["predictions"][0]["score"]
