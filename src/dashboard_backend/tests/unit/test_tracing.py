"""Trace context goes on when it can be read, and is begun when not."""

import re

import pytest

from dashboard_backend.utils.tracing import Tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def tracing() -> Tracing:
    return Tracing("test", "0", endpoint=None, ratio=1.0)


def test_callers_trace_goes_on_unsampled(tracing: Tracing) -> None:
    context = tracing.begin(f"00-{TRACE}-{SPAN}-01", "vendor=1", "GET")
    assert context == (f"00-{TRACE}-{SPAN}-00", "vendor=1", None)


@pytest.mark.parametrize("given", [None, "", "junk", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-x"])
def test_unreadable_context_is_replaced(tracing: Tracing, given: str | None) -> None:
    context = tracing.begin(given, "vendor=1", "GET")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", context.traceparent)
    assert context.tracestate is None


def test_sampled_request_gets_a_span_within_the_callers_trace() -> None:
    tracing = Tracing("test", "0", endpoint="http://127.0.0.1:1", ratio=1.0)
    context = tracing.begin(f"00-{TRACE}-{SPAN}-00", None, "GET")
    assert context.span is not None
    assert context.traceparent.startswith(f"00-{TRACE}-")
    assert context.traceparent.endswith("-01")
    assert SPAN not in context.traceparent
