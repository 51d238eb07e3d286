"""The power cut test with a killed process instead of a machine: the same code, in seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from tests.benchmarks.disk_writes import PASSAGE
from tests.support.needs import absent
from tests.system import checks, power
from tests.system.host import PATH, SystemTestError
from tests.system.machine import Machine


class Process:
    """A process with the interface of the machine. Its disk is created from the state folder at each cut."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.disk = folder / "disk"
        self.switched_on_s = 0.0
        self._port = port
        self._state = folder / "root/var/lib/edge-lpr"
        self._state.mkdir(parents=True)
        self._ledger = folder / "ledger"
        self._ledger.touch()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def service_log(self) -> Path:
        log = self.folder / "service.log"
        numbers = [line.split()[0] for line in self._ledger.read_text(encoding="ascii").splitlines()]
        log.write_text("".join(f"INFO passage {n}: {PASSAGE.number} x\n" for n in numbers), encoding="utf-8")
        return log

    def boot(self) -> float:
        self.switched_on_s = time.monotonic()
        producer: list[str | Path] = [sys.executable, "-m", "tests.faults.producer"]
        command = [*producer, self._state, str(self._port), self._ledger]
        self._process = subprocess.Popen(command)
        return 0.0

    def cut_power(self) -> tuple[int, int]:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.disk.unlink(missing_ok=True)
        command: list[str | Path] = ["mke2fs", "-q", "-t", "ext4", "-d", self.folder / "root", self.disk, "16M"]
        subprocess.run(command, check=True, env={**os.environ, "PATH": PATH})
        return 0, 0

    def stop_in_a_write(self, blocks: int) -> bool:
        return blocks > 0

    def run(self, command: str) -> tuple[int, str]:
        return int("grep" in command), ""

    def run_checked(self, command: str) -> str:
        if "systemctl start" in command and (self._process is None or self._process.poll() is not None):
            self.boot()
        return ""

    def delete_outbox(self) -> None:
        shutil.rmtree(self._state)
        self._state.mkdir()


@pytest.fixture
def cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if shutil.which("mke2fs", path=PATH) is None:
        absent("e2fsprogs (apt install e2fsprogs)")
    monkeypatch.setattr(checks, "TOPIC", "edge-lpr/gate-1/plate")
    monkeypatch.setattr(power, "UNDER_LOAD_S", 0.2)
    broker = power.OuterBroker(tmp_path)
    broker.start()
    process = Process(tmp_path / "machine", broker.port)
    yield power.PowerCuts(cast(Machine, process), broker, seed=1), process
    process.cut_power()
    broker.stop()


def test_without_losses_the_test_passes(mosquitto_program: str, cuts: Any) -> None:
    reports: list[str] = []
    outcome = cuts[0].run(2, reports.append)
    assert len(reports) == 2 and "broker silent" in reports[1]
    assert "2 cuts:" in outcome and ", 0 lost, 0 gaps, 0 assigned twice" in outcome


def test_a_lost_outbox_is_detected(mosquitto_program: str, cuts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    power_cuts, process = cuts
    kill = process.cut_power

    def cut_power() -> tuple[int, int]:
        process._process.kill()
        process._process.wait()
        process.delete_outbox()
        return cast("tuple[int, int]", kill())

    monkeypatch.setattr(process, "cut_power", cut_power)
    with pytest.raises(SystemTestError, match=r"outbox\.db is missing"):
        power_cuts.run(1, lambda _text: None)
