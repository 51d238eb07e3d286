"""Endless traffic before a scripted camera, and which of the vehicles the gate read."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from tests.faults.scripted_camera import NUMBERS, ScriptedCamera, Show


@dataclass
class Drive:
    """One vehicle that was shown. ``whole``: the camera was not disturbed while it drove by."""

    number: str
    began: datetime
    whole: bool = False


class Traffic:
    """Shows vehicles one after the other, ``gap_s`` apart, inside the ``with`` block.

    ``disturb`` replaces them by a fault of the camera; ``resume`` ends it.
    """

    def __init__(self, camera: ScriptedCamera, vehicle_s: float, gap_s: float) -> None:
        self.drives: list[Drive] = []
        self._camera = camera
        self._vehicle_s, self._gap_s = vehicle_s, gap_s
        self._changed = threading.Condition()
        self._is_disturbed = self._is_over = False
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def disturb(self, show: Show) -> None:
        """Shows a fault instead of vehicles."""
        with self._changed:
            self._is_disturbed = True
            self._show(show)
            self._changed.notify_all()

    def resume(self) -> None:
        """Shows vehicles again, after a gap."""
        with self._changed:
            self._is_disturbed = False
            self._camera.play("empty")
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the traffic."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._is_over:
                self._changed.wait_for(lambda: self._is_over or not self._is_disturbed)
                self._changed.wait_for(self._is_broken, self._gap_s)
                if self._is_broken():
                    continue
                drive = self._show("vehicle")
                if not self._changed.wait_for(self._is_broken, self._vehicle_s):
                    drive.whole = True
                    self._camera.play("empty")

    def _is_broken(self) -> bool:
        return self._is_over or self._is_disturbed

    def _show(self, show: Show) -> Drive:
        """Shows a scene and records it as a vehicle, because some faults show a vehicle too."""
        number = len(self.drives) % len(NUMBERS)
        drive = Drive(NUMBERS[number], datetime.now().astimezone())
        self.drives.append(drive)
        self._camera.play(show, number)
        return drive


@dataclass(frozen=True)
class Sightings:
    """Counts of the vehicles that drove by undisturbed."""

    driven: int
    missed: int
    twice: int
    """Vehicles with two passages, also disturbed ones."""
    misread: int
    """Passages with a number that was not shown at that time."""

    @property
    def is_sound(self) -> bool:
        """Whether every reading was correct and only once."""
        return not (self.twice or self.misread)

    def __str__(self) -> str:
        return f"{self.driven} drove past undisturbed, {self.missed} missed, {self.twice} twice, {self.misread} misread"


def sightings(drives: Sequence[Drive], messages: Sequence[Any], since: datetime) -> Sightings:
    """Compares the passages, as JSON, with the vehicles shown when they were first seen. Repeats count once.

    On a busy machine pictures are delayed, so a passage may belong to an earlier vehicle. Vehicles from before
    ``since``, when the gate may not have run yet, do not count as missed.
    """
    began = [drive.began for drive in drives]
    read = [0] * len(drives)
    misread = 0
    for message in {each["Response"]["RequestId"]: each for each in messages}.values():
        shown = bisect_right(began, datetime.fromisoformat(message["Event"]["FirstSeenAt"]))
        recent = range(shown - 1, max(shown - len(NUMBERS), -1), -1)
        own = next((index for index in recent if drives[index].number == message["Response"]["Number"]), None)
        if own is None:
            misread += 1
        else:
            read[own] += 1
    whole = [index for index, drive in enumerate(drives) if drive.whole and drive.began >= since]
    return Sightings(
        driven=len(whole),
        missed=sum(read[index] == 0 for index in whole),
        twice=sum(times > 1 for times in read),
        misread=misread,
    )
