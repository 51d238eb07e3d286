"""Tells systemd how the service fares, by the datagrams of sd_notify(3). Without systemd it does nothing."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

START_EXTENSION_US = 60_000_000
"""Microseconds that systemd grants a start from its last sign of life; as long as the unit's watchdog waits."""

_log = logging.getLogger(__name__)


class SystemdNotifier:
    """Sends to the socket that systemd names in ``NOTIFY_SOCKET``.

    ``alive`` feeds the watchdog. It is called where the frame loop makes progress and nowhere else: a timer would go on
    feeding it while the loop stands still.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._last_status = ""

        self._is_ready = False

    def ready(self) -> None:
        """The service is up: its first frame has been read. Later calls say nothing."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")

    def keep_alive(self) -> None:
        """The frame loop went round once more. Before the first frame this prolongs the start, so that a camera which
        is not there yet is waited for, and a loop that stands still is not."""
        self._send("WATCHDOG=1" if self._is_ready else f"EXTEND_TIMEOUT_USEC={START_EXTENSION_US}")

    def reloading(self) -> None:
        """The settings are being read anew; ``reloaded`` must follow."""
        if self._is_ready:
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """They have been read, or refused."""
        if self._is_ready:
            self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``; sent only when it changed."""
        if text != self._last_status:
            self._last_status = text
            self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """The service is on its way out."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagram:
                datagram.settimeout(1.0)
                datagram.sendto(message.encode(), self._address)
        except OSError as error:
            _log.warning("systemd cannot be told %s: %s", message.partition("=")[0], error)
