"""Runs the real program at full frame rate with faults of all kinds, one at a time.

Every frame is read, from a network camera with 25 pictures per second and one vehicle after the other. The seed
determines the order and the durations of the faults. ``soak.py`` runs this for a long time and checks the result.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.faults.disturbances import ALL, Disturbance, Scene
from tests.faults.gate_process import PLATE
from tests.faults.process_sampling import ProcessSampler, Sample
from tests.faults.rig import Rig, running_rig
from tests.faults.scripted_camera import ScriptedCamera
from tests.faults.tally import Tally
from tests.faults.traffic import Sightings, Traffic, sightings
from tests.support.mqtt import free_port

FPS = 25.0
REST_S = 30.0
"""Seconds within which an undisturbed gate must have closed its additional descriptors."""


@dataclass(frozen=True)
class Plan:
    """Duration and density of the faults. Times in seconds; a pair is the range of a random time.

    The test ends after ``lasts_s``; with None after each of ``disturbances`` has occurred once.
    """

    lasts_s: float | None
    disturbances: Sequence[Disturbance] = ALL
    seed: int = 1
    vehicle_s: float = 4.0
    gap_s: float = 1.5
    fault_s: tuple[float, float] = (4.0, 15.0)
    pause_s: tuple[float, float] = (3.0, 12.0)
    sample_s: float = 2.0


@dataclass(frozen=True)
class FaultRecord:
    """One fault. Times in seconds since the start; ``recovered_s`` from its end until a later passage was received."""

    name: str
    kind: str
    from_s: float
    to_s: float
    recovered_s: float


@dataclass(frozen=True)
class Soak:
    """The result, and the gate's ``log``.

    ``descriptors`` are the numbers of open descriptors before the first fault and after the last.
    """

    tally: Tally
    sightings: Sightings
    records: Sequence[FaultRecord]
    samples: Sequence[Sample]
    descriptors: tuple[int, int]
    log: str


def soak(plan: Plan, report: Callable[[FaultRecord], None] = lambda _: None) -> Soak:
    """Runs the test, and calls ``report`` for each fault when it is over.

    Raises AssertionError if the gate ends by itself, stops with an error, or does not recover from a fault.
    """
    with (
        ScriptedCamera(free_port(), fps=FPS, vehicle_s=plan.vehicle_s) as camera,
        Traffic(camera, plan.vehicle_s, plan.gap_s) as traffic,
    ):
        scene = Scene(traffic, free_port())
        # Each vehicle returns after three others.
        with running_rig(sections=scene.sections(camera.url, repeat_after_s=2 * (plan.vehicle_s + plan.gap_s))) as rig:
            since = datetime.now().astimezone()
            with ProcessSampler(rig.gate.pid, f"{scene.api}/metrics", plan.sample_s) as sampler:
                before = sampler.descriptors
                records = []
                for record in _disturb(plan, rig, scene):
                    records.append(record)
                    report(record)
                after = _descriptors_after(sampler, before)
            traffic.stop()  # before the gate, as later vehicles would count as missed
            tally = rig.stop_and_count()
            passages = [message.json for message in rig.subscriber.on(PLATE)]
            log = rig.gate.log
    return Soak(tally, sightings(traffic.drives, passages, since), records, sampler.samples, (before, after), log)


def _disturb(plan: Plan, rig: Rig, scene: Scene) -> Iterator[FaultRecord]:
    chance, clock, began_s = random.Random(plan.seed), threading.Event(), time.monotonic()
    for count, disturbance in enumerate(_shuffled(plan.disturbances, chance), start=1):
        clock.wait(chance.uniform(*plan.pause_s))
        from_s = time.monotonic() - began_s
        disturbance.begin(rig, scene)
        clock.wait(chance.uniform(*plan.fault_s))
        disturbance.end(rig, scene)
        to_s = time.monotonic() - began_s
        rig.wait_received(rig.gate.last_passage + 1)
        recovered_s = time.monotonic() - began_s - to_s
        yield FaultRecord(disturbance.name, disturbance.kind, from_s, to_s, recovered_s)
        is_over = count == len(plan.disturbances) if plan.lasts_s is None else to_s + recovered_s >= plan.lasts_s
        if is_over:
            return


def _shuffled(disturbances: Sequence[Disturbance], chance: random.Random) -> Iterator[Disturbance]:
    """Yields all disturbances in random order, repeatedly."""
    return itertools.chain.from_iterable(chance.sample(disturbances, len(disturbances)) for _ in itertools.count())


def _descriptors_after(sampler: ProcessSampler, wanted: int) -> int:
    """Waits until at most ``wanted`` descriptors are open, or ``REST_S`` are over; returns their number."""
    deadline_s = time.monotonic() + REST_S
    while (now := sampler.descriptors) > wanted and time.monotonic() < deadline_s:
        threading.Event().wait(0.2)
    return now
