"""Vehicles already published, and whether a plate is one of them again.

**Same number.** A number seen again within ``repeat_after_s`` of its last sight is the same vehicle: it is parked or
creeps, was hidden for a while, or bears the number twice (painted on the truck's tail). While it is seen the window
does not start, so a parked car is published once, however long it stands.

**A line.** Where one is drawn, all this holds for one way over it: a vehicle that came in and goes out again has made a
second passage, one that seems to come in twice has not.

**Number one character off.** Fleets drive in convoy with such numbers, so text alone proves nothing. A plate is taken
for a published one read again, and suppressed, only when all of this holds; otherwise it is another vehicle:

1. the numbers are at most one character apart;
2. the published vehicle was not in sight when this plate was first found: two plates in one frame are two vehicles;
3. no more than ``REREAD_S`` lie between them, in one source: each photo is a scene of its own;
4. this plate was first found where the published vehicle must be by now (its last place, moved on at its last
   velocity), in the same size: the next car of a convoy comes into sight elsewhere than the last one was lost;
5. it is read with less confidence than the published number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_lpr.passages import Crossing
from edge_lpr.tracking.motion import NEAR_DISTANCE, Motion
from edge_lpr.tracking.text_candidates import edit_distance
from edge_lpr.tracking.track import Track
from edge_lpr.tracking.vote import VoteResult

REREAD_S = 5.0
"""Seconds in which a lost plate may come back misread."""

REREAD_SIZE_RATIO = 1.3
"""The largest change of a plate's size meanwhile."""


@dataclass(slots=True)
class _PublishedVehicle:
    """A published vehicle. ``motion`` is of its last sight by a track decided to be it; ``last_seen_s`` of any sight;
    ``crossing`` is its last way over the line."""

    numbers: set[str]
    confidence: int
    source: str
    motion: Motion
    last_seen_s: float
    crossing: Crossing | None


@dataclass(slots=True)
class Deduplicator:
    """The memory of published vehicles; those out of the window are forgotten."""

    repeat_after_s: float
    _vehicles: dict[str, _PublishedVehicle] = field(default_factory=dict)

    def record_passage(self, track: Track, verdict: VoteResult, crossing: Crossing | None) -> None:
        """Note that ``track`` was published as ``verdict``, going that way over the line."""
        self._remove_expired(track.last_seen_s)
        self._vehicles[verdict.number] = _PublishedVehicle(
            {verdict.number}, verdict.confidence, track.source, track.motion, track.last_seen_s, crossing
        )

    def add_other_number(self, published: str, number: str) -> None:
        """Note that the vehicle published as ``published`` may be read as ``number`` as well."""
        vehicle = self._vehicles.get(published)
        if vehicle is not None:
            vehicle.numbers.add(number)
            self._vehicles.setdefault(number, vehicle)

    def restart_window(self, track: Track) -> None:
        """Note that ``track`` is in sight: the window of the vehicle that it is, or seems to be, starts anew."""
        if track.published_number:
            vehicle = self._vehicles.get(track.published_number)
            if vehicle is not None:
                vehicle.last_seen_s = track.last_seen_s
                vehicle.motion = track.motion
                vehicle.source = track.source
        elif track.number and (vehicle := self._within_window(track.number, track.last_seen_s)):
            vehicle.last_seen_s = track.last_seen_s

    def published_number(self, track: Track, verdict: VoteResult, crossing: Crossing | None) -> str | None:
        """The number under which this ``crossing`` of the vehicle of ``track`` was published already, or None."""
        vehicle = self._within_window(verdict.number, track.last_seen_s)
        if vehicle is not None:
            return verdict.number if vehicle.crossing is crossing else None
        return next(
            (
                number
                for number, vehicle in self._vehicles.items()
                if vehicle.crossing is crossing and self._is_reread(vehicle, track, verdict)
            ),
            None,
        )

    def _is_reread(self, vehicle: _PublishedVehicle, track: Track, verdict: VoteResult) -> bool:
        hidden_s = track.first_seen_s - vehicle.motion.time_s
        place = vehicle.motion.predict(track.first_seen_s)
        return (
            0 < hidden_s <= min(REREAD_S, self.repeat_after_s)
            and vehicle.source == track.source
            and verdict.confidence < vehicle.confidence
            and place.distance(track.first_position) <= NEAR_DISTANCE
            and place.size_ratio(track.first_position) <= REREAD_SIZE_RATIO
            and any(edit_distance(number, verdict.number) <= 1 for number in vehicle.numbers)
        )

    def _within_window(self, number: str, now_s: float) -> _PublishedVehicle | None:
        vehicle = self._vehicles.get(number)
        return vehicle if vehicle and now_s - vehicle.last_seen_s <= self.repeat_after_s else None

    def _remove_expired(self, now_s: float) -> None:
        oldest = now_s - max(self.repeat_after_s, REREAD_S)
        self._vehicles = {
            number: vehicle for number, vehicle in self._vehicles.items() if vehicle.last_seen_s >= oldest
        }
