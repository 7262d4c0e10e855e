"""The service's metrics, in Prometheus' own library. Every label has few possible values."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST

_PREFIX = "bartizan_model_api"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class PerformanceMonitor:
    """What this process counts. One per process: it has a registry of its own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            f"{_PREFIX}_request_duration_seconds",
            "Time from a request's arrival to its answer.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.requests_in_flight = Gauge(
            f"{_PREFIX}_requests_in_flight_count",
            "Requests being answered now.",
            registry=self.registry,
        )
        self._predictions = Counter(
            f"{_PREFIX}_predictions",
            "Inputs judged, by what took effect.",
            ("decision",),
            registry=self.registry,
        )
        self.judgement_duration = Histogram(
            f"{_PREFIX}_judgement_duration_seconds",
            "Time that one request's inputs took to be judged.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.degraded = Counter(
            f"{_PREFIX}_degraded_judgements",
            "Inputs answered by a policy's fail mode, by why no judgement was made.",
            ("reason",),
            registry=self.registry,
        )
        self.unrecorded = Counter(
            f"{_PREFIX}_unrecorded_predictions",
            "Predictions answered that could not be recorded.",
            registry=self.registry,
        )
        self.shed = Counter(
            f"{_PREFIX}_shed_requests",
            "Requests refused because too many were in flight.",
            registry=self.registry,
        )
        Gauge(f"{_PREFIX}_build_info", "Always 1.", ("version",), registry=self.registry).labels(
            version
        ).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the template, never the path itself."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(method, route, str(status))
        child.observe(seconds)

    def predicted(self, decision: str) -> None:
        """Count one judged input."""
        self._predictions.labels(decision).inc()

    def watch(self, name: str, help_text: str, gauge: Callable[[], float]) -> None:
        """Expose a number that something else keeps, read at each scrape."""
        Gauge(f"{_PREFIX}_{name}", help_text, registry=self.registry).set_function(gauge)

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
