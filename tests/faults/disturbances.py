"""What is done to a gate in a soak: to its line, its broker, its camera, its settings and its API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.faults.bench import Bench
from tests.faults.crowd import Crowd
from tests.faults.relay import QUOTA_EXCEEDED, Faults
from tests.faults.scripted_camera import Show
from tests.faults.traffic import Traffic

Kind = Literal["broker", "camera", "service"]

READER = {"threads": 1, "min_plate_width": 40, "idle_look_s": 0}
"""Every frame is read; what is smaller than full size (``resize``) too."""


class Scene:
    """What stands around the gate besides its broker: the road with its vehicles, and a crowd that asks."""

    def __init__(self, road: Traffic, api_port: int) -> None:
        self.road = road
        self.api = f"http://127.0.0.1:{api_port}"
        self._api_port = api_port
        self.crowd: Crowd | None = None

    def sections(self, camera_url: str, repeat_after_s: float) -> dict[str, Any]:
        """Of the gate's settings: quick to notice what is wrong, so that much of it fits into a soak."""
        live = {"type": "stream", "source": camera_url, "read_timeout_s": 2.0, "fault_after_s": 2.0}
        return {
            "camera": {**live, "reopen_min_s": 0.2, "reopen_max_s": 1.0},
            "reader": READER,
            "passage": {"repeat_after_s": repeat_after_s},
            "api": {"enabled": True, "port": self._api_port},
        }


Act = Callable[[Bench, Scene], None]


@dataclass(frozen=True)
class Disturbance:
    """``do`` begins it, ``mend`` ends it; neither waits for the gate to notice."""

    name: str
    kind: Kind
    do: Act
    mend: Act


def _line(name: str, faults: Faults, *, cut: bool = False, cut_after: bool = False) -> Disturbance:
    def do(at: Bench, _scene: Scene) -> None:
        at.relay.faults = faults
        if cut:
            at.relay.cut()

    def mend(at: Bench, _scene: Scene) -> None:
        at.relay.heal()
        if cut_after:
            at.relay.cut()

    return Disturbance(name, "broker", do, mend)


def _camera(show: Show) -> Disturbance:
    return Disturbance(
        f"camera: {show}", "camera", lambda _, scene: scene.road.disturb(show), lambda _, scene: scene.road.calm()
    )


def _stop_broker(at: Bench, _scene: Scene) -> None:
    at.relay.faults = Faults(refusing=True)
    at.broker.stop()
    at.relay.cut()


def _return_broker(at: Bench, _scene: Scene) -> None:
    at.return_broker()


def _change_settings(at: Bench, _scene: Scene) -> None:
    start = len(at.gate.log)
    at.gate.configure(reader={**READER, "min_confidence": 75})
    at.gate.reload()
    at.gate.wait_for_line(r"applied: reader\.min_confidence", start)


def _spoil_settings(at: Bench, _scene: Scene) -> None:
    start = len(at.gate.log)
    at.gate.configure(reader={**READER, "min_confidence": "high"})
    at.gate.reload()
    at.gate.wait_for_line("the new settings are refused", start)


def _restore_settings(at: Bench, _scene: Scene) -> None:
    start = len(at.gate.log)
    at.gate.configure()
    at.gate.reload()
    at.gate.wait_for_line("settings read anew", start)


def _ask(at: Bench, scene: Scene) -> None:
    scene.crowd = Crowd(scene.api, at.subscriber.client)
    scene.crowd.start()


def _stop_asking(_at: Bench, scene: Scene) -> None:
    assert scene.crowd is not None
    scene.crowd.stop()


CAMERA: tuple[Show, ...] = ("stop", "freeze", "black", "noise", "late", "resize", "vanish")
ALL = (
    Disturbance("broker killed, restarted", "broker", _stop_broker, _return_broker),
    _line("connection cut", Faults(), cut=True),
    _line("broker unreachable", Faults(refusing=True), cut=True),
    _line("half-open, all vanishes", Faults(lost=frozenset({"up", "down"}))),
    _line("half-open, answers vanish", Faults(lost=frozenset({"down"}))),
    _line("half-open, ours vanish", Faults(lost=frozenset({"up"}))),
    _line("stalled", Faults(stalled=True)),
    _line("slow line, 2 kB/s", Faults(rate=2000)),
    _line("slow acknowledgements", Faults(puback_delay_s=1)),
    _line("corrupt answers", Faults(corrupt=frozenset({"down"})), cut_after=True),
    _line("quota exceeded", Faults(refuse_plates=QUOTA_EXCEEDED)),
    *(_camera(show) for show in CAMERA),
    Disturbance("settings changed", "service", _change_settings, _restore_settings),
    Disturbance("settings spoilt", "service", _spoil_settings, _restore_settings),
    Disturbance("crowd of requests", "service", _ask, _stop_asking),
)
