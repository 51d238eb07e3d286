"""The server's process, as the gate sees it: started, watched, started again, and killed at any time.

The server takes bytes from strangers: HTTP, the page, requests over MQTT, downloads. Whatever they do to it, the gate
goes on. The gate opens the listening socket and keeps it, so connections wait in its queue while a server is started
again.
"""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Literal, Self

from edge_lpr.backoff import BackOff
from edge_lpr.link.gate_end import GateEnd, LinkSession
from edge_lpr.messages.health import ServerHealth

STUCK_S = 15.0
"""Seconds without a message after which the server is killed. It sends one per second, from its event loop."""

START_S = 60.0
"""Seconds for its first message: on a slow board loading libraries and models takes ten."""

STABLE_S = 10.0
"""Seconds after which a server process counts as stable: the next restart is quick again."""

STOP_S = 1.0
"""Seconds that the server has for its end; then it is killed."""

_BACKOFF = BackOff(first_s=0.5, ceiling_s=5.0)
_log = logging.getLogger(__name__)


class ServerProcess:
    """Keeps a server process running between ``start`` and ``stop``. A context manager."""

    def __init__(self, end: GateEnd, listener: socket.socket) -> None:
        """The server accepts connections from the socket ``listener``, which stays open after ``stop``."""
        self._end = end
        self._listener = listener
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._session: LinkSession | None = None
        self._restarts = 0
        self._last_error: str | None = None

    def health(self) -> ServerHealth:
        """Returns the state for the health message. May be called from any thread."""
        return ServerHealth(state=self._state(), restarts=self._restarts, last_error=self._last_error)

    def _state(self) -> Literal["starting", "running", "restarting", "stopped"]:
        session = self._session
        if self._stopping.is_set():
            return "stopped"
        if session is not None and session.heard_s is not None:
            return "running"
        return "restarting" if self._restarts else "starting"

    def start(self) -> None:
        """Starts the process, and a thread that watches it."""
        self._thread = threading.Thread(target=self._run, name="server-watch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def request_stop(self) -> None:
        """Asks the process to end. Returns at once."""
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()

    def stop(self) -> None:
        """Ends the process: within ``STOP_S`` by itself, else it is killed."""
        self.request_stop()
        if self._thread is not None:
            self._thread.join(STOP_S)
            self._kill()
            self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began_s = time.monotonic()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - began_s > STABLE_S else failures + 1
            self._restarts += 1
            self._last_error = reason
            _log.error("the server process is started again: %s", reason)
            self._stopping.wait(_BACKOFF.delay(failures))

    def _run_once(self) -> str:
        """Runs one process to its end. Returns why it ended."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                if self._stopping.is_set():
                    ours.close()
                    return "the service stops"
                process = self._process = _start(theirs.fileno(), self._listener.fileno())
        except OSError as error:
            ours.close()
            return f"it cannot be started: {error.strerror}"
        self._session = session = self._end.open(Connection(ours.detach()))
        try:
            return self._watch(process, session)
        finally:
            self._session = None
            self._end.close()

    def _watch(self, process: subprocess.Popen[bytes], session: LinkSession) -> str:
        """Waits for the end of the process, or ends it. Returns why."""
        while not session.ended.wait(1.0):
            limit_s = START_S if session.heard_s is None else STUCK_S
            if time.monotonic() - (session.heard_s or session.opened_s) > limit_s:
                self._kill()
                process.wait()
                return f"it was stuck for {limit_s:.0f} seconds and was killed"
        reason = session.end_reason
        try:
            # A process that closed its end is about to end; while the service stops, stop() has its own limit.
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._kill()
            code = process.wait()
        if reason is not None:
            return reason
        return f"signal {-code} ended it" if code < 0 else f"it ended with exit code {code}"

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()


def _start(*descriptors: int) -> subprocess.Popen[bytes]:
    # -P: the working directory is no place to import from.
    command = [sys.executable, "-P", "-m", "edge_lpr.server", *map(str, descriptors)]
    # A terminal sends these to all its processes, but the gate ends its server in order. A process inherits what the
    # thread that starts it has blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=descriptors)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
