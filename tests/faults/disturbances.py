"""The disturbances of a soak test: of the network line, the broker, the camera, the settings and the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.faults.relay import QUOTA_EXCEEDED, Faults
from tests.faults.request_load import RequestLoad
from tests.faults.rig import Rig
from tests.faults.scripted_camera import Show
from tests.faults.traffic import Traffic

Kind = Literal["broker", "camera", "service"]

READER = {"threads": 1, "min_plate_width": 40, "idle_look_s": 0}
"""Reader settings: every frame is read, also the smaller ones of ``resize``."""


class Scene:
    """The surroundings of the gate besides its broker: traffic before the camera, and clients of the API."""

    def __init__(self, traffic: Traffic, api_port: int) -> None:
        self.traffic = traffic
        self.api = f"http://127.0.0.1:{api_port}"
        self._api_port = api_port
        self.request_load: RequestLoad | None = None

    def sections(self, camera_url: str, repeat_after_s: float) -> dict[str, Any]:
        """Returns sections of the gate's settings with short time limits, so that many faults fit into a soak test."""
        live = {"type": "stream", "source": camera_url, "read_timeout_s": 2.0, "fault_after_s": 2.0}
        return {
            "camera": {**live, "reopen_min_s": 0.2, "reopen_max_s": 1.0},
            "reader": READER,
            "passage": {"repeat_after_s": repeat_after_s},
            "api": {"enabled": True, "port": self._api_port},
        }


Act = Callable[[Rig, Scene], None]


@dataclass(frozen=True)
class Disturbance:
    """``begin`` starts it, ``end`` ends it. Neither waits for a reaction of the gate."""

    name: str
    kind: Kind
    begin: Act
    end: Act


def _line(name: str, faults: Faults, *, cut: bool = False, cut_after: bool = False) -> Disturbance:
    def begin(rig: Rig, _scene: Scene) -> None:
        rig.relay.faults = faults
        if cut:
            rig.relay.cut()

    def end(rig: Rig, _scene: Scene) -> None:
        rig.relay.heal()
        if cut_after:
            rig.relay.cut()

    return Disturbance(name, "broker", begin, end)


def _camera(show: Show) -> Disturbance:
    return Disturbance(
        f"camera: {show}",
        "camera",
        lambda _, scene: scene.traffic.disturb(show),
        lambda _, scene: scene.traffic.resume(),
    )


def _stop_broker(rig: Rig, _scene: Scene) -> None:
    rig.relay.faults = Faults(refusing=True)
    rig.broker.stop()
    rig.relay.cut()


def _return_broker(rig: Rig, _scene: Scene) -> None:
    rig.return_broker()


def _change_settings(rig: Rig, _scene: Scene) -> None:
    start = len(rig.gate.log)
    rig.gate.configure(reader={**READER, "min_confidence": 75})
    rig.gate.reload()
    rig.gate.wait_for_line(r"applied: reader\.min_confidence", start)


def _break_settings(rig: Rig, _scene: Scene) -> None:
    start = len(rig.gate.log)
    rig.gate.configure(reader={**READER, "min_confidence": "high"})
    rig.gate.reload()
    rig.gate.wait_for_line("the new settings are refused", start)


def _restore_settings(rig: Rig, _scene: Scene) -> None:
    start = len(rig.gate.log)
    rig.gate.configure()
    rig.gate.reload()
    rig.gate.wait_for_line("settings read anew", start)


def _start_requests(rig: Rig, scene: Scene) -> None:
    scene.request_load = RequestLoad(scene.api, rig.subscriber.client)
    scene.request_load.start()


def _stop_requests(_rig: Rig, scene: Scene) -> None:
    assert scene.request_load is not None
    scene.request_load.stop()


CAMERA: tuple[Show, ...] = ("stop", "freeze", "black", "noise", "late", "resize", "vanish")
ALL = (
    Disturbance("broker killed, restarted", "broker", _stop_broker, _return_broker),
    _line("connection cut", Faults(), cut=True),
    _line("broker unreachable", Faults(refusing=True), cut=True),
    _line("half-open, all vanishes", Faults(lost=frozenset({"up", "down"}))),
    _line("half-open, answers vanish", Faults(lost=frozenset({"down"}))),
    _line("half-open, sent packets vanish", Faults(lost=frozenset({"up"}))),
    _line("stalled", Faults(stalled=True)),
    _line("slow line, 2 kB/s", Faults(rate=2000)),
    _line("slow acknowledgements", Faults(puback_delay_s=1)),
    _line("corrupt answers", Faults(corrupt=frozenset({"down"})), cut_after=True),
    _line("quota exceeded", Faults(refuse_plates=QUOTA_EXCEEDED)),
    *(_camera(show) for show in CAMERA),
    Disturbance("settings changed", "service", _change_settings, _restore_settings),
    Disturbance("settings invalid", "service", _break_settings, _restore_settings),
    Disturbance("many requests", "service", _start_requests, _stop_requests),
)
