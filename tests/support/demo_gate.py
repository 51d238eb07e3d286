"""The whole service in its own process, with the demo clip as camera, for measurements from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from edge_lpr.config import ReaderSettings
from edge_lpr.resources import demo_clip
from edge_lpr.vision.reader import PlateReader
from tests.support import photos
from tests.support.mqtt import free_port
from tests.support.unit_environment import unit_environment

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


class Gate:
    """A running service; ``log`` is its output."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def metric(self, name: str) -> float:
        """Returns the value of a metric without labels."""
        text = httpx.get(f"{self.url}/metrics", timeout=30).text
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return next(sample.value for sample in samples if sample.name == name)

    def wait_until_ready(self, frames: int) -> None:
        """Waits until the service has read ``frames`` frames and accepts requests."""
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            if self.process.poll() is not None:
                raise RuntimeError(self.log)
            try:
                if self.metric("edge_lpr_frames_captured_total") >= frames:
                    return
            except (httpx.TransportError, StopIteration):
                pass  # not yet
            time.sleep(0.2)
        raise TimeoutError(self.log)


@contextmanager
def running_gate(
    *, camera: bool = True, broker: int | None = None, keys: Mapping[str, str] | None = None, **api: object
) -> Iterator[Gate]:
    """Runs ``edge-lpr run`` with the demo clip in a loop, at the speed of the reader.

    ``broker`` is the port of the broker, if any. Without ``camera`` the service waits for a missing camera and serves
    the API. ``keys`` maps SecretIds to SecretKeys.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = {"type": "video", "source": str(demo_clip()), "loop": True}
        if keys:
            (folder / "keys.yaml").write_text(yaml.safe_dump(dict(keys)))
            (folder / "keys.yaml").chmod(0o600)
            api = {"keys_file": "keys.yaml", **api}
        settings = {
            "device": {"state_dir": str(folder / "state")},
            "camera": clip if camera else {"type": "usb", "source": str(folder / "no-camera")},
            "mqtt": {"port": broker or free_port()},
            "api": {"enabled": True, "port": port, "requests_per_second": 10_000, **api},
            "log": {"level": "warning"},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(folder / "config.yaml")]
        with (folder / "log").open("wb") as log:
            environment = {**os.environ, **unit_environment(), "PYTHONPATH": str(ROOT)}
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        gate = Gate(process, port, folder / "log")
        try:
            gate.wait_until_ready(frames=20 if camera else 0)
            yield gate
        finally:
            process.terminate()
            process.wait(30)


def plate_photo() -> bytes:
    """Returns a JPEG with a plate that the reader reads."""
    return photos.with_plate(PlateReader.open(ReaderSettings()))
