"""No one grants what he lacks, nor reaches into another tenant."""

import pytest

from dashboard_backend.tests.support.gateway import Gateway


async def test_scopes_beyond_the_callers_are_not_granted(gateway: Gateway) -> None:
    token = await gateway.make_key("keys:write", "predict")
    for scopes, status in ((["predict"], 201), (["models:read"], 403), (["admin"], 403)):
        answer = await gateway.client.post(
            "/keys", json={"name": "x", "scopes": scopes}, headers=gateway.bearer(token)
        )
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("action", ["rotate", "revoke"])
async def test_stronger_key_is_not_taken_over(gateway: Gateway, action: str) -> None:
    token = await gateway.make_key("keys:write", "keys:read")
    admin_id = gateway.admin.split("_")[1]
    answer = await gateway.client.post(
        f"/keys/{admin_id}/{action}", json={}, headers=gateway.bearer(token)
    )
    assert answer.status_code == 403
    assert (await gateway.client.get("/keys", headers=gateway.bearer())).is_success


async def test_another_tenants_key_does_not_exist(gateway: Gateway) -> None:
    foreign = (await gateway.make_key("predict", tenant="other")).split("_")[1]
    token = await gateway.make_key("keys:read", "keys:write", "predict")
    headers = gateway.bearer(token)
    assert (await gateway.client.get(f"/keys/{foreign}", headers=headers)).status_code == 404
    for action in ("rotate", "revoke"):
        answer = await gateway.client.post(f"/keys/{foreign}/{action}", json={}, headers=headers)
        assert answer.status_code == 404
    listed = (await gateway.client.get("/keys", headers=headers)).json()["items"]
    assert {item["tenant"] for item in listed} == {"default"}
    assert (await gateway.client.get("/keys?tenant=other", headers=headers)).status_code == 403
    made = await gateway.client.post(
        "/keys", json={"name": "x", "scopes": ["predict"], "tenant": "other"}, headers=headers
    )
    assert made.status_code == 403
    seen = await gateway.client.get("/keys?tenant=other", headers=gateway.bearer())
    assert [item["tenant"] for item in seen.json()["items"]] == ["other"]


async def test_missing_scope_is_named(gateway: Gateway) -> None:
    token = await gateway.make_key("predict")
    answer = await gateway.client.get("/keys", headers=gateway.bearer(token))
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="bartizan", error="insufficient_scope", scope="keys:read"'
    )


async def test_key_is_taken_from_one_place_only(gateway: Gateway) -> None:
    by_field = await gateway.client.get("/keys", headers={"X-API-Key": gateway.admin})
    assert by_field.is_success
    for headers in (
        gateway.bearer() | {"X-API-Key": gateway.admin},
        {"Authorization": f"Basic {gateway.admin}"},
        {"Authorization": "Bearer x"},
        gateway.bearer("bz_" + "0" * 32 + "_" + "0" * 64),
        gateway.bearer(gateway.admin[:-1] + ("0" if gateway.admin[-1] != "0" else "1")),
    ):
        assert (await gateway.client.get("/keys", headers=headers)).status_code == 401
