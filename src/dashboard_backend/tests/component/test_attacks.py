"""What an attacker sends by hand: odd framing, spoofed identity, paths that climb."""

import asyncio

import pytest

from dashboard_backend.tests.support.gateway import Gateway
from dashboard_backend.tests.support.upstream import ScriptedUpstream

PREDICT = "/api/model_api/predict"


async def speak(gateway: Gateway, head: str, body: bytes = b"") -> bytes:
    """Send raw bytes, return all that comes back until the connection closes or goes quiet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.format(key=gateway.admin).encode("latin-1") + body)
    try:
        async with asyncio.timeout(60):
            received = await reader.read(65_536)
    finally:
        writer.close()
    return received


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        ("Content-Length: 2\r\nContent-Length: 3", b"{} "),
        ("Content-Length: 2, 2", b"{}"),
        ("Content-Length: +2", b"{}"),
        ("Content-Length: 0x2", b"{}"),
        ("Transfer-Encoding: chunked, identity", b"0\r\n\r\n"),
        ("Transfer-Encoding: xchunked", b"0\r\n\r\n"),
        ("Transfer-Encoding : chunked", b"0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"2x\r\n{}\r\n0\r\n\r\n"),
        ("Content-Length: 2\r\n folded: 1", b"{}"),
    ],
)
async def test_framing_that_two_parsers_could_read_differently_reaches_no_service(
    gateway: Gateway, upstream: ScriptedUpstream, framing: str, body: bytes
) -> None:
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {{key}}\r\n{framing}\r\n\r\n"
    )
    received = await speak(gateway, f"{head}\r\n\r\n", body)
    assert received.split(b" ")[1] in {b"400", b"502"}, received
    assert received.count(b"HTTP/1.1 ") == 1
    assert all(not request.line.startswith("GET / ") for request in upstream.requests)
    assert all(request.body in {b"", b"{}"} for request in upstream.requests)


@pytest.mark.parametrize(
    "path",
    [
        "/api/model_api/../keys",
        "/api/model_api/models/%2e%2e",
        "/api/model_api/models/..%2fpolicies",
        "/api/model_api//models",
        "/api/model_api/models/%00",
        "/api/%6dodel_api/models",
        "/%61pi/model_api/models",
        "/api/model_api/models/a\\b",
    ],
)
async def test_path_that_is_not_plain_is_refused(
    gateway: Gateway, upstream: ScriptedUpstream, path: str
) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {{key}}\r\n\r\n"
    received = await speak(gateway, head)
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert upstream.requests == []


async def test_identity_comes_from_the_gateway_alone(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    token = await gateway.make_key("predict", tenant="acme")
    spoofed = {
        "X-Tenant": "victim",
        "X-Tenant-Id": "victim",
        "X-User": "root",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil",
        "Forwarded": "for=10.0.0.1",
        "Cookie": "session=1",
        "X-Request-Id": "bad id",
        "Connection": "close, content-type",
        "TE": "trailers",
        "X-API-Key": token,
    }
    came = await gateway.client.post(PREDICT, json={}, headers=spoofed)
    assert came.status_code == 200
    fields = upstream.requests[0].fields
    assert set(fields) == {
        "authorization",
        "content-length",
        "host",
        "traceparent",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-deadline-ms",
        "x-request-id",
        "accept",
    }
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert token not in str(fields)
    assert fields["x-request-id"] == came.headers["x-request-id"] != "bad id"


async def test_trace_goes_on(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = gateway.bearer() | {
        "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
        "tracestate": "vendor=1",
        "X-Request-Id": "my-request.1",
    }
    came = await gateway.client.get("/api/model_api/models", headers=headers)
    fields = upstream.requests[0].fields
    assert fields["traceparent"].split("-")[1] == trace
    assert fields["tracestate"] == "vendor=1"
    assert fields["x-request-id"] == came.headers["x-request-id"] == "my-request.1"


async def test_what_is_not_in_the_table_is_not_there(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    for path in ("/api/model_api/health", "/api/training/health", "/api/", "/nothing"):
        came = await gateway.client.get(path, headers=gateway.bearer())
        assert came.status_code in {400, 404}
        assert came.headers["content-type"] == "application/problem+json"
    wrong = await gateway.client.delete(PREDICT, headers=gateway.bearer())
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    # Only the training service deploys.
    deploy = await gateway.client.put(
        "/api/model_api/models/detector/deployment", json={}, headers=gateway.bearer()
    )
    assert (deploy.status_code, deploy.headers["allow"]) == (405, "GET")
    other = await gateway.client.put("/keys", headers=gateway.bearer())
    assert other.status_code == 405
    assert set(other.headers["allow"].split(", ")) >= {"GET", "POST"}
    assert upstream.requests == []


async def test_guessing_keys_is_limited_by_address_and_does_not_lock_out_known_keys(
    gateway: Gateway,
) -> None:
    assert (await gateway.client.get("/keys", headers=gateway.bearer())).is_success
    guess = gateway.bearer("bz_" + "1" * 32 + "_" + "0" * 64)
    statuses = [(await gateway.client.get("/keys", headers=guess)).status_code for _ in range(125)]
    assert statuses[:120] == [401] * 120
    assert statuses[120:] == [429] * 5
    limited = await gateway.client.get("/keys", headers=guess)
    assert int(limited.headers["retry-after"]) >= 1
    assert (await gateway.client.get("/keys", headers=gateway.bearer())).is_success
