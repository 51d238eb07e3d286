"""The last passages: those of this run from memory, earlier ones from their kept crops."""

from __future__ import annotations

from collections import deque
from itertools import islice
from pathlib import Path

from edge_lpr.evidence.picture_access import PictureName, newest_crops
from edge_lpr.link.messages import PassageRecord
from edge_lpr.messages.encoding import JsonObject, timestamp

SHOWN = 24


class RecentPassages:
    """The thread of the link calls ``record_passage``; ``listed`` may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._passages: deque[JsonObject] = deque(maxlen=SHOWN)
        self.count = 0
        """Number of passages since the gate's start."""

    def record_passage(self, record: PassageRecord) -> None:
        """Adds a passage."""
        passage = record.passage
        crop = None if passage.evidence is None else PictureName.from_reference(passage.evidence.crop).reference
        self._passages.appendleft(
            {
                "Sequence": record.sequence,
                "Number": passage.number,
                "Confidence": passage.confidence,
                "Color": str(passage.color),
                "At": timestamp(passage.captured_at),
                "Crossing": None if passage.crossing is None else str(passage.crossing),
                "Direction": str(passage.direction),
                "Lists": [match.list_name for match in passage.matches],
                "Crop": crop,
                "HasFrame": passage.evidence is not None and passage.evidence.frame is not None,
            }
        )
        self.count = record.total

    def listed(self) -> list[JsonObject]:
        """Returns at most ``SHOWN`` passages, newest first.

        Raises EvidenceError if the kept pictures cannot be read.
        """
        noted = list(self._passages)
        kept = {name.reference: name for name in islice(newest_crops(self._folder), 2 * SHOWN)}
        for passage in noted:
            kept.pop(passage["Crop"], None)
            if passage["Crop"] is not None and not (self._folder / passage["Crop"]).exists():
                passage["Crop"] = None  # deleted meanwhile
        return [*noted, *map(_of_crop, kept.values())][:SHOWN]


def _of_crop(name: PictureName) -> JsonObject:
    unknown = dict.fromkeys(("Sequence", "Confidence", "Color", "Crossing", "Direction"))
    return {
        **unknown, "Number": name.number, "At": timestamp(name.captured_at), "Lists": [], "Crop": name.reference,
        "HasFrame": False,
    }  # fmt: skip
