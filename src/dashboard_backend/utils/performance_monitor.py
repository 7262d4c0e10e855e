"""The service's metrics, in Prometheus' text format. Every label value comes from a bounded set."""

from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_PREFIX = "bartizan_dashboard_backend"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class PerformanceMonitor:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        """Fresh metrics; a process needs one of these."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._registry = registry
        duration = Histogram(
            f"{_PREFIX}_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        # Resolving labels costs more than the observation: keep the resolved children.
        self._duration = lru_cache(maxsize=1024)(duration.labels)
        self.in_flight = Gauge(
            f"{_PREFIX}_requests_in_flight", "Requests being answered.", registry=registry
        )
        self.upstream_errors = Counter(
            f"{_PREFIX}_upstream_errors_total",
            "Calls to a service that failed, by kind.",
            ("upstream", "kind"),
            registry=registry,
        )
        self.upstream_retries = Counter(
            f"{_PREFIX}_upstream_retries_total",
            "Calls to a service made again because no connection was had.",
            ("upstream",),
            registry=registry,
        )
        self.circuit_state = Gauge(
            f"{_PREFIX}_circuit_state",
            "0 closed, 1 half-open, 2 open.",
            ("upstream",),
            registry=registry,
        )
        self.refusals = Counter(
            f"{_PREFIX}_refusals_total",
            "Requests refused at the door, by problem.",
            ("problem",),
            registry=registry,
        )
        self.rate_limit_fallbacks = Counter(
            f"{_PREFIX}_rate_limit_fallbacks_total",
            "Requests limited by this process alone, because Redis was away.",
            registry=registry,
        )
        self.key_lookups = Counter(
            f"{_PREFIX}_key_lookups_total",
            "API key lookups that left the cache: found, unknown, stale (database away), failed.",
            ("outcome",),
            registry=registry,
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is a template, never a path."""
        self._duration(method, route, str(status)).observe(seconds)

    def render(self) -> bytes:
        """The exposition for a scrape."""
        return generate_latest(self._registry)
