"""Metrics of API requests: answers by entrance and error code, and their duration."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

SUCCESS = "Success"
"""The ``code`` of an answer without an error."""

_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class RequestMetrics:
    """The request series in ``registry``. May be called from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "edge_lpr_api_requests",
            "Answers to requests, by face (http, mqtt) and Error.Code; Success where there is none",
            ("face", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "edge_lpr_api_request_seconds",
            "From a request's first byte to its answer, in seconds",
            ("face",),
            buckets=_BUCKETS_S,
            registry=registry,
        )

    def record_request(self, entrance: str, code: str, seconds: float) -> None:
        """Counts a request that was answered after ``seconds``.

        ``entrance`` is ``http`` or ``mqtt``, ``code`` the answer's Error.Code or ``SUCCESS``.
        """
        self._requests.labels(entrance, code).inc()
        self._seconds.labels(entrance).observe(seconds)
