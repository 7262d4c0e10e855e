"""The life of an API key."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from dashboard_backend.domain.api_keys import hash_secret
from dashboard_backend.tests.support.database import Databases, TestDatabase
from dashboard_backend.tests.support.gateway import Gateway

SOME_KEY = "/keys/01a204ba-f3ac-72d7-a165-c98e32e546be"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/keys"),
        ("GET", "/keys"),
        ("GET", SOME_KEY),
        ("POST", f"{SOME_KEY}/rotate"),
        ("POST", f"{SOME_KEY}/revoke"),
    ],
)
async def test_anonymous_caller_is_refused(gateway: Gateway, method: str, path: str) -> None:
    answer = await gateway.client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_created_key_opens_the_door_and_only_its_hash_is_kept(
    gateway: Gateway, databases: Databases, test_database: TestDatabase
) -> None:
    token = await gateway.make_key("keys:read", requests_per_minute=7)
    page = await gateway.client.get("/keys", headers=gateway.bearer(token))
    assert page.status_code == 200
    assert page.headers["ratelimit-policy"] == '"default";q=7;w=60'
    secret = token.rpartition("_")[2]
    connection = await databases.connect(test_database)
    try:
        dump = str(await connection.fetch("SELECT * FROM api_keys, audit_log"))
        hashes = [row[0] for row in await connection.fetch("SELECT secret_hash FROM api_keys")]
    finally:
        await connection.close()
    assert secret not in dump
    assert token not in page.text
    assert hash_secret(secret) in hashes


async def test_rotation_with_grace_keeps_both_secrets_for_a_while(gateway: Gateway) -> None:
    old = await gateway.make_key("keys:read")
    key_id = old.split("_")[1]
    rotated = await gateway.client.post(
        f"/keys/{key_id}/rotate", json={"grace_seconds": 60}, headers=gateway.bearer()
    )
    new = rotated.json()["token"]
    assert rotated.json()["key"]["previous_secret_until"] is not None
    for token in (old, new):
        assert (await gateway.client.get("/keys", headers=gateway.bearer(token))).is_success
    again = await gateway.client.post(f"/keys/{key_id}/rotate", json={}, headers=gateway.bearer())
    newest = again.json()["token"]
    for token, status in ((old, 401), (new, 401), (newest, 200)):
        answer = await gateway.client.get("/keys", headers=gateway.bearer(token))
        assert answer.status_code == status


async def test_revoked_key_is_refused_at_once_and_is_not_rotated(gateway: Gateway) -> None:
    token = await gateway.make_key("keys:read")
    key_id = token.split("_")[1]
    assert (await gateway.client.get("/keys", headers=gateway.bearer(token))).is_success
    for _ in range(2):
        revoked = await gateway.client.post(f"/keys/{key_id}/revoke", headers=gateway.bearer())
        assert revoked.json()["status"] == "revoked"
    assert (await gateway.client.get("/keys", headers=gateway.bearer(token))).status_code == 401
    answer = await gateway.client.post(f"/keys/{key_id}/rotate", json={}, headers=gateway.bearer())
    assert (answer.status_code, answer.json()["code"]) == (409, "KEY_NOT_ACTIVE")


async def test_expired_key_is_refused(
    gateway: Gateway, databases: Databases, test_database: TestDatabase
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    token = await gateway.make_key("keys:read", expires_at=soon)
    assert (await gateway.client.get("/keys", headers=gateway.bearer(token))).is_success
    connection = await databases.connect(test_database)
    try:
        await connection.execute("UPDATE api_keys SET expires_at = now() WHERE expires_at > now()")
    finally:
        await connection.close()
    status = 200
    while status == 200:  # until the notification has come through
        status = (await gateway.client.get("/keys", headers=gateway.bearer(token))).status_code
    assert status == 401


async def test_pages_go_through_all_keys_once_newest_first(gateway: Gateway) -> None:
    made = [(await gateway.make_key("predict")).split("_")[1] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await gateway.client.get("/keys", params=query, headers=gateway.bearer())
        seen += [item["id"].replace("-", "") for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    first_admin = gateway.admin.split("_")[1]
    assert seen == [*reversed(made), first_admin]


async def test_every_change_is_in_the_audit_log_which_the_service_cannot_rewrite(
    gateway: Gateway, databases: Databases, test_database: TestDatabase
) -> None:
    token = await gateway.make_key("predict")
    key_id = token.split("_")[1]
    await gateway.client.post(f"/keys/{key_id}/rotate", json={}, headers=gateway.bearer())
    await gateway.client.post(f"/keys/{key_id}/revoke", headers=gateway.bearer())
    connection = await databases.connect(test_database)
    try:
        rows = await connection.fetch("SELECT actor, action, detail FROM audit_log ORDER BY id")
    finally:
        await connection.close()
    assert [row["action"] for row in rows] == [
        "key.created",
        "key.created",
        "key.rotated",
        "key.revoked",
    ]
    assert rows[0]["actor"] == "system"
    assert rows[1]["actor"].replace("-", "") == gateway.admin.split("_")[1]
    service = await asyncpg.connect(test_database.url, password=test_database.password)
    try:
        for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(statement)
    finally:
        await service.close()


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, None),
        (b"{}", 422, ""),
        (b'{"name":"x","scopes":["nope"]}', 422, "/scopes/0"),
        (b'{"name":"","scopes":["predict"]}', 422, "/name"),
        (b'{"name":"a\\u0000b","scopes":["predict"]}', 422, "/name"),
        (b'{"name":"x","scopes":["predict"],"extra":1}', 422, ""),
        (b'{"name":"x","scopes":["predict"],"requests_per_minute":0}', 422, "/requests_per_minute"),
        (b'{"name":"x","scopes":["predict"],"tenant":"No Slug"}', 422, "/tenant"),
        (b'{"name":"x","scopes":["predict"],"tenant":"default\\n"}', 422, "/tenant"),
        (b'{"name":"x\\n","scopes":["predict"]}', 422, "/name"),
        (
            b'{"name":"x","scopes":["predict"],"expires_at":"2020-01-01T00:00:00Z"}',
            422,
            "/expires_at",
        ),
    ],
)
async def test_faulty_body_is_refused_with_a_pointer_and_without_its_values(
    gateway: Gateway, body: bytes, status: int, pointer: str | None
) -> None:
    headers = gateway.bearer() | {"Content-Type": "application/json"}
    answer = await gateway.client.post("/keys", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "nope" not in answer.text
    if pointer is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_other_media_type_and_too_large_a_body_are_refused(gateway: Gateway) -> None:
    text = await gateway.client.post(
        "/keys", content=b"{}", headers=gateway.bearer() | {"Content-Type": "text/plain"}
    )
    assert (text.status_code, text.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    large = await gateway.client.post(
        "/keys", json={"name": "x" * 70_000}, headers=gateway.bearer()
    )
    assert (large.status_code, large.json()["code"]) == (413, "BODY_TOO_LARGE")
