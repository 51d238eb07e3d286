"""From settings to a running service and to its end: signals, the order of starting and stopping, the exit code."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from edge_lpr.api.build import serving
from edge_lpr.api.mqtt_requests import MqttRequests
from edge_lpr.cameras import LightMeter, create_source
from edge_lpr.config import LogSettings, Settings
from edge_lpr.errors import CameraError
from edge_lpr.evidence.keeper import EvidenceKeeper
from edge_lpr.host.systemd import Notifier
from edge_lpr.model_store.loading import OpenedPair, open_pair
from edge_lpr.model_store.store import ModelShelf
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.page.backend import Save
from edge_lpr.page.build import open_page
from edge_lpr.passages import Passage
from edge_lpr.service.enrichment import Enrichment, counter
from edge_lpr.service.frame_gate import FrameGate
from edge_lpr.service.frame_loop import Service
from edge_lpr.service.health import HealthMonitor, Versions
from edge_lpr.service.idle import MotionGate
from edge_lpr.service.load_control import LoadControl
from edge_lpr.service.model_hot_swap import ModelHotSwap
from edge_lpr.service.reload import Reloader, ReloadRequests
from edge_lpr.service.reload_request import ReloadCommand
from edge_lpr.service.statistics import Pseudonyms
from edge_lpr.tracking.tracker import Tracker
from edge_lpr.vision.interpreter import runtime_name
from edge_lpr.vision.latest_frame import LatestFrame

DELIVERY_WAIT_S = 120.0
"""How long the end of a recording waits for a broker that is away."""

FAILED_DELIVERY_WAIT_S = 5.0
"""The same when the recording failed and the user waits for the error."""

STOP_S = 1.4
"""For the farewell to the broker: with the camera's 3 s and half a second for a frame, a stop takes less than 5 s."""

_log = logging.getLogger(__name__)


