"""Frames a second and milliseconds over the last half minute."""

from __future__ import annotations

from edge_lpr.service.throughput import Throughput, ThroughputMeter


def test_nothing_yet() -> None:
    assert ThroughputMeter().pace(100.0) == Throughput(0.0, None, None)


def test_steady_frames() -> None:
    meter = ThroughputMeter()
    for i in range(1000):
        meter.note(done_s=100 + i * 0.1, read_s=0.05, latency_s=0.08)
    assert meter.frames == 1000
    assert meter.pace(199.9) == Throughput(10.0, 50.0, 80.0)


def test_the_first_seconds_count_as_what_they_are() -> None:
    meter = ThroughputMeter()
    for i in range(5):
        meter.note(done_s=100.2 + i * 0.2, read_s=0.2, latency_s=None)
    assert meter.pace(101.0) == Throughput(5.0, 200.0, None)


def test_a_camera_that_stopped_fades_out() -> None:
    meter = ThroughputMeter()
    meter.note(done_s=100.0, read_s=0.1, latency_s=None)
    assert meter.pace(140.0) == Throughput(0.0, None, None)
