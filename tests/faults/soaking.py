"""The real program at full frame rate for as long as one likes, with faults of all kinds thrown in, one at a time.

Every frame is read, from a network camera of 25 pictures a second that one vehicle after the other drives past. The
seed gives the order of the faults and how long they last. ``soak.py`` runs this for long and judges it.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.faults.bench import Bench, bench
from tests.faults.disturbances import ALL, Disturbance, Scene
from tests.faults.gate_process import PLATE
from tests.faults.scripted_camera import ScriptedCamera
from tests.faults.tally import Tally
from tests.faults.traffic import Sightings, Traffic, sightings
from tests.faults.vitals import Sample, Vitals
from tests.support.mqtt import free_port

FPS = 25.0
REST_S = 30.0
"""Within which a gate that nothing is done to has closed what it had opened."""


@dataclass(frozen=True)
class Plan:
    """How long, and how dense. Times in seconds; of a pair, by chance between the two.

    It goes on until ``lasts_s`` are over; where that is None, until each of ``disturbances`` was there once.
    """

    lasts_s: float | None
    disturbances: Sequence[Disturbance] = ALL
    seed: int = 1
    vehicle_s: float = 4.0
    gap_s: float = 1.5
    fault_s: tuple[float, float] = (4.0, 15.0)
    peace_s: tuple[float, float] = (3.0, 12.0)
    sample_s: float = 2.0


@dataclass(frozen=True)
class Happening:
    """One fault, in seconds since the first; ``recovered_s``: from its end until a later passage was received."""

    name: str
    kind: str
    from_s: float
    to_s: float
    recovered_s: float


@dataclass(frozen=True)
class Soak:
    """What came of it, and the gate's ``log``.

    ``descriptors`` were open before the first fault, and at rest after the last.
    """

    tally: Tally
    sightings: Sightings
    happenings: Sequence[Happening]
    samples: Sequence[Sample]
    descriptors: tuple[int, int]
    log: str


def soak(plan: Plan, tell: Callable[[Happening], None] = lambda _: None) -> Soak:
    """Live through it, and ``tell`` of each fault when it is over.

    Raises AssertionError for a gate that ends by itself, or badly when told to, or that does not get over a fault.
    """
    with (
        ScriptedCamera(free_port(), fps=FPS, vehicle_s=plan.vehicle_s) as camera,
        Traffic(camera, plan.vehicle_s, plan.gap_s) as road,
    ):
        scene = Scene(road, free_port())
        # Each vehicle comes again as the fourth after itself.
        with bench(sections=scene.sections(camera.url, repeat_after_s=2 * (plan.vehicle_s + plan.gap_s))) as at:
            since = datetime.now().astimezone()
            with Vitals(at.gate.pid, f"{scene.api}/metrics", plan.sample_s) as vitals:
                before = vitals.descriptors
                happenings = []
                for happening in _suffer(plan, at, scene):
                    happenings.append(happening)
                    tell(happening)
                after = _at_rest(vitals, before)
            road.stop()  # before the gate: who drives on would count as missed
            tally = at.settle()
            passages = [message.json for message in at.subscriber.on(PLATE)]
            log = at.gate.log
    return Soak(tally, sightings(road.drives, passages, since), happenings, vitals.samples, (before, after), log)


def _suffer(plan: Plan, at: Bench, scene: Scene) -> Iterator[Happening]:
    chance, clock, began_s = random.Random(plan.seed), threading.Event(), time.monotonic()
    for count, disturbance in enumerate(_deck(plan.disturbances, chance), start=1):
        clock.wait(chance.uniform(*plan.peace_s))
        from_s = time.monotonic() - began_s
        disturbance.do(at, scene)
        clock.wait(chance.uniform(*plan.fault_s))
        disturbance.mend(at, scene)
        to_s = time.monotonic() - began_s
        at.wait_received(at.gate.last_passage + 1)
        recovered_s = time.monotonic() - began_s - to_s
        yield Happening(disturbance.name, disturbance.kind, from_s, to_s, recovered_s)
        is_over = count == len(plan.disturbances) if plan.lasts_s is None else to_s + recovered_s >= plan.lasts_s
        if is_over:
            return


def _deck(cards: Sequence[Disturbance], chance: random.Random) -> Iterator[Disturbance]:
    """Shuffled, all of them, again and again."""
    return itertools.chain.from_iterable(chance.sample(cards, len(cards)) for _ in itertools.count())


def _at_rest(vitals: Vitals, wanted: int) -> int:
    """Descriptors that are open when nothing is done to the gate; waited for until there are no more than wanted."""
    deadline_s = time.monotonic() + REST_S
    while (now := vitals.descriptors) > wanted and time.monotonic() < deadline_s:
        threading.Event().wait(0.2)
    return now
