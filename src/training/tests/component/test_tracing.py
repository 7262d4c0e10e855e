"""Spans, received by a real collector's protocol."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from training.tests.support.api import environment, serving
from training.tests.support.database import TestDatabase

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """What an exporter posts."""
        body = await request.read()
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield collector
    await runner.cleanup()


@pytest.mark.parametrize(
    ("ratio", "traceparent", "expected"),
    [
        ("0", f"00-{TRACE_ID}-{PARENT_ID}-01", True),
        ("1", f"00-{TRACE_ID}-{PARENT_ID}-00", False),
        ("1", None, True),
        ("0", None, False),
        ("1", "00-nonsense-01", True),
        ("1", f"00-{'0' * 32}-{PARENT_ID}-01", True),
    ],
)
async def test_a_span_is_sent_when_the_caller_or_chance_wants_it(
    collector: Collector,
    test_database: TestDatabase,
    tmp_path: Path,
    ratio: str,
    traceparent: str | None,
    expected: bool,
) -> None:
    variables = {
        **environment(tmp_path, database=test_database),
        "TRAINING_TRACE_SAMPLE_RATIO": ratio,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    headers = {} if traceparent is None else {"traceparent": traceparent}
    async with serving(variables) as api:
        answer = await api.call("GET", "/health", headers=headers)
        assert answer.status_code == 200

    assert len(collector.spans) == int(expected)
    for span in collector.spans:
        assert span.name == "GET /health"
        assert span.end_time_unix_nano > span.start_time_unix_nano
        attributes = {each.key: each.value for each in span.attributes}
        assert attributes["http.route"].string_value == "/health"
        assert attributes["http.response.status_code"].int_value == 200
        if traceparent is not None and TRACE_ID in traceparent:
            assert span.trace_id.hex() == TRACE_ID
            assert span.parent_span_id.hex() == PARENT_ID


async def test_a_collector_that_is_away_holds_nothing_up(
    unused_url: str, test_database: TestDatabase, tmp_path: Path
) -> None:
    variables = {
        **environment(tmp_path, database=test_database),
        "TRAINING_TRACE_SAMPLE_RATIO": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": unused_url,
    }
    async with asyncio.timeout(60), serving(variables) as api:
        assert (await api.call("GET", "/health")).status_code == 200
