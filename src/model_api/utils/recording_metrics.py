"""What the recorder and the relay count, in the service's metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PREFIX = "bartizan_model_api"


class RecorderCounters:
    """Told by the recorder of all that it does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._recorded = Counter(
            f"{_PREFIX}_recorded_predictions", "Records kept.", ("outcome",), registry=registry
        )
        self._duration = Histogram(
            f"{_PREFIX}_record_duration_seconds",
            "Time that one group of records took to be kept.",
            ("outcome",),
            registry=registry,
        )
        self._lost = Counter(f"{_PREFIX}_lost_records", "Records refused.", registry=registry)
        self._replayed = Counter(
            f"{_PREFIX}_replayed_records", "Records moved to the database.", registry=registry
        )
        self._size = Gauge(f"{_PREFIX}_spool_size_bytes", "Size of the spool.", registry=registry)
        self._quarantined = Gauge(
            f"{_PREFIX}_quarantined_records_count", "Records set aside.", registry=registry
        )
        self._dropped = Gauge(
            f"{_PREFIX}_spool_dropped_bytes", "Given up for new records.", registry=registry
        )

    def recorded(self, outcome: str, count: int, seconds: float) -> None:
        """A group of `count` records was kept, which took so long."""
        self._recorded.labels(outcome).inc(count)
        self._duration.labels(outcome).observe(seconds)

    def lost(self, count: int) -> None:
        """So many records were refused."""
        self._lost.inc(count)

    def replayed(self, count: int) -> None:
        """So many records went from the spool to the database."""
        self._replayed.inc(count)

    def spool(self, size_bytes: int, quarantined: int, dropped_bytes: int) -> None:
        """The size of the spool now, and its totals since the start."""
        self._size.set(size_bytes)
        self._quarantined.set(quarantined)
        self._dropped.set(dropped_bytes)


class RelayCounters:
    """Told by the relay of all that it does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._published = Counter(
            f"{_PREFIX}_published_events", "Events on the stream.", registry=registry
        )
        self._failed = Counter(
            f"{_PREFIX}_failed_relay_rounds", "Rounds that failed.", ("reason",), registry=registry
        )
        self._waiting = Gauge(
            f"{_PREFIX}_outbox_waiting_count", "Events to be published.", registry=registry
        )
        self._parked = Gauge(
            f"{_PREFIX}_outbox_parked_count", "Events given up on.", registry=registry
        )

    def published(self, count: int) -> None:
        """So many events are on the stream."""
        self._published.inc(count)

    def failed(self, reason: str) -> None:
        """A round failed, because of `redis` or of the `database`."""
        self._failed.labels(reason).inc()

    def outbox(self, waiting: int, parked: int) -> None:
        """The number of events in the outbox now."""
        self._waiting.set(waiting)
        self._parked.set(parked)
