"""Runs the program and collects every payload that leaves it: MQTT, HTTP and ``edge-lpr recognize --json``.

The program is used through its public interfaces only, so the same runs record the payloads of any version.
``python -m tests.messages.golden_runs`` records the files in ``tests/messages/golden`` again; ``--root`` names the
checkout whose program runs.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.messages.golden_gate import BASE, DEADLINE_S, Gate, environ_of, running
from tests.messages.golden_requests import (
    EMPTY_FRAME,
    KEYS,
    PLATE_FRAMES,
    as_base64,
    as_png,
    frame_of_clip,
    signed_request,
    signed_requests,
    two_plates,
    unsigned_requests,
)
from tests.messages.placeholders import with_placeholders
from tests.support.mqtt import Received, Subscriber

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("golden")

Payloads = dict[str, str]
"""From a heading that says where a payload comes from to its text, with placeholders."""

_WORDS = ("title", "description", "summary", "version")


def plain_clip(root: Path, folder: Path) -> Payloads:
    """Plays the demo clip with the default settings."""
    found: Payloads = {}
    with running(root, folder, {"camera": _clip(root)}) as gate:
        gate.finish()
        found["availability"] = "\n".join(gate.text(m.payload) for m in gate.subscriber.on(f"{BASE}/availability"))
        found["health, at the end"] = gate.last_health()
        found |= _numbered(gate, "plate")
        found["topics"] = _topics(gate.subscriber.messages)
        found["retained"] = _retained(gate)
    return found


def clip_with_everything(root: Path, folder: Path) -> Payloads:
    """Plays the demo clip with lists, a line, kept pictures, statistics and Home Assistant's discovery."""
    settings = {
        "camera": _clip(root),
        "passage": {"line": [[0, 0.6], [1, 0.6]]},
        "lists": {"known": ["京N8F2K6", "冀B7H906"], "blocked": ["京N8F2K6"]},
        "evidence": {"keep": "frames"},
        "privacy": {"statistics": True},
        "mqtt": {"home_assistant": {"enabled": True}},
    }
    found: Payloads = {}
    with running(root, folder, settings) as gate:
        gate.finish()
        found |= _numbered(gate, "plate")
        found |= _numbered(gate, "statistics")
        (discovery,) = {m.payload for m in gate.subscriber.messages if m.topic.endswith("/config")}
        found["discovery"] = gate.text(discovery)
        found["topics"] = _topics(gate.subscriber.messages)
        found["retained"] = _retained(gate)
    return found


def requests_without_keys(root: Path, folder: Path) -> Payloads:
    """Asks a gate whose camera shows a frame with a plate and a frame without one, in turns."""
    photos = folder.with_name(f"{folder.name}-photos")
    photos.mkdir()
    (photos / "1.png").write_bytes(as_png(frame_of_clip(PLATE_FRAMES[0])))
    (photos / "2.png").write_bytes(as_png(frame_of_clip(EMPTY_FRAME)))
    settings = {
        "camera": {"type": "photos", "source": str(photos), "loop": True, "hold": 1},
        "api": {"enabled": True, "requests_per_second": 1000},
    }
    found: Payloads = {}
    with running(root, folder, settings) as gate:
        found["GET /healthz"] = gate.wait_for_api("ok")
        found |= {name: gate.call(request) for name, request in unsigned_requests(gate.http)}
        for kind, body in {"": None, " with image": {"WithImage": True}}.items():
            found[f"response/capture{kind}, plate"] = gate.ask("capture", body, lambda a: "Number" in a["Response"])
            found[f"response/capture{kind}, no plate"] = gate.ask("capture", body, _has("FailedOperation.OcrFailed"))
        found["response/capture, WithImage 1"] = gate.ask("capture", {"WithImage": 1}, _has("InvalidParameter"))
        found["response/capture, unknown"] = gate.ask("capture", {"Image": True}, _has("UnknownParameter"))
        found["response/capture, forbidden topic"] = gate.ask_for_forbidden_topic("capture")
        picture = {"ImageBase64": as_base64(frame_of_clip(PLATE_FRAMES[0]))}
        found["response/license-plate-ocr, plate"] = gate.ask("license-plate-ocr", picture)
        found["response/license-plate-ocr, unknown"] = gate.ask("license-plate-ocr", {"X": 1}, _has("UnknownParameter"))
        found |= _reloads(gate)
        found["GET /metrics, names"] = _metric_names(gate.http.get("/metrics").text)
        found["GET /openapi.json, without words"] = without_words(gate.http.get("/openapi.json").json())
        gate.process.send_signal(signal.SIGTERM)
        gate.finish()
    return found


