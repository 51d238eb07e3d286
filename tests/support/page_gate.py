"""A whole service with the page, a scripted camera, and a settings file with comments."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.faults.scripted_camera import ScriptedCamera
from tests.support.mqtt import free_port

TOKEN = "a-token-for-the-tests"
START_S = 60.0
ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """\
# The gate behind the supermarket.
device:
  id: gate-7  # as painted on the mast
  state_dir: state

camera:
  type: stream
  source: {source}
mqtt: {{port: {broker}}}

# The area that vehicles drive through.
passage:
  repeat_after_s: 1       # seconds; the same vehicle returns soon here
  lane: []                # not drawn yet
  # A sign with a number is beside the line:
  line: []

evidence:
  keep: frames  # the insurance needs them

api: {{port: {port}}}
page:
  enabled: true
  token: {token}   # change me
  {page}
log: {{level: warning}}
"""


@dataclass(frozen=True)
class PageGate:
    """A running gate. ``url`` is the address of its page."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    camera: ScriptedCamera

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/page/"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def settings(self) -> str:
        return self.config.read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            if self.process.poll() is not None:
                raise RuntimeError(self.log)
            try:
                with logged_in(self) as client:
                    health = client.get("status").json()["Health"]
                    if health is not None and health["Camera"]["FramesCaptured"]:
                        return
            except httpx.TransportError:
                pass  # not started yet
            time.sleep(0.2)
        raise TimeoutError(self.log)


@contextmanager
def page_gate(folder: Path, broker: int | None = None, brightness: float = 1.0, page: str = "") -> Iterator[PageGate]:
    """Runs ``edge-lpr run`` with the page. The camera shows an empty lane until the test plays something else.

    ``brightness`` is a factor of the pixel values. ``page`` is a line of YAML for the section ``page``.
    """
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with ScriptedCamera(free_port(), brightness=brightness) as camera:
        text = SETTINGS.format(source=camera.url, broker=broker or free_port(), port=port, token=TOKEN, page=page)
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(folder / "config.yaml")]
        with (folder / "log").open("wb") as log:
            # The rate limit counts addresses by a salted hash. With this salt no address that a test logs in from
            # shares a count with 127.0.0.2 and 127.0.0.3, which exceed the limit in other tests.
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "1"}
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        gate = PageGate(port, folder, process, camera)
        try:
            gate.wait_until_ready()
            yield gate
        finally:
            process.terminate()
            process.wait(30)


_ADDRESSES = (f"127.0.1.{last}" for last in range(1, 255))


@contextmanager
def logged_in(gate: PageGate) -> Iterator[httpx.Client]:
    """A client with the cookie, the CSRF token and the origin that the script of the page has.

    Each client has its own source address, so tests do not share a rate limit.
    """
    transport = httpx.HTTPTransport(local_address=next(_ADDRESSES))
    headers = {"Origin": gate.origin}
    with httpx.Client(base_url=gate.url, headers=headers, transport=transport, timeout=30) as client:
        answer = client.post("login", json={"Token": TOKEN})
        assert answer.status_code == 204, answer.text
        html = client.get("").text
        client.headers["X-CSRF-Token"] = html.partition('name="csrf" content="')[2].partition('"')[0]
        yield client
