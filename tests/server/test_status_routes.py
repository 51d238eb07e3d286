"""``/healthz`` and ``/metrics`` report the state of the gate."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_lpr.link.messages import GateUpdate
from tests.support import samples
from tests.support.api import create_app_client
from tests.support.clocks import clock


def gate_update(at_s: float, *, is_blind: bool = False) -> GateUpdate:
    health = samples.HEALTH
    outbox = health.outbox.model_copy(update={"waiting": 2})
    passages = health.passages.model_copy(update={"published": 5})
    return GateUpdate(health.model_copy(update={"outbox": outbox, "passages": passages}), at_s, is_blind)


def test_healthz_reports_camera_broker_and_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_lpr.server.status_routes.time", clock(lambda: 1000.0))
    assert create_app_client(tmp_path, "192.0.2.7").get("/healthz").json() == {"Status": "starting"}
    answer = create_app_client(tmp_path, "192.0.2.7", gate_update(999.0)).get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "Status": "ok",
        "Camera": "running",
        "CameraFault": None,
        "Broker": "connected",
        "Waiting": 2,
    }
    assert create_app_client(tmp_path, gate=gate_update(900.0)).get("/healthz").status_code == 503
    assert create_app_client(tmp_path, gate=gate_update(999.0, is_blind=True)).get("/healthz").status_code == 503


def test_metrics_report_api_requests_and_the_gate(tmp_path: Path) -> None:
    client = create_app_client(tmp_path, gate=gate_update(0.0))
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
