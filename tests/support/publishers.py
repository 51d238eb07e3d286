"""Fixtures of the MQTT tests: a passage, accounts, and publishers for a broker on a given port."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.backoff import BackOff
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Passage
from tests.support.samples import PASSAGE


@pytest.fixture
def passage() -> Passage:
    """The passage of one vehicle."""
    return replace(PASSAGE, crossing=None, matches=(), evidence=None)


@pytest.fixture
def account(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a password file for mosquitto with one user; returns its path."""

    def make(user: str, password: str) -> Path:
        path = tmp_path / "accounts"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(path), user, password], check=True, capture_output=True)
        return path

    return make


@pytest.fixture
def make_publisher(tmp_path: Path) -> Iterator[Callable[..., PassagePublisher]]:
    """Starts a publisher for the broker on ``port``, with short waits between attempts; stopped after the test."""
    with ExitStack() as cleanup:

        def make(port: int, **settings: Any) -> PassagePublisher:
            publisher = PassagePublisher(
                MqttSettings(port=port, **settings),
                DeviceSettings(id="gate-1", state_dir=tmp_path / "state"),
                backoff=BackOff(first_s=0.05, ceiling_s=0.2),
            )
            cleanup.callback(publisher.stop)
            publisher.start()
            return publisher

        yield make
