"""Maintenance between two frames: reload of the settings, hot swap of the models, deletion of old pictures."""

from __future__ import annotations

from edge_lpr.evidence.writer import EvidenceWriter
from edge_lpr.model_store.hot_swap import ModelHotSwap
from edge_lpr.service.reload import Reloader


class Maintenance:
    """Does what must not happen while a frame is processed."""

    def __init__(self, reloader: Reloader, hot_swap: ModelHotSwap, evidence: EvidenceWriter) -> None:
        self._reloader = reloader
        self._hot_swap = hot_swap
        self._evidence = evidence

    def process_pending(self) -> None:
        """Does what is pending, if anything is."""
        self._reloader.process_pending()
        self._hot_swap.process_pending()
        self._evidence.enforce_limits()
