"""Frames a second and milliseconds over the last half minute."""

from __future__ import annotations

from edge_lpr.service.throughput import Throughput, ThroughputMeter


def test_nothing_yet() -> None:
    assert ThroughputMeter().throughput(100.0) == Throughput(0.0, None, None)


def test_steady_frames() -> None:
    meter = ThroughputMeter()
    for i in range(1000):
        meter.record_frame(done_s=100 + i * 0.1, read_s=0.05, latency_s=0.08)
    assert meter.frames == 1000
    assert meter.throughput(199.9) == Throughput(10.0, 50.0, 80.0)


def test_the_first_seconds_count_as_what_they_are() -> None:
    meter = ThroughputMeter()
    for i in range(5):
        meter.record_frame(done_s=100.2 + i * 0.2, read_s=0.2, latency_s=None)
    assert meter.throughput(101.0) == Throughput(5.0, 200.0, None)


def test_a_camera_that_stopped_fades_out() -> None:
    meter = ThroughputMeter()
    meter.record_frame(done_s=100.0, read_s=0.1, latency_s=None)
    assert meter.throughput(140.0) == Throughput(0.0, None, None)
