"""``edge-lpr run`` with the API: it answers requests while frames are read, and ends with the service."""

from __future__ import annotations

import base64
import signal
import threading

import httpx
import pytest

from tests.support.demo_gate import Gate, plate_photo, running_gate

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}


@pytest.mark.usefixtures("models_dir")
def test_requests_are_answered_while_frames_are_read_until_sigterm() -> None:
    body = {"ImageBase64": base64.b64encode(plate_photo()).decode()}
    with running_gate() as gate:
        assert httpx.get(f"{gate.url}/healthz").json()["Status"] == "ok"
        frames = gate.metric("edge_lpr_frames_captured_total")
        answer = httpx.post(gate.url, headers=HEADERS, json=body, timeout=30).json()["Response"]
        assert answer["Number"]
        while gate.metric("edge_lpr_frames_captured_total") == frames:  # the server learns it twice a second
            assert gate.process.poll() is None
        client = threading.Thread(target=_send_requests_until_the_gate_stops, args=(gate, body))
        client.start()
        gate.process.send_signal(signal.SIGTERM)
        assert gate.process.wait(5) == 0  # a required limit, not a measured time
        client.join(30)
        assert "Traceback" not in gate.log


def _send_requests_until_the_gate_stops(gate: Gate, body: dict[str, str]) -> None:
    while gate.process.poll() is None:
        try:
            httpx.post(gate.url, headers=HEADERS, json=body, timeout=5)
        except httpx.TransportError:
            return
