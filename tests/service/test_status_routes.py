"""``/healthz`` and ``/metrics`` report the state of the gate."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_lpr.cameras import CameraState, CameraStatus
from edge_lpr.mqtt.connection import ConnectionStatus
from edge_lpr.mqtt.outbox import OutboxStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts
from tests.support.api import create_app_client
from tests.support.clocks import clock


def gate_state(at_s: float, camera: CameraState = "running") -> GateState:
    outbox = OutboxStatus(2, 1800, 1, 0, 17, True, None, None)
    return GateState(
        at_s,
        CameraStatus("USB camera", camera, None, 100, 3, 1, 0.04),
        PublisherStatus(ConnectionStatus("connected", None, connects=2), outbox, None),
        Throughput(12.5, 40.0, 61.0),
        TrackerCounts(5, 1, 2, 0),
        ReadingStatus(),
    )


def test_healthz_reports_camera_broker_and_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_lpr.service.status_routes.time", clock(lambda: 1000.0))
    assert create_app_client(tmp_path, "192.0.2.7").get("/healthz").json() == {"Status": "starting"}
    answer = create_app_client(tmp_path, "192.0.2.7", gate_state(999.0)).get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "Status": "ok",
        "Camera": "running",
        "CameraFault": None,
        "Broker": "connected",
        "Waiting": 2,
    }
    assert create_app_client(tmp_path, gate=gate_state(900.0)).get("/healthz").status_code == 503
    assert create_app_client(tmp_path, gate=gate_state(999.0, "failed")).get("/healthz").status_code == 503


def test_metrics_report_api_requests_and_the_gate(tmp_path: Path) -> None:
    client = create_app_client(tmp_path, gate=gate_state(0.0))
    client.get("/")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert samples["edge_lpr_api_requests_total", "MissingParameter", "http"] == 1
    assert samples["edge_lpr_api_request_seconds_count", "http"] == 1
    expected = {"frames_captured_total": 100, "frames_dropped_total": 3, "outbox_waiting": 2, "latency_seconds": 0.061}
    for name, value in {**expected, "passages_published_total": 5, "broker_connected": 1}.items():
        assert samples[(f"edge_lpr_{name}",)] == value
    assert "edge_lpr_frames" not in create_app_client(tmp_path).get("/metrics").text
