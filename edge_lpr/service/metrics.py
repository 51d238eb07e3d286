"""What Prometheus scrapes: the gate as it stands, and the requests by face and code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_lpr.service.gate_state import GateState

SUCCESS = "Success"
"""The ``code`` of an answer without an error."""

Gate = Callable[[], GateState | None]
"""The gate as it stands now; None before its first turn."""

_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """All series of one service. May be called from any thread."""

    def __init__(self, gate: Gate) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "edge_lpr_api_requests",
            "Answers to requests, by face (http, mqtt) and Error.Code; Success where there is none",
            ("face", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "edge_lpr_api_request_seconds",
            "From a request's first byte to its answer, in seconds",
            ("face",),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._registry.register(_GateCollector(gate))

    def note(self, face: str, code: str, seconds: float) -> None:
        """A request was answered after ``seconds``; ``code`` is its Error.Code or ``SUCCESS``."""
        self._requests.labels(face, code).inc()
        self._seconds.labels(face).observe(seconds)

    def exposition(self) -> bytes:
        """All series in the text format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)


class _GateCollector:
    """Asked at every scrape, so that nothing has to be kept up to date in the frame loop."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry then does not ask the gate when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The series; none of them before the gate's first turn."""
        state = self._gate()
        if state is None:
            return
        camera, pace, counts = state.camera, state.pace, state.counts
        outbox, broker = state.publisher.outbox, state.publisher.connection
        yield _counter("frames_captured", "Frames that the camera gave", camera.frames_captured)
        yield _counter("frames_dropped", "Frames that newer ones replaced unread", camera.frames_dropped)
        yield _counter("camera_reopened", "Times that the camera was opened again", camera.reopened)
        yield _gauge("camera_up", "1 while the camera gives frames", camera.state == "running")
        yield _gauge("camera_fault", "1 while the camera has a fault; health names it", camera.fault is not None)
        yield _counter("frames_idle", "Frames passed over as nothing had moved", state.work.frames_idle)
        yield _counter("frames_rested", "Frames passed over to spare a hot board", state.work.frames_rested)
        yield _gauge("frames_per_second", "Frames read in a second, over the last half minute", pace.fps)
        yield from _seconds("read_seconds", "Median time to read a frame", pace.read_ms)
        yield from _seconds("latency_seconds", "Median time from taking a frame to its end", pace.latency_ms)
        yield _counter("passages_published", "Passages", counts.published)
        yield _counter("passages_repeated", "Passages suppressed as repeats", counts.repeats)
        yield _counter("passages_unsure", "Tracks that ended without a number sure enough", counts.unsure)
        yield _counter("passages_overturned", "Passages whose number later frames spoke against", counts.overturned)
        yield _gauge("broker_connected", "1 while the broker is connected", broker.state == "connected")
        yield _counter("broker_connects", "Times that the broker accepted us", broker.connects)
        yield _gauge("outbox_waiting", "Passages that wait for the broker", outbox.waiting)
        yield _gauge("outbox_bytes", "Bytes of the passages that wait", outbox.bytes)
        yield _counter("outbox_dropped", "Passages dropped as too many waited", outbox.dropped)
        yield _counter("outbox_expired", "Passages given up as they waited too long", outbox.expired)
        yield _gauge("outbox_durable", "1 while waiting passages are on disk", outbox.durable)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"edge_lpr_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"edge_lpr_{name}", text, value=value)


def _seconds(name: str, text: str, milliseconds: float | None) -> Iterator[Metric]:
    if milliseconds is not None:
        yield _gauge(name, text, milliseconds / 1000)
