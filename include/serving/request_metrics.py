"""What the server did, as Prometheus reads it."""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class RequestMetrics:
    """What is counted, in a registry of its own."""

    def __init__(self) -> None:
        """Start from zero."""
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "gatehouse_request_seconds",
            "Time of requests to /invocations",
            ["status"],
            registry=self.registry,
        )
        self.rows = Counter("gatehouse_rows", "Rows answered", registry=self.registry)
        self.in_hand = Gauge(
            "gatehouse_requests_in_hand",
            "Requests that are read, wait or are scored",
            registry=self.registry,
        )
        self.version = Gauge(
            "gatehouse_model_version", "Version that answers", registry=self.registry
        )

    def render(self, in_hand: int, version: str) -> bytes:
        """Write all figures, with two that hold now."""
        self.in_hand.set(in_hand)
        self.version.set(float(version))
        return generate_latest(self.registry)