def run_service(load: Callable[[], Settings], save: Save | None = None) -> int:
    """Run until SIGTERM, SIGINT or the end of a recording; the exit code. ``load`` reads the settings, at the start and
    at each SIGHUP or request to reload; ``save`` is how the page changes them.

    0: stopped by a signal, or the recording is over and the broker has every passage. 1: the recording is over and the
    broker stayed away; the passages are in the outbox and go out at the next start. Also 1: a call to the camera never
    returned. Raises EdgeLprError for what keeps the service from starting, and for a recording that fails.
    """
    settings = load()
    set_up_logging(settings.log)
    stop, requests = threading.Event(), ReloadRequests()
    with _on_signals(stop, requests), _stopped_by_broken_threads(stop) as broken:
        outcome = serve(settings, stop, load, requests, save)
    if outcome.failure is not None and not outcome.camera_hangs:
        raise outcome.failure
    if outcome.camera_hangs:
        if outcome.failure is not None:
            _log.critical("%s", outcome.failure)
        # Native code still runs in the camera's thread; Python's ordinary end may abort in it. All else is closed.
        logging.shutdown()
        os._exit(1 if broken else outcome.exit_code)
    return 1 if broken else outcome.exit_code


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a service ended. ``failure``: what its camera died of. ``camera_hangs``: a thread is left behind in a call
    that never returned."""

    exit_code: int
    failure: CameraError | None
    camera_hangs: bool


def serve(
    settings: Settings,
    stop: threading.Event,
    load: Callable[[], Settings] | None = None,
    requests: ReloadRequests | None = None,
    save: Save | None = None,
) -> Outcome:
    """The same without signals: ``stop`` ends it, ``requests`` ask it to ``load`` the settings anew; without ``load``
    they stay, and the page saves nothing without ``save``."""
    requests = requests or ReloadRequests()
    notifier = Notifier()
    notifier.status("loading the models")
    shelf = ModelShelf(settings.device)
    pair = open_pair(settings.reader, shelf)
    for fault in pair.faults:
        _log.error("the models %s are used instead of those chosen: %s", pair.name, fault)
    tracker = Tracker(settings.passage, settings.reader.min_confidence)
    publisher = PassagePublisher(settings.mqtt, settings.device)
    monitor = HealthMonitor(settings.device.id, _versions(pair), settings.mqtt.health_every_s, publisher.publish_health)
    gate = MotionGate(settings.reader.idle_look_s)
    latest_frame = LatestFrame()
    meter = LightMeter(settings.passage.lane, settings.passage.ignore)
    keeper = EvidenceKeeper(settings.evidence, settings.device)
    completion = Enrichment(settings.lists, keeper, _counter(settings, publisher))
    page = open_page(settings, monitor.snapshot, requests, save)

    def apply(changed: Settings) -> None:
        logging.getLogger().setLevel(changed.log.level.upper())
        tracker.apply(changed.passage, changed.reader.min_confidence)
        meter.apply(changed.passage.lane, changed.passage.ignore)
        swap.look_again()
        completion.apply(changed.lists)
        gate.look_every_s = changed.reader.idle_look_s
        monitor.every_s = changed.mqtt.health_every_s
        if page is not None:
            page.apply(changed)

    reloader = Reloader(settings, load or (lambda: settings), requests, apply, notifier)

    def put_in(chosen: OpenedPair) -> None:
        api.reader.replace(chosen.reader)
        monitor.versions = _versions(chosen)

    swap = ModelHotSwap(shelf, settings.reader, pair.name, put_in)

    def between_frames() -> None:
        reloader.work()
        swap.work()
        keeper.tidy()

    failure: CameraError | None = None
    with swap, serving(settings.api, settings.device, pair.reader, lambda: monitor.latest, page) as api:
        MqttRequests(
            publisher.connection, publisher.topics, api.desk, latest_frame, api.metrics, images=settings.privacy.images
        )
        ReloadCommand(publisher.connection, publisher.topics, requests)
        publisher.start()
        try:
            with create_source(settings.camera, meter) as source:
                read, live = latest_frame.recording(api.reader.read_for_camera), settings.camera.live
                attention = FrameGate(gate, LoadControl(), live=live)
                service = Service(
                    *(source, attention, read, tracker, publisher, monitor, notifier),
                    live=live, note=meter.note, complete=completion.complete, between_frames=between_frames,
                    onlooker=page,
                )  # fmt: skip
                try:
                    service.run(stop)
                except CameraError as error:
                    failure = error
                if failure is None:
                    _log.info("stopping" if stop.is_set() else "the recording is over")
            wait_s = DELIVERY_WAIT_S if failure is None else FAILED_DELIVERY_WAIT_S
            _deliver(publisher, stop, notifier, wait_s)
            service.tell_health(now=True)
            notifier.stopping()
        finally:
            publisher.stop(STOP_S)
    waiting = publisher.status.outbox.waiting
    if waiting and failure is None:
        _log.warning(
            "%d passages wait in %s for the broker %s:%d; they are sent at the next start",
            *(waiting, settings.device.state_dir, settings.mqtt.host, settings.mqtt.port),
        )
    is_well = failure is None and (not waiting or stop.is_set())
    return Outcome(0 if is_well else 1, failure, source.left_behind)


def set_up_logging(settings: LogSettings) -> None:
    """Log to stderr; the journal adds the time itself."""
    form = "%(levelname)s %(message)s" if "JOURNAL_STREAM" in os.environ else "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=settings.level.upper(), format=form)


def _deliver(publisher: PassagePublisher, stop: threading.Event, notifier: Notifier, wait_s: float) -> None:
    """Give the broker time to take what waits. ``stop`` cuts the wait short."""
    deadline_s = time.monotonic() + wait_s
    told = False
    while not publisher.wait_until_empty(0.2):
        if stop.is_set() or time.monotonic() > deadline_s:
            return
        notifier.alive()
        if not told and publisher.status.connection.state != "connected":
            told = True
            waiting = publisher.status.outbox.waiting
            _log.info("%d passages wait for the broker; trying for %.0f seconds", waiting, wait_s)


def _counter(settings: Settings, publisher: PassagePublisher) -> Callable[[Passage], None] | None:
    if not settings.privacy.statistics:
        return None
    pseudonyms = Pseudonyms(settings.device.state_dir, settings.privacy.statistics_key_days)
    return counter(pseudonyms, settings.device.id, publisher.publish_statistic)


def _versions(pair: OpenedPair) -> Versions:
    detector, recognizer = pair.reader.models.detector.sidecar, pair.reader.models.recognizer.sidecar
    return Versions.of(detector.version, recognizer.version, pair.name, runtime_name())


@contextmanager
def _stopped_by_broken_threads(stop: threading.Event) -> Iterator[list[str]]:
    """An exception that ends a thread is a bug, and the service must not go on without that thread: log it, stop, and
    let systemd start afresh. Yields the names of such threads."""
    broken: list[str] = []

    def note(fault: threading.ExceptHookArgs) -> None:
        name = fault.thread.name if fault.thread is not None else "unknown"
        problem = fault.exc_value or fault.exc_type()
        _log.critical("thread %s broke; stopping", name, exc_info=(fault.exc_type, problem, fault.exc_traceback))
        broken.append(name)
        stop.set()

    before, threading.excepthook = threading.excepthook, note
    try:
        yield broken
    finally:
        threading.excepthook = before


@contextmanager
def _on_signals(stop: threading.Event, requests: ReloadRequests) -> Iterator[None]:
    """SIGTERM and SIGINT set ``stop``; the second one ends the process in the usual way. SIGHUP asks for a reload."""

    # It may break into any line of the main thread, so it takes no lock that this thread may hold: no logging here,
    # and the main thread looks at ``stop`` without ever waiting on it.
    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGHUP, lambda _number, _frame: requests.ask())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
