"""``edge-lpr check`` finds faults before the service starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from tests.faults.scripted_camera import ScriptedCamera, Show
from tests.support.mqtt import Mosquitto, free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.full((360, 640, 3), 120, np.uint8))
    return folder


def check(tmp_path: Path, **sections: dict[str, object]) -> tuple[int, dict[str, list[str]]]:
    """Runs the command. Returns the exit code, and for each checked subject its state and the lines about it."""
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"device": {"state_dir": "state"}, **sections}))
    result = subprocess.run(
        [sys.executable, "-m", "edge_lpr.cli", "check", "-c", str(config)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert result.stderr == ""
    findings: dict[str, list[str]] = {}
    subject = ""
    for line in result.stdout.splitlines()[:-1]:
        if line.startswith(" "):
            findings[subject].append(line.strip())
        else:
            state, subject, text = line.split(None, 2)
            findings[subject] = [state, text]
    return result.returncode, findings


def test_a_working_gate_has_no_faults(tmp_path: Path, photos: Path, mosquitto: Mosquitto, models_dir: Path) -> None:
    code, findings = check(tmp_path, camera={"type": "photos", "source": str(photos)}, mqtt={"port": mosquitto.port})
    assert code == 0
    assert list(findings) == ["settings", "models", "camera", "broker", "api", "page", "lane", "board", "clock", "disk"]
    assert {name: finding[0] for name, finding in findings.items() if name not in ("clock", "board")} == dict.fromkeys(
        ("settings", "models", "camera", "broker", "api", "page", "lane", "disk"), "ok"
    )
    assert "gives pictures of 640 x 360" in findings["camera"][1]


def test_every_fault_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    port = free_port()
    code, findings = check(
        tmp_path,
        camera={"type": "usb", "source": "/dev/video-none"},
        reader={"models_dir": "no-models"},
        mqtt={"port": port},
        api={"enabled": True, "keys_file": "no-keys"},
        page={"enabled": True, "token_file": "no-token"},
    )
    assert code == 1
    failed = [name for name, finding in findings.items() if finding[0] == "failed"]
    assert failed == ["models", "camera", "broker", "api", "page", "disk"]
    assert "no such file" in findings["api"][1]
    assert "no such model file" in findings["models"][1]
    assert f"127.0.0.1:{port} cannot be reached: connection refused" in findings["broker"][1]
    for name in ("models", "camera", "broker", "page", "disk"):
        assert findings[name][2].startswith("-> "), f"no remedy for {name}"


def test_a_covered_lens_is_a_warning(tmp_path: Path, photos: Path) -> None:
    cv2.imwrite(str(photos / "a.png"), np.full((360, 640, 3), 3, np.uint8))
    _, findings = check(tmp_path, camera={"type": "photos", "source": str(photos)}, mqtt={"port": free_port()})
    assert findings["camera"][0] == "warning"
    assert "lens cap" in findings["camera"][2]


def test_a_broker_that_refuses_the_connection_is_a_fault(
    tmp_path: Path, photos: Path, start_mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = start_mosquitto("allow_anonymous false")
    _, findings = check(tmp_path, camera={"type": "photos", "source": str(photos)}, mqtt={"port": broker.port})
    assert findings["broker"][0] == "failed"
    assert "refuses us: Not authorized" in findings["broker"][1]
    assert "mqtt.username" in findings["broker"][2]


def test_the_files_of_the_api_are_checked(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    code, findings = check(
        tmp_path,
        camera={"type": "photos", "source": str(photos)},
        mqtt={"port": free_port()},
        api={"enabled": True, "download_ca_file": "ca.pem"},
    )
    assert code == 1
    assert findings["api"][0] == "failed"
    assert "api.download_ca_file: cannot use" in findings["api"][1]
    assert findings["api"][2].startswith("-> give the authority's certificate")


def test_models_in_use_instead_of_the_chosen_ones_are_a_warning(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "state" / "models").mkdir(parents=True)
    (tmp_path / "state" / "models" / "active.json").write_text('{"active": "0123456789ab", "previous": "shipped"}')
    _, findings = check(tmp_path, camera={"type": "photos", "source": str(photos)}, mqtt={"port": free_port()})
    assert findings["models"][0] == "warning"
    assert findings["models"][1].startswith("shipped: detector ")
    assert "instead of the one chosen; pair 0123456789ab: " in findings["models"][1]
    assert "edge-lpr models rollback" in findings["models"][2]


@pytest.mark.parametrize(
    ("show", "state", "words"),
    [("freeze", "failed", "the same picture again"), ("noise", "failed", "noise"), ("late", "warning", "too few")],
)
def test_the_pictures_of_a_live_camera_are_checked(tmp_path: Path, show: Show, state: str, words: str) -> None:
    with ScriptedCamera(free_port()) as camera:
        camera.play(show)
        stream: dict[str, object] = {"type": "stream", "source": camera.url}
        _, findings = check(tmp_path, camera=stream, mqtt={"port": free_port()})
    assert findings["camera"][0] == state
    assert words in " ".join(findings["camera"])
    assert findings["camera"][2].startswith("-> ")
