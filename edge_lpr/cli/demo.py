"""``edge-lpr demo``: the whole pipeline on a bundled clip, with an embedded broker. Needs no hardware and no root.

The service is the real one, in its own process as under systemd. This process plays the parking system: it runs the
broker and one client that uses nothing but the topics.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console

from edge_lpr.config.environment import PREFIX
from edge_lpr.errors import BrokerError, EdgeLprError
from edge_lpr.messages.availability import Availability
from edge_lpr.messages.event import PlateMessage
from edge_lpr.mqtt.topics import Topics
from edge_lpr.resources import demo_clip

TIME_LIMIT_S = 300.0
LAST_MESSAGES_S = 5.0
"""Seconds that the client waits for messages after the service has ended."""

NEXT_STEP = """\
Next, your own camera:
  1. cp config.example.yaml config.yaml   and set camera.type, camera.source and mqtt.host in it
  2. {program} check -c config.yaml        tells what works and what does not
  3. {program} run -c config.yaml          reads plates until Ctrl-C"""

_TOPICS = Topics("edge-lpr", "demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: the demo has no options."""


def run(_options: argparse.Namespace) -> int:
    """Plays the clip and prints each passage that the client receives. Raises EdgeLprError."""
    try:
        from edge_lpr.mqtt.embedded_broker import EmbeddedBroker
    except ModuleNotFoundError as error:
        raise BrokerError("the demo's broker is not installed: pip install 'edge-lpr[demo]'") from error
    clip = demo_clip()
    if not clip.is_file():
        raise EdgeLprError(f"{clip}: the demo clip is missing; install edge-lpr again")
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="edge-lpr-demo-") as folder, EmbeddedBroker() as broker:
        console.print(f"A broker listens on 127.0.0.1:{broker.port}; a client subscribes to {_TOPICS.base}/#.")
        console.print(f"edge-lpr run plays {clip.name}. What the client receives on {_TOPICS.plate}:\n")
        with _Client(broker.port) as client:
            passages = _play(_write_config(Path(folder), clip, broker.port), client, console)
    if not passages:
        raise EdgeLprError("the demo's client received no passage; please report this as a fault of edge-lpr")
    console.print(f"\n{len(passages)} passages received. The last message in full:\n")
    console.print(json.dumps(passages[-1].to_json(), ensure_ascii=False, indent=2), markup=False)
    console.print("\n" + NEXT_STEP.format(program=_program()), markup=False)
    return 0


def _program() -> str:
    """Returns how to call this program: its path if it is not on PATH, as after ``make demo``."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "edge-lpr" and shutil.which("edge-lpr") is None else "edge-lpr"


def _write_config(folder: Path, clip: Path, port: int) -> Path:
    settings = {
        "device": {"id": _TOPICS.device_id, "state_dir": "state"},
        "camera": {"type": "video", "source": str(clip)},
        "mqtt": {"port": port, "topic_prefix": _TOPICS.prefix, "protocol": "3.1.1"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return path


def _play(config: Path, client: _Client, console: Console) -> list[PlateMessage]:
    """Runs the service to the clip's end and prints what the client receives. Raises EdgeLprError."""
    passages: list[PlateMessage] = []
    deadline_s = time.monotonic() + TIME_LIMIT_S
    with (config.parent / "service.log").open("w+", encoding="utf-8") as log:
        command = [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(config)]
        # The environment may hold the settings of the user's own gate.
        environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with subprocess.Popen(command, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as service:
            try:
                # The gate's last message is "offline", and MQTT keeps the order: by then every passage has arrived.
                while not client.is_gate_offline and time.monotonic() < deadline_s:
                    passage = client.next_passage(0.2)
                    if passage is not None:
                        passages.append(passage)
                        _print_passage(console, passage)
                    elif service.poll() is not None:
                        deadline_s = min(deadline_s, time.monotonic() + LAST_MESSAGES_S)
                if client.is_gate_offline:
                    service.wait(LAST_MESSAGES_S)
            except subprocess.TimeoutExpired as error:
                raise EdgeLprError("the demo's edge-lpr run does not end; please report this") from error
            finally:
                service.kill()
        log.seek(0)
        lines = log.read().strip().splitlines()
    if not client.is_gate_offline or service.returncode:
        last_line = lines[-1] if lines else "it said nothing"
        raise EdgeLprError(f"edge-lpr run did not come to the clip's end (code {service.returncode}): {last_line}")
    return passages


def _print_passage(console: Console, message: PlateMessage) -> None:
    plate, event = message.response, message.event
    console.print(
        f"  passage {event.sequence}: {plate.number}  {plate.color}  {plate.license_plate_category}  "
        f"confidence {plate.confidence}  {event.direction}, {event.frames} frames"
    )


class _Client:
    """A subscriber with its own connection, as a parking system has."""

    def __init__(self, port: int) -> None:
        self.is_gate_offline = False
        self._port = port
        self._arrived: queue.Queue[paho.MQTTMessage | None] = queue.Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "parking-system", protocol=MQTTProtocolVersion.MQTTv311)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{_TOPICS.base}/#", qos=1)
        self._client.on_subscribe = lambda *_: self._arrived.put(None)
        self._client.on_message = lambda _client, _data, message: self._arrived.put(message)

    def __enter__(self) -> _Client:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        try:
            self._arrived.get(timeout=10)
        except queue.Empty as error:
            self._client.loop_stop()
            raise BrokerError("the demo's client could not subscribe; try again") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def next_passage(self, timeout_s: float) -> PlateMessage | None:
        """Returns the next passage; None if another message or none arrived within ``timeout_s``."""
        try:
            message = self._arrived.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if message is None:
            return None
        if message.topic == _TOPICS.availability:
            self.is_gate_offline = message.payload == Availability.OFFLINE.encode()
        if message.topic != _TOPICS.plate:
            return None
        return PlateMessage.model_validate_json(message.payload)
