"""Load control detects a hot, throttled or busy machine, and reads less on a hot or throttled one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_lpr.cameras import CameraStatus
from edge_lpr.host.board import Throttling
from edge_lpr.service.load_control import LONGEST_REST_S, MEASURE_EVERY_S, LoadControl

CAMERA = CameraStatus("camera", "running", None, 0, 0, 0, 0.04)
COOL = Throttling(False, False, False, False, occurred=True)


class Board:
    """The sensors of a board, set by the test."""

    def __init__(self) -> None:
        self.celsius: float | None = 50.0
        self.flags: Throttling | None = COOL
        self.load = LoadControl(lambda: self.celsius, lambda: self.flags)
        self.now_s = 100.0
        self.camera = CAMERA

    def state(self, *, captured: int = 50, dropped: int = 0) -> str:
        self.camera = replace(
            self.camera,
            frames_captured=self.camera.frames_captured + captured,
            frames_dropped=self.camera.frames_dropped + dropped,
        )
        self.load.update(self.camera, self.now_s)
        self.now_s += MEASURE_EVERY_S
        return self.load.state


def test_a_cool_board_reads_without_pauses() -> None:
    board = Board()
    assert board.state() == "normal"
    assert board.load.rest_s(0.1) == 0.0


def test_a_hot_board_pauses_as_long_as_it_reads_until_it_is_cool() -> None:
    board = Board()
    board.celsius = 80.0
    assert board.state() == "hot"
    assert board.load.rest_s(0.1) == 0.1
    assert board.load.rest_s(2.0) == LONGEST_REST_S
    board.celsius = 77.0
    assert board.state() == "hot"
    board.celsius = 74.0
    assert board.state() == "normal"


@pytest.mark.parametrize("flag", ["throttled", "frequency_capped", "under_voltage"])
def test_a_throttled_board_pauses_as_long_as_it_reads(flag: str) -> None:
    board = Board()
    board.flags = replace(COOL, **{flag: True})
    assert board.state() == "throttled"
    assert board.load.rest_s(0.1) == 0.1


def test_a_machine_that_drops_most_frames_is_busy() -> None:
    board = Board()
    assert board.state(captured=100, dropped=40) == "normal"
    assert board.state(captured=100, dropped=60) == "busy"
    assert board.load.rest_s(0.1) == 0.0, "no pause: the newest frame is read at once"
    assert board.state(captured=100, dropped=0) == "normal"


def test_a_machine_without_sensors_is_normal() -> None:
    board = Board()
    board.celsius = board.flags = None
    assert board.state() == "normal"
