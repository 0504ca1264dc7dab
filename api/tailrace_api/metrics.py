"""What Prometheus can read of the facade."""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call] # the library types only its classes

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counts and times, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tailrace_api_requests",
            "Requests answered.",
            ("listener", "method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "tailrace_api_request_seconds",
            "Time to answer.",
            ("listener", "method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._store = Histogram(
            "tailrace_api_store_seconds",
            "Time of a read or a commit.",
            ("operation",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.unreadable = Gauge(
            "tailrace_api_credentials_unreadable",
            "Credentials that the facade's keys did not open when it started.",
            registry=self.registry,
        )

    def request(self, listener: str, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(listener, method, route, str(status)).inc()
        if status != 101:  # noqa: PLR2004 - a stream's length says nothing of our speed
            self._seconds.labels(listener, method, route).observe(seconds)

    def store(self, operation: str, seconds: float) -> None:
        """The database was read, or a batch was committed."""
        self._store.labels(operation).observe(seconds)

    def watch_age(self, ages: Callable[[], dict[str, float]]) -> None:
        """Let each scrape ask how long ago every cache heard of the API server."""
        self.registry.register(_Ages(ages))

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _Ages(Collector):
    def __init__(self, ages: Callable[[], dict[str, float]]) -> None:
        self._ages = ages

    def collect(self) -> Iterable[Metric]:
        """The ages now."""
        family = GaugeMetricFamily(
            "tailrace_api_cache_age_seconds", "Since the API server was last heard of.", labels=("resource",)
        )
        for resource, age in self._ages().items():
            family.add_metric([resource], age)
        yield family
