"""Fixtures of the MQTT tests: a passage, accounts, certificates, and publishers for a broker on a given port."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.backoff import BackOff
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.geometry import Rect
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Direction, Passage
from edge_lpr.plates import Category, Color


@pytest.fixture
def passage() -> Passage:
    """The passage of one vehicle."""
    return Passage(
        number="京AF0236",
        confidence=99,
        color=Color.BLUE,
        category=Category.STANDARD,
        rows=1,
        rect=Rect(426, 423, 135, 66),
        first_seen_at=datetime(2025, 3, 1, 12, 0, tzinfo=UTC),
        captured_at=datetime(2025, 3, 1, 12, 0, 1, tzinfo=UTC),
        frames=9,
        direction=Direction.APPROACHING,
    )


@pytest.fixture
def account(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a password file for mosquitto with one user; returns its path."""

    def make(user: str, password: str) -> Path:
        path = tmp_path / "accounts"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(path), user, password], check=True, capture_output=True)
        return path

    return make


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, server.pem/.key for 127.0.0.1 and client.pem/.key, made by the openssl program."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
    openssl("req", "-x509", *curve, "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=other", "-days", "2")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", "names"),
        )
    return folder


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
