"""The unit file: accepted by systemd, and with what the service leans on."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

from tests.support.needs import absent


def verify(unit: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        absent("systemd-analyze (apt install systemd)")
    return subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)


def test_systemd_accepts_the_unit(repo_root: Path, tmp_path: Path) -> None:
    text = (repo_root / "systemd" / "edge-lpr.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/edge-lpr/venv/bin/edge-lpr run " in text
    # systemd looks whether the program exists; here it is not installed where the README puts it
    standin = tmp_path / "edge-lpr.service"
    standin.write_text(text.replace("ExecStart=/opt/edge-lpr/venv/bin/edge-lpr", "ExecStart=/bin/true"))
    result = verify(standin)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_unit_leaves_the_camera_reachable_and_watches_the_loop(repo_root: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(repo_root / "systemd" / "edge-lpr.service")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) > 0
    assert service["User"] == "edge-lpr"
    assert service["Restart"] == "on-failure"
    assert service["KillMode"] == "mixed"  # a signal for all would end the server behind the gate's back
    assert "PrivateDevices" not in service
    assert "ProtectClock" not in service
    text = (repo_root / "systemd" / "edge-lpr.service").read_text(encoding="utf-8")
    for device in ("char-video4linux", "char-media", "char-dma_heap", "/dev/vchiq"):
        assert f"DeviceAllow={device} rw" in text
    assert "SystemCallFilter=adjtimex clock_adjtime" in text  # for Event.ClockSynchronized; not in @system-service


def test_the_exposure_of_the_unit_is_low(repo_root: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        absent("systemd-analyze (apt install systemd)")
    command = [program, "security", "--offline=true", str(repo_root / "systemd" / "edge-lpr.service")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    score = re.search(r"Overall exposure level for edge-lpr.service: ([0-9.]+)", result.stdout)
    assert score is not None, result.stderr
    assert float(score[1]) <= 1.8, result.stdout


def test_the_user_belongs_to_the_cameras_group(repo_root: Path) -> None:
    lines = (repo_root / "systemd" / "edge-lpr.sysusers").read_text(encoding="utf-8").splitlines()
    assert 'u edge-lpr - "edge-lpr number-plate reader" /var/lib/edge-lpr' in lines
    assert "m edge-lpr video" in lines
