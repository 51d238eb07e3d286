"""Settings are reloaded in a running service by SIGHUP and over MQTT, valid and invalid ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.mqtt import Mosquitto, Subscriber, free_port

ROOT = Path(__file__).resolve().parents[2]
BASE = "edge-lpr/gate-1"
HEALTH, RELOAD, ANSWER = f"{BASE}/health", f"{BASE}/request/reload", f"{BASE}/response/reload"
WAIT_S = 30.0

Subscribe = Callable[..., Subscriber]


class Gate:
    """A running service whose settings the test rewrites."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self._broker = broker
        self.config = folder / "config.yaml"
        self.log = folder / "log"
        self.settings: dict[str, dict[str, Any]] = {
            "device": {"state_dir": "state"},
            "camera": {"type": "usb", "source": "/dev/video-none", "reopen_min_s": 0.1, "reopen_max_s": 0.1},
            "mqtt": {"port": broker.port, "health_every_s": 3600},
            "api": {"enabled": True, "port": free_port()},
        }

    def set(self, section: str, **values: object) -> None:
        self.settings.setdefault(section, {}).update(values)
        self.config.write_text(yaml.safe_dump(self.settings))

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        self.set("log")
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(self.config)],
                env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            while f"{RELOAD} (QoS 1)" not in self._broker.log:  # the server process has subscribed
                assert process.poll() is None, self.log.read_text()
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            assert process.wait(WAIT_S) == 0


@pytest.fixture
def gate(tmp_path: Path, mosquitto: Mosquitto) -> Gate:
    return Gate(tmp_path, mosquitto)


def request_reload(subscriber: Subscriber) -> dict[str, Any]:
    """Requests a reload and returns the answer."""
    before = len(subscriber.on(ANSWER))
    subscriber.client.publish(RELOAD, b"", qos=1)
    subscriber.wait(lambda all_: sum(m.topic == ANSWER for m in all_) > before, WAIT_S)
    response: dict[str, Any] = subscriber.on(ANSWER)[-1].json["Response"]
    assert response.pop("RequestId")
    return response


def test_a_reload_over_mqtt_applies_live_settings_and_lists_those_that_need_a_restart(
    gate: Gate, mosquitto: Mosquitto, subscribe: Subscribe
) -> None:
    subscriber = subscribe(mosquitto.port)
    with gate.running() as process:
        subscriber.wait(lambda all_: any(m.topic == HEALTH for m in all_), WAIT_S)
        assert request_reload(subscriber) == {"Applied": [], "NeedRestart": []}
        gate.set("mqtt", health_every_s=1, keepalive_s=20)
        gate.set("reader", min_confidence=90, threads=1)
        gate.set("passage", lane=[[0, 0.5], [1, 0.5], [1, 1]])
        changed = ["reader.min_confidence", "passage.lane", "mqtt.health_every_s"]
        rest = ["reader.threads", "mqtt.keepalive_s"]
        assert request_reload(subscriber) == {"Applied": changed, "NeedRestart": rest}
        healths = len(subscriber.on(HEALTH))
        subscriber.wait(lambda all_: sum(m.topic == HEALTH for m in all_) >= healths + 2, WAIT_S)
        assert request_reload(subscriber) == {"Applied": [], "NeedRestart": rest}, (
            "settings that need a restart are listed each time"
        )
        gate.set("reader", min_confidence="often")
        error = request_reload(subscriber)["Error"]
        assert error["Code"] == "InvalidParameter"
        assert "reader.min_confidence" in error["Message"]
        gate.set("reader", min_confidence=90)
        assert request_reload(subscriber) == {"Applied": [], "NeedRestart": rest}, "the refused file changed nothing"
        assert process.poll() is None
    log = gate.log.read_text()
    assert "Traceback" not in log
    assert "wait for a restart of the service: reader.threads, mqtt.keepalive_s" in log


def test_sighup_reloads_and_an_invalid_file_changes_nothing(
    gate: Gate, mosquitto: Mosquitto, subscribe: Subscribe
) -> None:
    subscriber = subscribe(mosquitto.port)
    with gate.running() as process:
        subscriber.wait(lambda all_: any(m.topic == HEALTH for m in all_), WAIT_S)
        gate.set("mqtt", health_every_s=0)
        process.send_signal(signal.SIGHUP)
        wait_for_log(gate, subscriber, "the new settings are refused, the old ones stay")
        gate.set("mqtt", health_every_s=1)
        process.send_signal(signal.SIGHUP)
        wait_for_log(gate, subscriber, "settings read anew; applied: mqtt.health_every_s")
        assert process.poll() is None


def wait_for_log(gate: Gate, subscriber: Subscriber, text: str) -> None:
    """Waits until the service has logged ``text``. Requests are answered after the signal was handled."""
    for _ in range(20):
        if text in gate.log.read_text():
            return
        request_reload(subscriber)
    pytest.fail(f"{text!r} is not in {gate.log.read_text()}")


def test_a_flood_of_reloads_is_answered_and_costs_one_reload_a_second(
    gate: Gate, mosquitto: Mosquitto, subscribe: Subscribe
) -> None:
    subscriber = subscribe(mosquitto.port)
    with gate.running():
        for _ in range(200):
            subscriber.client.publish(RELOAD, b"", qos=1)
        answers = subscriber.wait_count(ANSWER, 200)
        request_reload(subscriber)
    kinds = [answer.json["Response"].get("Error", {}).get("Code", "reloaded") for answer in answers]
    assert set(kinds) <= {"reloaded", "RequestLimitExceeded"} and "reloaded" in kinds
    assert gate.log.read_text().count("settings read anew") < 20


def test_a_retained_request_is_not_answered(gate: Gate, mosquitto: Mosquitto, subscribe: Subscribe) -> None:
    subscriber = subscribe(mosquitto.port)
    subscriber.client.publish(RELOAD, b"", qos=1, retain=True).wait_for_publish(WAIT_S)
    with gate.running():
        subscriber.wait(lambda all_: any(m.topic == HEALTH for m in all_), WAIT_S)
        request_reload(subscriber)
        assert len(subscriber.on(ANSWER)) == 1
