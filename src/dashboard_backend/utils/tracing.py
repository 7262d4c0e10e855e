"""W3C trace context in and out, and a span for the sampled few.

Whether a trace is sampled is this service's decision, taken from the trace id: at the edge, a
caller's `sampled` flag would let anyone fill the trace store.
"""

import os
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
_LOW_BITS = (1 << 64) - 1


class TraceContext(NamedTuple):
    """What is passed on to the upstream, and the open span when this request is sampled."""

    traceparent: str
    tracestate: str | None
    span: trace.Span | None


class Tracing:
    """Begins and ends the server spans of one process."""

    def __init__(self, service: str, version: str, endpoint: str | None, ratio: float) -> None:
        """Without an OTLP/HTTP `endpoint` nothing is sampled; `ratio` is in [0, 1]."""
        self._ratio = ratio if endpoint else 0.0
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer = trace.NoOpTracer()
        if endpoint:
            resource = Resource.create({"service.name": service, "service.version": version})
            self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
            self._tracer = self._provider.get_tracer(service, version)

    def begin(self, traceparent: str | None, tracestate: str | None, name: str) -> TraceContext:
        """Go on with the caller's trace, or begin one when there is none that can be read."""
        match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if match is None:
            if self._ratio and secrets.randbits(64) < self._ratio * (1 << 64):
                return self._start(None, None, name)
            return TraceContext(f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00", None, None)
        trace_id, span_id = int(match[1], 16), int(match[2], 16)
        if self._ratio and (trace_id & _LOW_BITS) < self._ratio * (1 << 64):
            parent = trace.SpanContext(trace_id, span_id, is_remote=True)
            return self._start(parent, tracestate, name)
        return TraceContext(f"00-{match[1]}-{match[2]}-00", tracestate, None)

    def end(self, context: TraceContext, attributes: Mapping[str, str | int], name: str) -> None:
        """Close the span, if there is one, under the name that routing has found."""
        if context.span is not None:
            context.span.update_name(name)
            context.span.set_attributes(attributes)
            context.span.end()

    def close(self) -> None:
        """Send what is buffered; blocks for a few seconds at most."""
        if self._provider is not None:
            self._provider.shutdown()

    def _start(
        self, parent: trace.SpanContext | None, tracestate: str | None, name: str
    ) -> TraceContext:
        context = (
            trace.set_span_in_context(trace.NonRecordingSpan(parent))
            if parent is not None
            else None
        )
        span = self._tracer.start_span(name, context=context, kind=trace.SpanKind.SERVER)
        ids = span.get_span_context()
        return TraceContext(f"00-{ids.trace_id:032x}-{ids.span_id:016x}-01", tracestate, span)
