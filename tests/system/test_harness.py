"""The parts of the system test that need no virtual machine."""

from __future__ import annotations

import os
import random
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from edge_lpr.config import OutboxSettings
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.passage_row import StoredPassage
from tests.support.needs import absent
from tests.system.card import BLOCK, Card
from tests.system.disk_state import inspect_disk
from tests.system.host import PATH, SystemTestError
from tests.system.install_steps import install_steps
from tests.system.ledger import Ledger


def test_the_install_steps_are_those_of_the_document(repo_root: Path) -> None:
    packages, user, check, start = install_steps(repo_root)
    assert "sudo /opt/edge-lpr/venv/bin/pip install --no-deps --no-build-isolation /opt/edge-lpr" in packages
    assert "sudo apt-get install git python3-venv" in packages
    assert not any("clone" in command or "bookworm" in command for command in packages)
    assert "sudo systemctl daemon-reload" in user
    assert check == ["sudo -u edge-lpr /opt/edge-lpr/venv/bin/edge-lpr check -c /etc/edge-lpr/config.yaml"]
    assert start[0] == "sudo systemctl enable --now edge-lpr"


def message(sequence: int, request_id: str, number: str = "京N8F2K6") -> dict[str, dict[str, object]]:
    return {"Response": {"RequestId": request_id, "Number": number}, "Event": {"Sequence": sequence}}


def test_the_ledger_finds_lost_missing_and_duplicate_numbers() -> None:
    ledger = Ledger()
    ledger.record_log(["INFO passage 1: 京N8F2K6 蓝, confidence 99", "passage 5: 粤BD30517 绿, confidence 99"])
    for sequence, request_id in ((1, "a"), (1, "a"), (3, "b"), (3, "c")):
        ledger.record_message(message(sequence, request_id))
    assert (ledger.lost(), ledger.gaps(), ledger.assigned_twice, ledger.doubled) == ([5], [2, 4, 5], [3], 1)
    assert (ledger.lost({5}), ledger.gaps({2, 4, 5})) == ([], [])


def test_a_repeated_passage_is_no_fault() -> None:
    ledger = Ledger()
    ledger.record_log(["passage 1: 京N8F2K6 蓝, confidence 99"])
    for _ in range(2):
        ledger.record_message(message(1, "a"))
    assert not ledger.lost() and not ledger.gaps() and not ledger.assigned_twice and ledger.doubled == 1


def test_a_number_on_the_disk_with_another_id_was_assigned_twice() -> None:
    ledger = Ledger()
    ledger.record_message(message(1, "a"))
    ledger.record_waiting({1: "b"})
    assert ledger.assigned_twice == [1]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A small file system with the outbox of a killed service, in which two passages wait."""
    if not all(shutil.which(program, path=PATH) for program in ("mke2fs", "e2fsck", "debugfs")):
        absent("e2fsprogs (apt install e2fsprogs)")
    state = tmp_path / "root/var/lib/edge-lpr"
    outbox = Outbox(tmp_path, OutboxSettings())
    outbox.open()
    for _ in range(2):
        outbox.add(lambda number: StoredPassage(number, f"id-{number}", "{}"))
    shutil.copytree(tmp_path, state, ignore=shutil.ignore_patterns("root"))
    outbox.close()
    command: list[str | Path] = ["mke2fs", "-q", "-t", "ext4", "-d", tmp_path / "root", tmp_path / "disk", "8M"]
    subprocess.run(command, check=True, env={**os.environ, "PATH": PATH})
    return tmp_path / "disk"


def test_the_outbox_is_read_without_changing_the_disk(disk: Path, tmp_path: Path) -> None:
    before = disk.read_bytes()
    left = inspect_disk(disk, tmp_path / "disk_state")
    assert left.waiting == {1: "id-1", 2: "id-2"}
    assert left.file_system == "journal empty, clean"
    assert disk.read_bytes() == before


def test_a_damaged_disk_is_reported(disk: Path, tmp_path: Path) -> None:
    with disk.open("r+b") as image:
        image.seek(4096)
        image.write(b"\xff" * 64 * 1024)
    with pytest.raises(SystemTestError, match="file system is"):
        inspect_disk(disk, tmp_path / "disk_state")


def test_a_card_loses_only_unflushed_blocks(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"old" + bytes(256 * BLOCK))
    card = Card(image, tmp_path / "card", random.Random(1))
    card.insert()
    with socket.socket(socket.AF_UNIX) as machine:
        machine.connect(str(card.path))
        assert machine.recv(18, socket.MSG_WAITALL)[:8] == b"NBDMAGIC"
        machine.sendall(struct.pack(">I8sII", 1, b"IHAVEOPT", 7, 0))
        machine.recv(20 + 12 + 20, socket.MSG_WAITALL)

        def ask(kind: int, offset: int = 0, data: bytes = b"", length: int = 0) -> bytes:
            machine.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, 7, offset, len(data) or length) + data)
            assert machine.recv(16, socket.MSG_WAITALL) == struct.pack(">IIQ", 0x67446698, 0, 7)
            return machine.recv(length, socket.MSG_WAITALL) if length else b""

        ask(1, 0, b"new")
        ask(3)
        ask(1, BLOCK, b"x" * 200 * BLOCK)
        assert ask(0, 0, length=3) == b"new"
        assert card.stop_in_a_write(1, 0.0) is False
        machine.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 7, 0, 3) + b"old")
        assert card.stop_in_a_write(1, 10.0)
    unflushed, lost = card.cut()
    assert unflushed == 201 and 50 < lost < 150
    kept = image.read_bytes()
    assert kept[:3] in (b"new", b"old")
    assert sum(kept[n * BLOCK : (n + 1) * BLOCK] == b"x" * BLOCK for n in range(257)) == 201 - lost - (
        kept[:3] == b"old"
    )
