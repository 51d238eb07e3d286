"""The life of the service: signals, the order of start and stop, the exit code."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from edge_lpr.cameras import create_source
from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadRequests
from edge_lpr.errors import CameraError
from edge_lpr.host.logs import set_up_logging
from edge_lpr.host.systemd import SystemdNotifier
from edge_lpr.link.gate_end import GateEnd
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.service.reload import Reloader
from edge_lpr.service.server_process import ServerProcess
from edge_lpr.service.server_settings import check_server_settings
from edge_lpr.service.wiring import Gate, ReadUpdate, create_gate
from edge_lpr.web.listening import listen

DELIVERY_WAIT_S = 120.0
"""Seconds that the end of a recording waits for a broker that is away."""

FAILED_DELIVERY_WAIT_S = 5.0
"""The same when the recording failed and the user waits for the error."""

STOP_S = 1.4
"""Seconds to disconnect from the broker. With 3 s for the camera and 0.5 s for a frame, a stop takes under 5 s."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceExit:
    """How a service ended. ``failure`` is the camera's error, if it ended the service.

    ``camera_hangs``: a thread is left in a camera call that never returned.
    """

    exit_code: int
    failure: CameraError | None
    camera_hangs: bool


def run_service(load: Callable[[], Settings], config: Path | None = None) -> int:
    """Runs until SIGTERM, SIGINT or the end of a recording. Returns the exit code.

    ``load`` reads the settings, at the start and at each reload. ``config`` is the file that the page changes.

    0: stopped by a signal, or the recording is over and the broker has every passage. 1: the recording is over and the
    broker stayed away; the passages are in the outbox and are sent at the next start. Also 1: a call to the camera
    never returned. Raises EdgeLprError for what keeps the service from starting, and for a recording that fails.
    """
    settings = load()
    set_up_logging(settings.log.level)
    stop, requests = threading.Event(), ReloadRequests()
    with _signals(stop, requests), _stop_on_broken_thread(stop) as broken:
        result = serve(settings, stop, load, requests, config)
    if result.failure is not None and not result.camera_hangs:
        raise result.failure
    if result.camera_hangs:
        if result.failure is not None:
            _log.critical("%s", result.failure)
        # Native code still runs in the camera's thread; Python's usual exit may abort in it. All else is closed.
        logging.shutdown()
        os._exit(1 if broken else result.exit_code)
    return 1 if broken else result.exit_code


def serve(
    settings: Settings,
    stop: threading.Event,
    load: Callable[[], Settings] | None = None,
    requests: ReloadRequests | None = None,
    config: Path | None = None,
) -> ServiceExit:
    """Runs the service without signals: ``stop`` ends it.

    ``requests`` make it ``load`` the settings again; without ``load`` they stay as they are. Without ``config`` the
    page cannot change them.
    """
    requests = requests or ReloadRequests()
    with ExitStack() as stack:
        if settings.api.enabled or settings.page.enabled:
            check_server_settings(settings)
            # The gate opens the socket and keeps it: clients wait in its queue while the server is started again.
            listener = stack.enter_context(listen(settings.api))

            def connect(read_update: ReadUpdate) -> GateEnd:
                return GateEnd(settings, config, read_update, requests)

            gate = create_gate(settings, connect)
        else:
            gate = create_gate(settings, None)
        stack.enter_context(gate.hot_swap)
        server = None
        if gate.server is not None:
            server = stack.enter_context(ServerProcess(gate.server, listener))
            gate.monitor.read_server = server.health
        reloader = stack.enter_context(Reloader(settings, load or (lambda: settings), requests, (gate,), gate.notifier))
        return _run(gate, server, reloader, stop)


def _run(gate: Gate, server: ServerProcess | None, reloader: Reloader, stop: threading.Event) -> ServiceExit:
    """Runs camera, frame loop and publisher, and stops them in that order."""
    publisher, failure = gate.publisher, None
    publisher.start()
    try:
        with create_source(gate.settings.camera, gate.light_meter) as source:
            loop = gate.create_loop(source, reloader)
            try:
                loop.run(stop)
                _log.info("stopping" if stop.is_set() else "the recording is over")
            except CameraError as error:
                failure = error
            if server is not None and stop.is_set():
                server.request_stop()  # it ends while the camera is being closed
        wait_s = DELIVERY_WAIT_S if failure is None else FAILED_DELIVERY_WAIT_S
        _wait_for_delivery(publisher, stop, gate.notifier, wait_s)
        loop.report_now()
        gate.notifier.stopping()
    finally:
        publisher.stop(STOP_S)
    waiting = publisher.status.outbox.waiting
    if waiting and failure is None:
        _log.warning(
            "%d passages wait in %s for the broker %s:%d; they are sent at the next start",
            *(waiting, gate.settings.device.state_dir, gate.settings.mqtt.host, gate.settings.mqtt.port),
        )
    succeeded = failure is None and (not waiting or stop.is_set())
    return ServiceExit(0 if succeeded else 1, failure, source.has_stuck_thread)


def _wait_for_delivery(
    publisher: PassagePublisher, stop: threading.Event, notifier: SystemdNotifier, wait_s: float
) -> None:
    """Waits until the broker has every passage, ``wait_s`` seconds at most. ``stop`` ends the wait."""
    deadline_s = time.monotonic() + wait_s
    is_logged = False
    while not publisher.wait_until_empty(0.2):
        if stop.is_set() or time.monotonic() > deadline_s:
            return
        notifier.keep_alive()
        if not is_logged and publisher.status.connection.state != "connected":
            is_logged = True
            waiting = publisher.status.outbox.waiting
            _log.info("%d passages wait for the broker; trying for %.0f seconds", waiting, wait_s)


@contextmanager
def _stop_on_broken_thread(stop: threading.Event) -> Iterator[list[str]]:
    """Stops the service when an exception ends a thread; yields the names of such threads.

    Such an exception is a bug, and the service must not continue without the thread. It is logged, and systemd starts
    the service again.
    """
    broken: list[str] = []

    def record(fault: threading.ExceptHookArgs) -> None:
        name = fault.thread.name if fault.thread is not None else "unknown"
        problem = fault.exc_value or fault.exc_type()
        _log.critical("thread %s broke; stopping", name, exc_info=(fault.exc_type, problem, fault.exc_traceback))
        broken.append(name)
        stop.set()

    before, threading.excepthook = threading.excepthook, record
    try:
        yield broken
    finally:
        threading.excepthook = before


@contextmanager
def _signals(stop: threading.Event, requests: ReloadRequests) -> Iterator[None]:
    """Handles signals: SIGTERM and SIGINT set ``stop``, a second one ends the process; SIGHUP requests a reload."""

    # A handler may interrupt any line of the main thread, so it must not take a lock that this thread may hold: no
    # logging here, and the main thread never waits on ``stop``.
    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    signal.signal(signal.SIGHUP, lambda _number, _frame: requests.request_reload())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
