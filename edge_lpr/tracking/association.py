"""Which plate of this frame is which of the plates followed so far.

Geometry decides: distance from the predicted place, and size. Text only guards against merging two vehicles:

* near the prediction a reading joins unless it is surely another number (car 2 stands where car 1 stood);
* farther away, where only low frame rates and sudden moves lead, it joins only with the same number;
* between two candidates the one with the same number is preferred.

A refused reading starts a track of its own; if it was a misreading after all, that track dies after one frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_lpr.geometry import rect_iou
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.motion import NEAR_DISTANCE, Position
from edge_lpr.tracking.text_candidates import edit_distance, is_valid
from edge_lpr.tracking.track import Track

SAME_PLATE_IOU = 0.3
"""Two plates cannot overlap this much: the detector found one plate twice."""

ESTABLISHED_FRAMES = 2
"""Frames that must agree on a track's number before it can refuse another."""

OTHER_NUMBER_DISTANCE = 3
"""Characters apart: readings of one plate are hardly this far apart, random plates of one city hardly nearer."""

OTHER_NUMBER_CONFIDENCE = 50
"""Below this a reading says nothing against a track's number."""

FAR_CONFIDENCE = 80
"""A far reading below this may be one character off."""

OTHER_TEXT_COST = 1.0
"""As much as the whole reach: of two tracks in reach, the one with the same number wins."""


def suppress_duplicates(readings: Sequence[PlateReading]) -> list[PlateReading]:
    """The readings without those that lie over a more confident one; most confident first."""
    kept: list[PlateReading] = []
    for reading in sorted(readings, key=lambda reading: -reading.confidence):
        if all(rect_iou(reading.rect, other.rect) < SAME_PLATE_IOU for other in kept):
            kept.append(reading)
    return kept


def associate(tracks: Sequence[Track], readings: Sequence[PlateReading], time_s: float) -> dict[int, Track]:
    """The track of each reading, by the reading's index; a reading that starts a new track is left out.

    Pairs are taken from the cheapest on: with the few plates that fit in a frame the best total is hardly ever another.
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
    """None when the reading cannot be this track's plate."""
    place = Position.from_quad(reading.quad)
    distance = track.motion.predict(time_s).distance(place)
    reach = track.motion.search_radius(time_s)
    if distance > reach or not track.motion.fits_size(place, time_s):
        return None
    apart = edit_distance(track.number or "", reading.number)
    if _is_another_number(track, reading, apart) if distance <= NEAR_DISTANCE else not _may_be_far(reading, apart):
        return None
    return distance / reach + (OTHER_TEXT_COST if apart else 0.0)


def _is_another_number(track: Track, reading: PlateReading, apart: int) -> bool:
    return (
        apart >= OTHER_NUMBER_DISTANCE
        and track.agreeing_frames >= ESTABLISHED_FRAMES
        and reading.confidence >= OTHER_NUMBER_CONFIDENCE
        and is_valid(reading.number)
    )


def _may_be_far(reading: PlateReading, apart: int) -> bool:
    return apart == 0 or (apart == 1 and reading.confidence < FAR_CONFIDENCE)