def requests_with_keys(root: Path, folder: Path) -> Payloads:
    """Asks a gate that has no camera, wants signatures, and whose services are switched off."""
    keys = folder.with_name(f"{folder.name}-keys.yaml")
    keys.write_text(yaml.safe_dump(KEYS), encoding="utf-8")
    keys.chmod(0o600)
    settings = {
        "camera": {"type": "usb", "source": "/dev/video-none", "reopen_min_s": 60, "reopen_max_s": 60},
        "api": {"enabled": True, "keys_file": str(keys), "license_plate_ocr": False, "requests_per_second": 1},
        "privacy": {"images": False},
    }
    found: Payloads = {}
    with running(root, folder, settings) as gate:
        found["GET /healthz"] = gate.wait_for_api("failed")
        (folder / "state" / "quota.sqlite3").mkdir()  # so that no quota can be counted
        found |= {name: gate.call(request) for name, request in signed_requests(gate.http)}
        calls = [gate.call(signed_request(gate.http, "AKIDopen")) for _ in range(5)]
        found["RequestLimitExceeded"] = next(call for call in calls if "RequestLimitExceeded" in call)
        found["response/capture, no camera"] = gate.ask("capture", None, _has("FailedOperation.UnKnowError"))
        no_image = gate.ask("capture", {"WithImage": True}, _has("FailedOperation.UnOpenError"))
        found["response/capture with image, images forbidden"] = no_image
        gate.process.send_signal(signal.SIGTERM)
        gate.finish()
        found["health, no camera"] = gate.last_health(lambda health: health["Camera"]["State"] == "failed")
    return found


def recognized(root: Path, folder: Path) -> Payloads:
    """Reads photos with ``edge-lpr recognize --json``."""
    folder.mkdir()
    photos = {
        "plate.png": as_png(frame_of_clip(PLATE_FRAMES[0])),
        "two plates.png": as_png(two_plates()),
        "empty.png": as_png(frame_of_clip(EMPTY_FRAME)),
        "text.jpg": b"no picture",
    }
    for name, content in photos.items():
        (folder / name).write_bytes(content)
    command = [sys.executable, "-m", "edge_lpr.cli", "recognize", "--json", *photos, "absent.jpg"]
    done = subprocess.run(
        command, cwd=folder, env=environ_of(root), capture_output=True, timeout=DEADLINE_S, check=False
    )
    return {
        "recognize --json": with_placeholders(done.stdout, folder=folder, root=root).rstrip("\n"),
        "recognize --json, stderr": with_placeholders(done.stderr, folder=folder, root=root).rstrip("\n"),
        "recognize --json, exit code": str(done.returncode),
    }


RUNS: dict[str, Callable[[Path, Path], Payloads]] = {
    "plain-clip": plain_clip,
    "clip-with-everything": clip_with_everything,
    "requests-without-keys": requests_without_keys,
    "requests-with-keys": requests_with_keys,
    "recognize": recognized,
}


def record(root: Path, folder: Path) -> dict[str, str]:
    """Runs everything, two at a time; returns the text of each golden file by its name."""
    with ThreadPoolExecutor(2) as pool:
        futures = {name: pool.submit(run, root, folder / name) for name, run in RUNS.items()}
        return {name: as_text(future.result()) for name, future in futures.items()}


