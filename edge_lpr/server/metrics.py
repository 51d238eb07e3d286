"""Metrics for Prometheus: the state of the gate, and the API's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_lpr.api.request_metrics import RequestMetrics
from edge_lpr.link.messages import GateUpdate

ReadUpdate = Callable[[], GateUpdate | None]
"""Returns the newest state of the gate; None before the first one. May be called from any thread."""


class Metrics:
    """All series of one service. May be called from any thread."""

    def __init__(self, read_update: ReadUpdate) -> None:
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics(self._registry)
        self._registry.register(_GateCollector(read_update))

    def exposition(self) -> bytes:
        """Returns all series in the text format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)


class _GateCollector:
    """Reads the gate's state at each scrape, so that nothing has series to update."""

    def __init__(self, read_update: ReadUpdate) -> None:
        self._read_update = read_update

    def describe(self) -> Iterator[Metric]:
        """Yields nothing, so that the registry does not read the state when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yields the series; none before the first iteration of the frame loop."""
        update = self._read_update()
        if update is None:
            return
        health = update.health
        camera, passages, outbox, broker = health.camera, health.passages, health.outbox, health.broker
        yield _counter("frames_captured", "Frames that the camera gave", camera.frames_captured)
        yield _counter("frames_dropped", "Frames that newer ones replaced unread", camera.frames_dropped)
        yield _counter("camera_reopened", "Times that the camera was opened again", camera.reopened)
        yield _gauge("camera_up", "1 while the camera gives frames", camera.state == "running")
        yield _gauge("camera_fault", "1 while the camera has a fault; health names it", camera.fault is not None)
        yield _counter("frames_idle", "Frames passed over as nothing had moved", health.reading.frames_idle)
        yield _counter("frames_rested", "Frames passed over to spare a hot board", health.reading.frames_rested)
        yield _gauge(
            "frames_per_second", "Frames read in a second, over the last half minute", health.frames_per_second
        )
        yield from _seconds("read_seconds", "Median time to read a frame", health.read_milliseconds)
        yield from _seconds(
            "latency_seconds", "Median time from taking a frame to its end", health.latency_milliseconds
        )
        yield _counter("passages_published", "Passages", passages.published)
        yield _counter("passages_repeated", "Passages suppressed as repeats", passages.repeats_suppressed)
        yield _counter("passages_unsure", "Tracks that ended without a number sure enough", passages.unsure)
        yield _counter("passages_overturned", "Passages whose number later frames spoke against", passages.overturned)
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
