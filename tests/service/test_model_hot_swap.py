"""Models are replaced in a running service while vehicles drive up: each vehicle is exactly one passage."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from edge_lpr.config import DeviceSettings, Settings, load_settings
from edge_lpr.model_store.actions import install, roll_back
from edge_lpr.model_store.store import ModelChoice, ModelStore
from tests.faults.scripted_camera import NUMBERS, ScriptedCamera
from tests.support.model_archives import archive_of_version, changed
from tests.support.mqtt import Mosquitto, Subscriber, free_port

ROOT = Path(__file__).resolve().parents[2]
BASE = "edge-lpr/gate-1"
HEALTH, PLATE = f"{BASE}/health", f"{BASE}/plate"
WAIT_S = 60.0

Subscribe = Callable[..., Subscriber]


@contextmanager
def running(folder: Path, port: int, camera: str) -> Iterator[Settings]:
    """Runs a service with ``camera`` and yields its settings. Asserts that it ends with 0 and logs no exception."""
    config, log = folder / "config.yaml", folder / "log"
    settings = {
        "device": {"state_dir": "state"},
        "camera": {"type": "stream", "source": camera},
        "reader": {"threads": 1},
        "passage": {"repeat_after_s": 600},
        "mqtt": {"port": port, "health_every_s": 3600},
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with log.open("w") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(config)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        yield load_settings(config, {})
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        assert process.wait(WAIT_S) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def wait_version(subscriber: Subscriber, version: str, since: int = 0) -> None:
    """Waits until a health message reports this version of the recognizer."""
    subscriber.wait(
        lambda all_: any(m.topic == HEALTH and m.json["Versions"]["Recognizer"] == version for m in all_[since:]),
        WAIT_S,
    )


def numbers(subscriber: Subscriber) -> list[str]:
    return [message.json["Response"]["Number"] for message in subscriber.on(PLATE)]


def drive_up(camera: ScriptedCamera, subscriber: Subscriber, number: int) -> None:
    """Plays a vehicle and waits until its passage is published."""
    camera.play("vehicle", number)
    subscriber.wait(
        lambda all_: any(m.topic == PLATE and m.json["Response"]["Number"] == NUMBERS[number] for m in all_), WAIT_S
    )


@pytest.mark.usefixtures("models_dir")
def test_each_vehicle_is_one_passage_while_models_are_replaced(
    tmp_path: Path, mosquitto: Mosquitto, subscribe: Subscribe
) -> None:
    subscriber = subscribe(mosquitto.port)
    with ScriptedCamera(free_port()) as camera, running(tmp_path, mosquitto.port, camera.url) as settings:
        subscriber.wait(lambda all_: any(m.topic == HEALTH for m in all_), WAIT_S)
        install(archive_of_version(tmp_path, "9.0"), settings)
        wait_version(subscriber, "9.0")
        install(archive_of_version(tmp_path, "9.1"), settings)
        with swapping_back_and_forth(settings):
            for number in range(3):
                drive_up(camera, subscriber, number)
        versions = [m.json["Versions"] for m in subscriber.on(HEALTH)]
        assert sum(a["Models"] != b["Models"] for a, b in itertools.pairwise(versions)) >= 3, (
            "too few changes of the models for a test"
        )
        refused_pair_changes_nothing(tmp_path, settings, subscriber, camera)
    assert numbers(subscriber) == list(NUMBERS)
    assert [message.json["Event"]["Sequence"] for message in subscriber.on(PLATE)] == [1, 2, 3, 4]


@contextmanager
def swapping_back_and_forth(settings: Settings) -> Iterator[None]:
    stop = threading.Event()

    def swap() -> None:
        while not stop.wait(0.4):
            roll_back(settings)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def refused_pair_changes_nothing(
    folder: Path, settings: Settings, subscriber: Subscriber, camera: ScriptedCamera
) -> None:
    """Activates a pair that the reader cannot use, without the checks of ``install``. The models must not change."""
    roll_back(settings, to_shipped=True)
    subscriber.wait(lambda _: subscriber.on(HEALTH)[-1].json["Versions"]["Models"] == "shipped", WAIT_S)
    store = ModelStore(settings.device)
    with store.locked():
        name = store.add_pair(changed("detector", version="6.6", thresholds={"score": 0.999999999}))
        store.activate(ModelChoice(active=name, previous="shipped"))
    drive_up(camera, subscriber, 3)
    refusal = "the chosen models are refused, shipped stays in use: the models read no plate in the self-test picture"
    assert (folder / "log").read_text().count(refusal) == 1
    assert subscriber.on(HEALTH)[-1].json["Versions"]["Models"] == "shipped"


@pytest.mark.usefixtures("models_dir")
def test_a_start_with_a_damaged_pair_uses_the_previous_pair(
    tmp_path: Path, mosquitto: Mosquitto, subscribe: Subscribe
) -> None:
    device = DeviceSettings(state_dir=tmp_path / "state")
    for version in ("9.0", "9.1"):
        install(archive_of_version(tmp_path, version), Settings(device=device))
    active = ModelStore(device).read_choice().active
    (ModelStore(device).pair_folder(active) / "recognizer.tflite").write_bytes(b"")
    subscriber = subscribe(mosquitto.port)
    with running(tmp_path, mosquitto.port, "http://127.0.0.1:9/none"):
        wait_version(subscriber, "9.0")
    assert f"instead of those chosen: pair {active}: " in (tmp_path / "log").read_text()
