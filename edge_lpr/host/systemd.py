"""Reports the state of the service to systemd with the datagrams of sd_notify(3). Without systemd it does nothing."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

START_EXTENSION_US = 60_000_000
"""Microseconds by which each ``keep_alive`` extends the start; the same as ``WatchdogSec`` of the unit."""

_log = logging.getLogger(__name__)


class SystemdNotifier:
    """Sends to the socket that systemd gives in ``NOTIFY_SOCKET``.

    ``keep_alive`` feeds the watchdog. Call it only where the frame loop makes progress. A timer would feed the watchdog
    also while the loop hangs.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._last_status = ""

        self._is_ready = False

    def ready(self) -> None:
        """Reports that the service is up: its first frame has been read. Only the first call sends."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")

    def keep_alive(self) -> None:
        """Reports one more turn of the frame loop.

        Before the first frame this extends the start timeout. So systemd waits for a camera that is not there yet, but
        not for a loop that hangs.
        """
        self._send("WATCHDOG=1" if self._is_ready else f"EXTEND_TIMEOUT_USEC={START_EXTENSION_US}")

    def reloading(self) -> None:
        """Reports that the settings are being read again; ``reloaded`` must follow."""
        if self._is_ready:
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """Reports the end of a reload, successful or not."""
        if self._is_ready:
            self._send("READY=1")

    def status(self, text: str) -> None:
        """Sends one line for ``systemctl status``, if it differs from the last one."""
        if text != self._last_status:
            self._last_status = text
            self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """Reports that the service is about to end."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagram:
                datagram.settimeout(1.0)
                datagram.sendto(message.encode(), self._address)
        except OSError as error:
            _log.warning("systemd: cannot send %s: %s", message.partition("=")[0], error)
