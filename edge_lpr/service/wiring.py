"""The composition root of the gate's process: makes the objects from the settings and connects them.

The server's process is made by ``edge_lpr.server``. The two share nothing but the link.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from edge_lpr.cameras import FrameSource, LightMeter
from edge_lpr.config import Settings
from edge_lpr.evidence.writer import EvidenceWriter
from edge_lpr.host.systemd import SystemdNotifier
from edge_lpr.link.gate_end import GateEnd
from edge_lpr.link.messages import GateUpdate
from edge_lpr.model_store.hot_swap import ModelHotSwap
from edge_lpr.model_store.loading import OpenedPair, open_pair
from edge_lpr.model_store.store import ModelStore
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.service.camera_reader import CameraReader
from edge_lpr.service.delivery import Delivery
from edge_lpr.service.enrichment import Enrichment
from edge_lpr.service.frame_gate import FrameGate, MotionGate
from edge_lpr.service.frame_loop import FrameLoop
from edge_lpr.service.health import HealthMonitor, versions_of
from edge_lpr.service.load_control import LoadControl
from edge_lpr.service.maintenance import Maintenance
from edge_lpr.service.reload import Reloader
from edge_lpr.service.statistics import PassageStatistics, Pseudonyms
from edge_lpr.service.status import StatusReporter
from edge_lpr.tracking.tracker import Tracker

ReadUpdate = Callable[[], GateUpdate | None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """The objects of the gate's process. ``settings`` are those of the start, ``server`` the link to it, if it runs."""

    settings: Settings
    notifier: SystemdNotifier
    reader: CameraReader
    hot_swap: ModelHotSwap
    light_meter: LightMeter
    motion_gate: MotionGate
    tracker: Tracker
    enrichment: Enrichment
    evidence: EvidenceWriter
    publisher: PassagePublisher
    monitor: HealthMonitor
    server: GateEnd | None

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from the next frame on."""
        logging.getLogger().setLevel(settings.log.level.upper())
        self.tracker.apply_settings(settings.passage, settings.reader.min_confidence)
        self.light_meter.apply_areas(settings.passage.lane, settings.passage.ignore)
        self.hot_swap.retry_refused()
        self.enrichment.apply_lists(settings.lists)
        self.motion_gate.idle_look_s = settings.reader.idle_look_s
        self.monitor.every_s = settings.mqtt.health_every_s
        if self.server is not None:
            self.server.apply_settings(settings)

    def create_loop(self, source: FrameSource, reloader: Reloader) -> FrameLoop:
        """Returns the frame loop over ``source``."""
        live = self.settings.camera.live
        frame_gate = FrameGate(self.motion_gate, LoadControl(), live=live)
        return FrameLoop(
            source,
            frame_gate,
            self.reader,
            self.tracker,
            Delivery(self.publisher, self.enrichment, self._statistics(), self.server),
            StatusReporter(self.monitor, self.notifier, self.publisher, frame_gate, self.tracker, live=live),
            Maintenance(reloader, self.hot_swap, self.evidence),
            self.server,
            live=live,
        )

    def _statistics(self) -> PassageStatistics | None:
        if not self.settings.privacy.statistics:
            return None
        pseudonyms = Pseudonyms(self.settings.device.state_dir, self.settings.privacy.statistics_key_days)
        return PassageStatistics(pseudonyms, self.settings.device.id, self.publisher.publish_statistic)


def create_gate(settings: Settings, connect_server: Callable[[ReadUpdate], GateEnd] | None) -> Gate:
    """Makes the gate; nothing is started. Raises ModelError when no pair of models can be loaded.

    ``connect_server`` returns the link to the server for a function that returns the gate's state; None without a
    server.
    """
    notifier = SystemdNotifier()
    notifier.status("loading the models")
    store = ModelStore(settings.device)
    pair = open_pair(settings.reader, store)
    for fault in pair.faults:
        _log.error("the models %s are used instead of those chosen: %s", pair.name, fault)
    publisher = PassagePublisher(settings.mqtt, settings.device)
    monitor = HealthMonitor(
        settings.device.id, versions_of(pair), settings.mqtt.health_every_s, publisher.publish_health
    )
    evidence = EvidenceWriter(settings.evidence, settings.device)
    light_meter = LightMeter(settings.passage.lane, settings.passage.ignore)
    server = None if connect_server is None else connect_server(monitor.update)
    reader = CameraReader(pair.reader, light_meter, server)

    def use(pair: OpenedPair) -> None:
        reader.replace_reader(pair.reader)
        monitor.versions = versions_of(pair)

    return Gate(
        settings=settings,
        notifier=notifier,
        reader=reader,
        hot_swap=ModelHotSwap(store, settings.reader, pair.name, use),
        light_meter=light_meter,
        motion_gate=MotionGate(settings.reader.idle_look_s),
        tracker=Tracker(settings.passage, settings.reader.min_confidence),
        enrichment=Enrichment(settings.lists, evidence),
        evidence=evidence,
        publisher=publisher,
        monitor=monitor,
        server=server,
    )
