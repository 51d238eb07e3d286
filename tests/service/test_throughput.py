"""Frames per second and reading times over the last half minute."""

from __future__ import annotations

from edge_lpr.service.throughput import Throughput, ThroughputMeter


def test_without_frames_the_throughput_is_zero() -> None:
    assert ThroughputMeter().throughput(100.0) == Throughput(0.0, None, None)


def test_steady_frames_give_rate_and_times() -> None:
    meter = ThroughputMeter()
    for i in range(1000):
        meter.record_frame(done_s=100 + i * 0.1, read_s=0.05, latency_s=0.08)
    assert meter.frames == 1000
    assert meter.throughput(199.9) == Throughput(10.0, 50.0, 80.0)


def test_the_rate_of_the_first_seconds_uses_their_real_duration() -> None:
    meter = ThroughputMeter()
    for i in range(5):
        meter.record_frame(done_s=100.2 + i * 0.2, read_s=0.2, latency_s=None)
    assert meter.throughput(101.0) == Throughput(5.0, 200.0, None)


def test_the_throughput_is_zero_half_a_minute_after_the_last_frame() -> None:
    meter = ThroughputMeter()
    meter.record_frame(done_s=100.0, read_s=0.1, latency_s=None)
    assert meter.throughput(140.0) == Throughput(0.0, None, None)
