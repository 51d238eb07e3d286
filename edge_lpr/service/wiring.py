"""The composition root of the gate's part: makes the objects from the settings and connects them.

The server's part is made by ``service.server``. The two parts share nothing but the ``GateInterface``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from edge_lpr.cameras import FrameSource, LightMeter
from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadRequests
from edge_lpr.evidence.writer import EvidenceWriter
from edge_lpr.host.systemd import SystemdNotifier
from edge_lpr.model_store.loading import open_pair
from edge_lpr.model_store.store import ModelStore
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.service.camera_reader import CameraReader
from edge_lpr.service.delivery import Delivery, FrameObserver
from edge_lpr.service.enrichment import Enrichment
from edge_lpr.service.frame_gate import FrameGate, MotionGate
from edge_lpr.service.frame_loop import FrameLoop
from edge_lpr.service.health import HealthMonitor, versions_of
from edge_lpr.service.load_control import LoadControl
from edge_lpr.service.maintenance import Maintenance
from edge_lpr.service.model_hot_swap import ModelHotSwap
from edge_lpr.service.reload import Reloader
from edge_lpr.service.server import GateInterface
from edge_lpr.service.statistics import PassageStatistics, Pseudonyms
from edge_lpr.service.status import StatusReporter
from edge_lpr.tracking.tracker import Tracker
from edge_lpr.vision.latest_frame import LatestFrame
from edge_lpr.vision.reader_priority import SharedReader

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """The objects of the gate's part. ``settings`` are those of the start."""

    settings: Settings
    notifier: SystemdNotifier
    reader: SharedReader
    hot_swap: ModelHotSwap
    latest_frame: LatestFrame
    light_meter: LightMeter
    motion_gate: MotionGate
    tracker: Tracker
    enrichment: Enrichment
    evidence: EvidenceWriter
    publisher: PassagePublisher
    monitor: HealthMonitor

    def interface(self, reloads: ReloadRequests) -> GateInterface:
        """Returns what the server's part may use."""
        return GateInterface(
            read_for_request=self.reader.read_for_request,
            state=self.monitor.state,
            health=self.monitor.snapshot,
            reloads=reloads,
            latest_frame=self.latest_frame,
            connection=self.publisher.connection,
            topics=self.publisher.topics,
        )

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from the next frame on."""
        logging.getLogger().setLevel(settings.log.level.upper())
        self.tracker.apply_settings(settings.passage, settings.reader.min_confidence)
        self.light_meter.apply_areas(settings.passage.lane, settings.passage.ignore)
        self.hot_swap.retry_refused()
        self.enrichment.apply_lists(settings.lists)
        self.motion_gate.idle_look_s = settings.reader.idle_look_s
        self.monitor.every_s = settings.mqtt.health_every_s

    def create_loop(self, source: FrameSource, reloader: Reloader, observer: FrameObserver | None) -> FrameLoop:
        """Returns the frame loop over ``source``. ``observer`` is the page, if it is switched on."""
        live = self.settings.camera.live
        frame_gate = FrameGate(self.motion_gate, LoadControl(), live=live)
        return FrameLoop(
            source,
            frame_gate,
            CameraReader(self.reader, self.latest_frame, self.light_meter, observer),
            self.tracker,
            Delivery(self.publisher, self.enrichment, self._statistics(), observer),
            StatusReporter(self.monitor, self.notifier, self.publisher, frame_gate, self.tracker, live=live),
            Maintenance(reloader, self.hot_swap, self.evidence),
            observer,
            live=live,
        )

    def _statistics(self) -> PassageStatistics | None:
        if not self.settings.privacy.statistics:
            return None
        pseudonyms = Pseudonyms(self.settings.device.state_dir, self.settings.privacy.statistics_key_days)
        return PassageStatistics(pseudonyms, self.settings.device.id, self.publisher.publish_statistic)


def create_gate(settings: Settings) -> Gate:
    """Makes the gate's part; nothing is started. Raises ModelError when no pair of models can be loaded."""
    notifier = SystemdNotifier()
    notifier.status("loading the models")
    store = ModelStore(settings.device)
    pair = open_pair(settings.reader, store)
    for fault in pair.faults:
        _log.error("the models %s are used instead of those chosen: %s", pair.name, fault)
    reader = SharedReader(pair.reader)
    publisher = PassagePublisher(settings.mqtt, settings.device)
    monitor = HealthMonitor(
        settings.device.id, versions_of(pair), settings.mqtt.health_every_s, publisher.publish_health
    )
    evidence = EvidenceWriter(settings.evidence, settings.device)
    return Gate(
        settings=settings,
        notifier=notifier,
        reader=reader,
        hot_swap=ModelHotSwap(store, settings.reader, pair.name, reader, monitor),
        latest_frame=LatestFrame(),
        light_meter=LightMeter(settings.passage.lane, settings.passage.ignore),
        motion_gate=MotionGate(settings.reader.idle_look_s),
        tracker=Tracker(settings.passage, settings.reader.min_confidence),
        enrichment=Enrichment(settings.lists, evidence),
        evidence=evidence,
        publisher=publisher,
        monitor=monitor,
    )
