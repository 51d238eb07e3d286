"""One program under observation: a real broker, a subscriber to every topic, and a client of its API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.messages.placeholders import with_placeholders
from tests.support.mqtt import Mosquitto, Received, Subscriber, free_port

BASE = "edge-lpr/gate-1"
DEADLINE_S = 60.0


class Gate:
    """One running program, its broker, a subscriber to all topics, and the folder that holds its files."""

    def __init__(
        self, root: Path, process: subprocess.Popen[bytes], folder: Path, subscriber: Subscriber, api_port: int
    ) -> None:
        self.process = process
        self.folder = folder
        self._root = root
        self.subscriber = subscriber
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{api_port}", trust_env=False, timeout=DEADLINE_S)

    def text(self, payload: bytes) -> str:
        """Returns a payload's text with placeholders."""
        return with_placeholders(payload, folder=self.folder, root=self._root)

    def wait(self, enough: Callable[[list[Received]], bool]) -> list[Received]:
        """Waits until ``enough`` is true of all messages so far."""
        return self.subscriber.wait(enough, DEADLINE_S)

    def finish(self) -> None:
        """Waits until the program has ended and its farewell has arrived."""
        assert self.process.wait(DEADLINE_S) == 0, (self.folder / "log").read_text()
        self.wait(lambda all_: any(is_message(m, f"{BASE}/availability", b"offline") for m in all_))

    def last_health(self, fits: Callable[[Any], bool] = lambda health: True) -> str:
        """Returns the last health message that ``fits``."""
        return self.text([m for m in self.subscriber.on(f"{BASE}/health") if fits(m.json)][-1].payload)

    def ask(self, action: str, body: object = None, fits: Callable[[Any], bool] = lambda answer: True) -> str:
        """Publishes a request until an answer ``fits``; returns the answer."""
        topic = f"{BASE}/response/{action}"
        seen = len(self.subscriber.on(topic))
        deadline_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline_s:
            payload = b"" if body is None else json.dumps(body).encode()
            self.subscriber.client.publish(f"{BASE}/request/{action}", payload, qos=1)
            for _ in range(20):  # the first requests may be earlier than the gate's subscription
                time.sleep(0.02)
                answers = self.subscriber.on(topic)
                if len(answers) > seen:
                    break
            fitting = [answer for answer in answers[seen:] if fits(answer.json)]
            seen = len(answers)
            if fitting:
                return self.text(fitting[0].payload)
        raise AssertionError(f"no answer to {action} {body} in time")

    def ask_for_forbidden_topic(self, action: str) -> str:
        """Returns the answer to a request whose response topic is forbidden."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic = f"{BASE}/plate"
        before = len(self.subscriber.on(f"{BASE}/response/{action}"))
        self.subscriber.client.publish(f"{BASE}/request/{action}", b"", qos=1, properties=properties)
        self.wait(lambda all_: sum(m.topic == f"{BASE}/response/{action}" for m in all_) > before)
        return self.text(self.subscriber.on(f"{BASE}/response/{action}")[-1].payload)

    def call(self, request: httpx.Request) -> str:
        """Sends a request over HTTP; returns status, content type and body."""
        answer = self.http.send(request)
        return f"{answer.status_code} {answer.headers['content-type']}\n{self.text(answer.content)}"

    def wait_for_api(self, status: str) -> str:
        """Waits until ``/healthz`` reports ``status``; returns its answer."""
        deadline_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline_s:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                if self.http.get("/healthz").json()["Status"] == status:
                    return self.call(self.http.build_request("GET", "/healthz"))
            except httpx.TransportError:
                pass  # the server does not listen yet
            time.sleep(0.05)
        raise AssertionError(f"/healthz does not report {status}: {(self.folder / 'log').read_text()}")


@contextmanager
def running(root: Path, folder: Path, settings: Mapping[str, Any]) -> Iterator[Gate]:
    """Starts a broker and the program of the checkout ``root``; both are ended with the ``with`` block."""
    folder.mkdir()
    broker, api_port = Mosquitto(folder).start(), free_port()
    sections = {name: dict(section) for name, section in settings.items()}
    sections["device"] = {"state_dir": "state"}
    sections["mqtt"] = {"port": broker.port, **sections.get("mqtt", {})}
    if "api" in sections:
        sections["api"]["port"] = api_port
    (folder / "config.yaml").write_text(yaml.safe_dump(sections, allow_unicode=True), encoding="utf-8")
    subscriber = Subscriber(broker.port)
    command = [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(folder / "config.yaml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environ_of(root), stdout=log, stderr=log)
    try:
        yield Gate(root, process, folder, subscriber, api_port)
    finally:
        process.kill()
        process.wait()
        subscriber.close()
        broker.stop()


def is_message(message: Received, topic: str, payload: bytes) -> bool:
    """Returns whether a message has this topic and payload."""
    return message.topic == topic and message.payload == payload


def environ_of(root: Path) -> dict[str, str]:
    """Returns an environment for the program of the checkout ``root``, without settings of this machine."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("EDGE_LPR__")}
    return {**ours, "PYTHONPATH": str(root)}
