"""Remembers published vehicles and recognises a plate that belongs to one of them.

**Same number.** A number that is seen again within ``repeat_after_s`` of its last sighting is the same vehicle. The
vehicle may be parked, move slowly, have been hidden for a while, or carry the number twice (painted on a truck's
tail). The window restarts with every sighting, so a parked car is published once, however long it stands.

**Line.** If the settings define a line, these rules hold for each crossing direction separately. A vehicle that came in
and goes out again makes a second passage. A vehicle that seems to come in twice does not.

**Number that differs by one character.** Fleets own such numbers and drive in convoys, so the text alone proves
nothing. A plate counts as a misreading of a published vehicle, and is suppressed, only if all these conditions hold:

1. The numbers differ by at most one character.
2. The published vehicle was not visible when this plate was first found. Two plates in one frame are two vehicles.
3. At most ``REREAD_S`` seconds lie between the two, and both come from the same source. Each photo is a separate scene.
4. This plate was first found with the same size where the published vehicle must be by then: at its last position,
   extrapolated with its last velocity. The next car of a convoy appears elsewhere.
5. This plate's confidence is lower than the published confidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_lpr.passages import Crossing
from edge_lpr.tracking.motion import NEAR_DISTANCE, Motion
from edge_lpr.tracking.text_candidates import edit_distance
from edge_lpr.tracking.track import Track
from edge_lpr.tracking.vote import VoteResult

REREAD_S = 5.0
"""Seconds within which a lost plate may reappear with a misread number."""

REREAD_SIZE_RATIO = 1.3
"""Largest change of the plate's width in that time."""


@dataclass(slots=True)
class _PublishedVehicle:
    """A published vehicle.

    ``numbers`` are all numbers under which it is read. ``motion`` comes from the last track that was confirmed to be
    this vehicle. ``last_seen_s`` also counts tracks that only have its number. ``crossing`` is its last crossing.
    """

    numbers: set[str]
    confidence: int
    source: str
    motion: Motion
    last_seen_s: float
    crossing: Crossing | None


@dataclass(slots=True)
class Deduplicator:
    """Keeps the published vehicles of the last ``repeat_after_s`` seconds."""

    repeat_after_s: float
    _vehicles: dict[str, _PublishedVehicle] = field(default_factory=dict)

    def record_passage(self, track: Track, result: VoteResult, crossing: Crossing | None) -> None:
        """Records that ``track`` was published with ``result`` and ``crossing``."""
        self._remove_expired(track.last_seen_s)
        self._vehicles[result.number] = _PublishedVehicle(
            {result.number}, result.confidence, track.source, track.motion, track.last_seen_s, crossing
        )

    def add_other_number(self, published: str, number: str) -> None:
        """Records that the vehicle published as ``published`` may also be read as ``number``."""
        vehicle = self._vehicles.get(published)
        if vehicle is not None:
            vehicle.numbers.add(number)
            self._vehicles.setdefault(number, vehicle)

    def restart_window(self, track: Track) -> None:
        """Restarts the time window of the published vehicle that ``track`` is, or seems to be."""
        if track.published_number:
            vehicle = self._vehicles.get(track.published_number)
            if vehicle is not None:
                vehicle.last_seen_s = track.last_seen_s
                vehicle.motion = track.motion
                vehicle.source = track.source
        elif track.number and (vehicle := self._find(track.number, track.last_seen_s)):
            vehicle.last_seen_s = track.last_seen_s

    def published_number(self, track: Track, result: VoteResult, crossing: Crossing | None) -> str | None:
        """Returns the number under which this crossing of the vehicle was already published, or None."""
        vehicle = self._find(result.number, track.last_seen_s)
        if vehicle is not None:
            return result.number if vehicle.crossing is crossing else None
        return next(
            (
                number
                for number, vehicle in self._vehicles.items()
                if vehicle.crossing is crossing and self._is_misread(vehicle, track, result)
            ),
            None,
        )

    def _is_misread(self, vehicle: _PublishedVehicle, track: Track, result: VoteResult) -> bool:
        """Returns whether ``track`` is ``vehicle`` with a misread number: conditions 1 to 5 of the module docstring."""
        hidden_s = track.first_seen_s - vehicle.motion.time_s
        expected = vehicle.motion.predict(track.first_seen_s)
        return (
            0 < hidden_s <= min(REREAD_S, self.repeat_after_s)
            and vehicle.source == track.source
            and result.confidence < vehicle.confidence
            and expected.distance(track.first_position) <= NEAR_DISTANCE
            and expected.size_ratio(track.first_position) <= REREAD_SIZE_RATIO
            and any(edit_distance(number, result.number) <= 1 for number in vehicle.numbers)
        )

    def _find(self, number: str, now_s: float) -> _PublishedVehicle | None:
        """Returns the vehicle with this number if it is still within its time window."""
        vehicle = self._vehicles.get(number)
        return vehicle if vehicle and now_s - vehicle.last_seen_s <= self.repeat_after_s else None

    def _remove_expired(self, now_s: float) -> None:
        oldest_s = now_s - max(self.repeat_after_s, REREAD_S)
        self._vehicles = {
            number: vehicle for number, vehicle in self._vehicles.items() if vehicle.last_seen_s >= oldest_s
        }
