"""Assigns the plates found in a frame to the existing tracks.

The decision is geometric: distance from the predicted position, and size. The text only prevents merging two vehicles:

* Near the prediction a reading joins the track, unless it clearly has another number. Example: a second car stops
  where the first one stood.
* Farther away a reading joins only with the same number. Plates move that far only at low frame rates or when a
  vehicle changes speed suddenly.
* Between two candidate tracks, the one with the same number is preferred.

A reading that joins no track starts a new track. If it was a misreading, the new track ends after one frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_lpr.geometry import rect_iou
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.motion import NEAR_DISTANCE, Position
from edge_lpr.tracking.text_candidates import edit_distance, is_valid
from edge_lpr.tracking.track import Track

DUPLICATE_IOU = 0.3
"""Overlap (IoU) from which two detections are the same plate: two real plates cannot overlap this much."""

ESTABLISHED_FRAMES = 2
"""Frames that must agree on a track's number before the track can reject a reading with another number."""

OTHER_NUMBER_DISTANCE = 3
"""Edit distance from which two numbers are different plates.

Two readings of one plate seldom differ this much. Two random plates of one city seldom differ less.
"""

OTHER_NUMBER_CONFIDENCE = 50
"""Minimum confidence (0-100) of a reading that can contradict a track's number."""

FAR_CONFIDENCE = 80
"""Confidence (0-100) below which a far reading may differ from the track's number by one character."""

OTHER_TEXT_COST = 1.0
"""Cost of a different number. It equals the cost of the whole search radius, so the same number always wins."""


def suppress_duplicates(readings: Sequence[PlateReading]) -> list[PlateReading]:
    """Removes each reading that overlaps a more confident one. The result is sorted by falling confidence."""
    kept: list[PlateReading] = []
    for reading in sorted(readings, key=lambda reading: -reading.confidence):
        if all(rect_iou(reading.rect, other.rect) < DUPLICATE_IOU for other in kept):
            kept.append(reading)
    return kept


def associate(tracks: Sequence[Track], readings: Sequence[PlateReading], time_s: float) -> dict[int, Track]:
    """Returns the track of each reading, by the reading's index. Readings that start a new track are left out.

    Pairs are assigned greedily, lowest cost first. A frame holds only a few plates, so this almost always gives the
    optimal assignment.
    """
    pairs = sorted(
        (cost, t, r)
        for t, track in enumerate(tracks)
        for r, reading in enumerate(readings)
        if (cost := _cost(track, reading, time_s)) is not None
    )
    taken: set[int] = set()
    matches: dict[int, Track] = {}
    for _, t, r in pairs:
        if t not in taken and r not in matches:
            taken.add(t)
            matches[r] = tracks[t]
    return matches


def _cost(track: Track, reading: PlateReading, time_s: float) -> float | None:
    """Returns the cost of this pair, from 0.0; None if the reading cannot be this track's plate."""
    position = Position.from_quad(reading.quad)
    distance = track.motion.predict(time_s).distance(position)
    radius = track.motion.search_radius(time_s)
    if distance > radius or not track.motion.fits_size(position, time_s):
        return None
    edits = edit_distance(track.number or "", reading.number)
    if _is_another_number(track, reading, edits) if distance <= NEAR_DISTANCE else not _matches_far(reading, edits):
        return None
    return distance / radius + (OTHER_TEXT_COST if edits else 0.0)


def _is_another_number(track: Track, reading: PlateReading, edits: int) -> bool:
    return (
        edits >= OTHER_NUMBER_DISTANCE
        and track.agreeing_frames >= ESTABLISHED_FRAMES
        and reading.confidence >= OTHER_NUMBER_CONFIDENCE
        and is_valid(reading.number)
    )


def _matches_far(reading: PlateReading, edits: int) -> bool:
    return edits == 0 or (edits == 1 and reading.confidence < FAR_CONFIDENCE)
