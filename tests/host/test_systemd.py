"""The messages to systemd, read from a socket of the same kind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_lpr.host.systemd import SystemdNotifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def test_the_messages_of_sd_notify(systemd: socket.socket) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": systemd.getsockname()})
    notifier.keep_alive()
    notifier.ready()
    notifier.ready()
    notifier.keep_alive()
    notifier.status("camera running")
    notifier.status("camera running")
    notifier.stopping()
    messages = [systemd.recv(100).decode() for _ in range(5)]
    assert messages == [
        "EXTEND_TIMEOUT_USEC=60000000", "READY=1", "WATCHDOG=1", "STATUS=camera running", "STOPPING=1",
    ]  # fmt: skip


def test_a_reload_is_reported_after_the_service_is_up(systemd: socket.socket) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": systemd.getsockname()})
    notifier.reloading()
    notifier.reloaded()
    notifier.ready()
    notifier.reloading()
    notifier.reloaded()
    messages = [systemd.recv(100).decode() for _ in range(3)]
    assert messages[0] == messages[2] == "READY=1"
    assert messages[1].startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_an_abstract_address() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0edge-lpr-test-notify")
        listener.settimeout(5)
        SystemdNotifier({"NOTIFY_SOCKET": "@edge-lpr-test-notify"}).ready()
        assert listener.recv(100) == b"READY=1"


def test_without_systemd_nothing_happens() -> None:
    SystemdNotifier({}).ready()


def test_a_missing_socket_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "none")}).ready()
    assert "systemd: cannot send READY" in caplog.text
