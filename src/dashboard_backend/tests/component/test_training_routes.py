"""What training answers at the gateway: for whom, and where what was begun is to be found."""

import asyncio

import jwt
import pytest

from dashboard_backend.tests.support.gateway import Gateway
from dashboard_backend.tests.support.upstream import (
    Received,
    ScriptedUpstream,
    answer,
    read_body,
)

JOB = "0198c0de-0000-7000-8000-000000000001"
UPLOAD = f"/data/uploads/{JOB}"

OPENED_BY = [
    ("GET", "/data", "data:read"),
    ("POST", "/data", "data:write"),
    ("POST", "/data/from-feedback", "data:write"),
    ("HEAD", UPLOAD, "data:read"),
    ("PATCH", UPLOAD, "data:write"),
    ("DELETE", "/data/mails/versions/1", "data:write"),
    ("GET", "/suites", "data:read"),
    ("DELETE", "/suites/mine", "data:write"),
    ("POST", "/train", "jobs:write"),
    ("POST", "/evaluate", "jobs:write"),
    ("GET", "/trainers", "jobs:read"),
    ("GET", f"/jobs/{JOB}/log", "jobs:read"),
    ("POST", f"/jobs/{JOB}/cancel", "jobs:write"),
    ("GET", "/models/detector/versions/2/history", "models:read"),
    ("POST", "/models/detector/rollouts", "models:promote"),
    ("PUT", "/models/detector/promotion-policy", "models:promote"),
    ("GET", "/audit", "audit:read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), OPENED_BY)
async def test_route_is_opened_by_its_scope_alone(
    gateway: Gateway, upstream: ScriptedUpstream, method: str, path: str, scope: str
) -> None:
    scopes = [*{opened_by for _, _, opened_by in OPENED_BY} - {scope}]
    for held, status in ((scopes, 403), ([scope], 200)):
        token = await gateway.make_key(*held, tenant="acme")
        came = await gateway.client.request(
            method, f"/api/training{path}", headers=gateway.bearer(token)
        )
        assert came.status_code == status
    (request,) = upstream.requests
    assert request.line == f"{method} {path} HTTP/1.1"
    claims = jwt.decode(
        request.fields["authorization"].removeprefix("Bearer "),
        options={"verify_signature": False},
    )
    assert (claims["aud"], claims["tenant"], claims["scope"]) == ("training", "acme", scope)


async def test_scope_of_training_is_handed_on_by_those_who_hold_it(gateway: Gateway) -> None:
    token = await gateway.make_key("keys:write", "data:read")
    for scope, status in (("data:read", 201), ("data:write", 403), ("models:promote", 403)):
        came = await gateway.client.post(
            "/keys", json={"name": "next", "scopes": [scope]}, headers=gateway.bearer(token)
        )
        assert came.status_code == status


@pytest.mark.parametrize("status", ["201 Created", "202 Accepted"])
async def test_what_was_begun_is_found_where_the_answer_says(
    gateway: Gateway, upstream: ScriptedUpstream, status: str
) -> None:
    async def begin(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_body(request, reader)
        writer.write(answer(b"{}", status, f"Location: /jobs/{JOB}"))

    upstream.script = begin
    begun = await gateway.client.post("/api/training/train", json={}, headers=gateway.bearer())
    assert begun.headers["location"] == f"/api/training/jobs/{JOB}"
    await gateway.client.get(begun.headers["location"], headers=gateway.bearer())
    assert upstream.requests[1].line == f"GET /jobs/{JOB} HTTP/1.1"


async def test_upload_is_resumed_where_it_was_cut_off(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    told = ("Upload-Offset: 5", "Upload-Complete: ?0", "Upload-Limit: max-size=9")

    async def uploads(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_body(request, reader)
        said = answer(b"{}", "200 OK", *told)
        writer.write(said.removesuffix(b"{}") if request.line.startswith("HEAD") else said)

    upstream.script = uploads
    for _ in range(2):
        asked = await gateway.client.head(f"/api/training{UPLOAD}", headers=gateway.bearer())
        assert (asked.status_code, asked.headers["upload-offset"]) == (200, "5")
        assert asked.headers["upload-complete"] == "?0"
    went_on = await gateway.client.patch(
        f"/api/training{UPLOAD}",
        content=b"rest",
        headers=gateway.bearer()
        | {
            "Content-Type": "application/partial-upload",
            "Upload-Offset": "5",
            "Upload-Complete": "?1",
        },
    )
    assert went_on.headers["upload-limit"] == "max-size=9"
    request = upstream.requests[-1]
    assert request.body == b"rest"
    assert request.fields["upload-offset"] == "5"
    assert request.fields["upload-complete"] == "?1"
    assert upstream.connections == 1


async def test_each_service_fails_alone(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    async def hang_up(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_body(request, reader)
        if "/jobs" in request.line:
            writer.close()
        else:
            writer.write(answer())

    upstream.script = hang_up
    statuses = [
        (await gateway.client.get("/api/training/jobs", headers=gateway.bearer())).status_code
        for _ in range(6)
    ]
    assert statuses == [502] * 5 + [503]
    models = await gateway.client.get("/api/model_api/models", headers=gateway.bearer())
    assert models.status_code == 200
    health = (await gateway.client.get("/health")).json()
    assert health["upstreams"] == {"model_api": "closed", "training": "open"}
