"""Delivery of passages: each is enriched, counted, stored in the outbox, logged, and shown to the observer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Passage
from edge_lpr.readings import PlateReading
from edge_lpr.service.enrichment import Enrichment
from edge_lpr.service.statistics import PassageStatistics
from edge_lpr.tracking.track import Track

_log = logging.getLogger(__name__)


class FrameObserver(Protocol):
    """Receives what the frame loop did: the server. The loop waits for it, so each method must return quickly."""

    def add_narrow_plates(self, quads: list[Quad]) -> None:
        """Takes the plates of the frame being read that are too narrow to read."""

    def add_frame(self, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track]) -> None:
        """Takes a frame that was read, with its readings and the tracks after it."""

    def record_passage(self, passage: Passage, sequence: int) -> None:
        """Takes a passage that was handed to the publisher."""


class Delivery:
    """Hands passages to the publisher. ``statistics`` and ``observer`` are None where they are switched off."""

    def __init__(
        self,
        publisher: PassagePublisher,
        enrichment: Enrichment,
        statistics: PassageStatistics | None,
        observer: FrameObserver | None,
    ) -> None:
        self._publisher = publisher
        self._enrichment = enrichment
        self._statistics = statistics
        self._observer = observer

    def deliver(self, passages: Sequence[Passage]) -> None:
        """Stores each passage in the outbox, from which the publisher sends it."""
        for passage in passages:
            self._deliver(passage)

    def _deliver(self, passage: Passage) -> None:
        if self._statistics is not None:
            self._statistics.publish(passage)
        enriched = self._enrichment.enrich(passage)
        stored = self._publisher.publish_passage(enriched)
        if self._observer is not None:
            self._observer.record_passage(enriched, stored.sequence)
        _log.info(
            "passage %d: %s %s, confidence %d, %s, %d frames",
            *(stored.sequence, enriched.number, enriched.color, enriched.confidence),
            *(enriched.crossing or enriched.direction, enriched.frames),
        )
