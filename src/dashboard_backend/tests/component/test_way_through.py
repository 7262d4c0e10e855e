"""A request goes through the gateway and its answer comes back."""

import asyncio
import re

import jwt
import pytest

from dashboard_backend.tests.support.gateway import Gateway
from dashboard_backend.tests.support.upstream import Received, ScriptedUpstream, answer

PREDICT = "/api/model_api/predict"


async def test_anonymous_caller_is_refused_and_nothing_is_sent(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    refused = await gateway.client.post(PREDICT, json={"text": "hello"})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"] == 'Bearer realm="bartizan"'
    assert refused.json()["code"] == "UNAUTHENTICATED"
    assert upstream.requests == []


async def test_request_arrives_with_the_callers_identity(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    token = await gateway.make_key("predict", tenant="acme")
    came = await gateway.client.post(
        f"{PREDICT}?a=%20b", json={"text": "hello"}, headers=gateway.bearer(token)
    )
    assert came.status_code == 200
    assert came.json() == {"ok": True}
    (request,) = upstream.requests
    assert request.line == "POST /predict?a=%20b HTTP/1.1"
    assert request.body == b'{"text":"hello"}'
    jwks = (await gateway.client.get("/.well-known/jwks.json")).json()
    key = jwt.PyJWKSet.from_dict(jwks).keys[0]
    claims = jwt.decode(
        request.fields["authorization"].removeprefix("Bearer "),
        key,
        algorithms=["EdDSA"],
        audience="model_api",
        issuer="bartizan",
    )
    assert claims["tenant"] == "acme"
    assert claims["scope"] == "predict"
    assert claims["exp"] - claims["iat"] == 60
    assert 59_000 <= int(request.fields["x-request-deadline-ms"]) <= 60_000


async def test_upstreams_problem_passes(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    problem = b'{"type":"/problems/text-too-long","status":413}'

    async def refuse(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(answer(problem, "413 Content Too Large"))

    upstream.script = refuse
    came = await gateway.client.post(PREDICT, json={}, headers=gateway.bearer())
    assert (came.status_code, came.content) == (413, problem)
    assert re.fullmatch(r"[0-9a-f]{32}", came.headers["x-request-id"])


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answer_without_a_body_passes(
    gateway: Gateway, upstream: ScriptedUpstream, status: str
) -> None:
    async def bodiless(
        request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del request, reader
        length = "" if status.startswith("204") else "Content-Length: 5\r\n"
        writer.write(f'HTTP/1.1 {status}\r\nETag: "1"\r\n{length}\r\n'.encode())

    upstream.script = bodiless
    for _ in range(2):
        came = await gateway.client.get("/api/model_api/policies/x", headers=gateway.bearer())
        assert (came.status_code, came.content) == (int(status[:3]), b"")
        assert came.headers["etag"] == '"1"'
    assert upstream.connections == 1