def as_text(payloads: Payloads) -> str:
    """Returns one golden file: each payload below its heading."""
    return "".join(f"=== {name}\n{text}\n" for name, text in payloads.items())


def _reloads(gate: Gate) -> Payloads:
    """Changes the settings file and asks for a reload, with right and with wrong settings."""
    path = gate.folder / "config.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: Payloads = {"response/reload, forbidden topic": gate.ask_for_forbidden_topic("reload")}
    changed = {
        **settings, "passage": {"repeat_after_s": 61, "sure_frames": 4}, "reader": {"threads": 1, "min_confidence": 81},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
    found["response/reload, changed"] = gate.ask("reload", None, lambda a: bool(a["Response"].get("Applied")))
    wrong = {**settings, "reader": {"min_confidence": 200}, "passages": {}}
    path.write_text(yaml.safe_dump(wrong, allow_unicode=True), encoding="utf-8")
    found["response/reload, wrong values"] = gate.ask("reload", None, _has("InvalidParameter"))
    path.write_text("reader: [", encoding="utf-8")
    found["response/reload, no YAML"] = gate.ask("reload", None, lambda a: "YAML" in str(a["Response"].get("Error")))
    return found


def _has(code: str) -> Callable[[Any], bool]:
    """Returns a check of whether an answer has this ``Error.Code``."""
    return lambda answer: answer["Response"].get("Error", {}).get("Code") == code


def _numbered(gate: Gate, kind: str) -> Payloads:
    messages = gate.subscriber.on(f"{BASE}/{kind}")
    return {f"{kind}, {i}": gate.text(message.payload) for i, message in enumerate(messages, 1)}


def _topics(messages: list[Received]) -> str:
    """Returns one line for each topic that the gate publishes to, with its options."""
    lines = {
        f"{m.topic} qos={m.qos} content-type={m.properties.get('ContentType')}"
        for m in messages
        if "/request/" not in m.topic
    }
    return "\n".join(sorted(lines))


def _retained(gate: Gate) -> str:
    """Returns the topics whose last message the broker keeps for later subscribers."""
    port = gate.subscriber.client.port
    later = Subscriber(port)
    try:
        # Retained messages come before anything that is published after the subscription.
        later.client.publish("end", b"")
        messages = later.wait(lambda all_: any(m.topic == "end" for m in all_), DEADLINE_S)
    finally:
        later.close()
    return "\n".join(sorted(m.topic for m in messages if m.retain))


def _metric_names(exposition: str) -> str:
    """Returns the names, types and labels of all series, without values and without the words for people."""
    lines = [line for line in exposition.splitlines() if not line.startswith("# HELP")]
    return "\n".join(sorted({re.sub(r"^(?!#)(.*) \S+$", r"\1", line) for line in lines}))


def without_words(document: Any) -> str:
    """Returns a JSON document as text with references resolved, and without its words for people and its version.

    Two documents with the same text mean the same to a program, however their schemas are divided.
    """

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return resolved({**target, **{name: value for name, value in node.items() if name != "$ref"}})
        return {name: resolved(value) for name, value in node.items() if name not in _WORDS}

    components = {name: part for name, part in document["components"].items() if name != "schemas"}
    return json.dumps(
        resolved({**document, "components": components}), ensure_ascii=False, indent=1, sort_keys=True
    )  # fmt: skip


def _clip(root: Path) -> dict[str, str]:
    return {"type": "video", "source": str(root / "models" / "demo" / "demo.mp4")}


def main() -> None:
    """Records the golden files."""
    parser = argparse.ArgumentParser(description="Record the files in tests/messages/golden again.")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout whose program runs; this one by default")
    root = parser.parse_args().root.resolve()
    with tempfile.TemporaryDirectory(prefix="edge-lpr-golden-") as folder:
        for name, text in record(root, Path(folder)).items():
            (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
