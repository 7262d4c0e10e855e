"""Who may come in through the gateway, and who may not."""

import re

import httpx
import msgspec
import pytest

from e2e.gateway import PREDICT, client
from e2e.keys import create_key
from e2e.running_platform import Platform
from e2e.waiting import until

PUBLIC = {"/health", "/.well-known/jwks.json", "/problems/{slug}", "/schema/openapi.json"}
WITHIN = {("put", "/api/model_api/models/{name}/deployment")}
"""Between services only: for the outside they do not exist."""

SOME_ID = "01890000-0000-7000-8000-000000000000"


def _operations(platform: Platform, service: str) -> list[tuple[str, str]]:
    """Method and path of every route of a service, as its OpenAPI document declares them."""
    document = msgspec.json.decode(platform.programs.run(service, "openapi").stdout)
    return [(method, path) for path, item in document["paths"].items() for method in item]


async def test_no_route_is_open_to_the_anonymous_caller(
    platform: Platform, anonymous: httpx.AsyncClient
) -> None:
    own = [(m, p) for m, p in _operations(platform, "dashboard_backend") if p not in PUBLIC]
    behind = [
        (method, f"/api/{service}{path}")
        for service in ("model_api", "training")
        for method, path in _operations(platform, service)
        if path not in PUBLIC
    ]
    assert set(behind) >= WITHIN
    assert len(own) >= 5
    assert len(behind) >= 40
    for method, path in [*own, *behind]:
        answer = await anonymous.request(method, re.sub(r"{[^}]*}", SOME_ID, path), json={})
        if (method, path) in WITHIN:
            assert answer.status_code == 405
            continue
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_what_is_not_in_the_table_does_not_exist(api: httpx.AsyncClient) -> None:
    for path in ("/api/model_api/health", "/api/model_api/metrics", "/api/training/metrics"):
        assert (await api.get(path)).status_code == 404


@pytest.mark.parametrize(
    "token", ["bz_", "bz_" + "0" * 32 + "_" + "0" * 64, "x" * 5000], ids=["torn", "unknown", "long"]
)
async def test_a_key_that_is_none_is_refused(platform: Platform, token: str) -> None:
    async with client(platform, token) as stranger:
        answer = await stranger.post(PREDICT, json={"text": "hello"})
    assert answer.status_code == 401


async def test_whoever_knows_a_key_by_its_name_alone_is_refused(platform: Platform) -> None:
    """The name is no secret: it stands in lists and in logs."""
    made = await create_key(platform, ["predict"])
    name = made.token.rpartition("_")[0]
    async with client(platform, f"{name}_{'0' * 64}") as stranger:
        answer = await stranger.post(PREDICT, json={"text": "hello"})
    assert answer.status_code == 401


async def test_a_key_opens_only_what_its_scopes_say(platform: Platform) -> None:
    made = await create_key(platform, ["predict"])
    async with client(platform, made.token) as limited:
        allowed = await limited.post(PREDICT, json={"text": "hello"})
        refused = await limited.get("/api/model_api/policies")
        own = await limited.get("/keys")
    assert allowed.status_code == 200, allowed.text
    assert (refused.status_code, own.status_code) == (403, 403)
    assert "policies:read" in refused.json()["detail"]


async def test_a_revoked_key_stops_working(platform: Platform) -> None:
    made = await create_key(platform, ["predict"])
    async with client(platform, made.token) as holder:
        before = await holder.post(PREDICT, json={"text": "hello"})
        async with client(platform, platform.admin_key) as administrator:
            revoked = await administrator.post(f"/keys/{made.key.id}/revoke")
        after = await holder.post(PREDICT, json={"text": "hello"})
    assert (before.status_code, revoked.status_code) == (200, 200)
    assert revoked.json()["status"] == "revoked"
    assert after.status_code == 401


async def test_the_guard_itself_refuses_who_comes_past_the_gateway(
    platform: Platform, key: str
) -> None:
    guard = f"http://127.0.0.1:{platform.port(8000)}"
    forged = {"Authorization": f"Bearer {key}", "X-Tenant": "default", "X-Scopes": "admin"}
    async with httpx.AsyncClient(base_url=guard, trust_env=False) as past:
        anonymous = await past.post("/predict", json={"text": "hello"})
        with_a_key = await past.post("/predict", json={"text": "hello"}, headers=forged)
    assert (anonymous.status_code, with_a_key.status_code) == (401, 401)


async def test_a_tenant_sees_no_prediction_of_another(
    platform: Platform, api: httpx.AsyncClient
) -> None:
    mine = await api.post(PREDICT, json={"text": "hello"})
    prediction = f"/api/model_api/predictions/{mine.json()['predictions'][0]['id']}"
    body = {"name": "other", "scopes": ["predictions:read"], "tenant": "other"}
    async with client(platform, platform.admin_key) as administrator:
        made = await administrator.post("/keys", json=body)
    assert made.status_code == 201, made.text

    async def visible() -> bool:
        return (await api.get(prediction)).status_code == 200

    await until(visible, "the prediction can be read by its tenant")
    async with client(platform, made.json()["token"]) as other:
        assert (await other.get(prediction)).status_code == 404
        assert (await other.get("/api/model_api/predictions")).json()["items"] == []


async def test_the_first_key_is_its_owners_alone(platform: Platform) -> None:
    assert (platform.home / "admin.key").stat().st_mode & 0o777 == 0o600
