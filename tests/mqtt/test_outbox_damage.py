"""Damage to the outbox's files: other passages are sent, no number is used twice, nothing that is gone can be read."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.config import OutboxSettings
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.passage_row import StoredPassage

DEADLINE_S = 20.0
COUNT = 20
HARMED = 5


def compose(sequence: int) -> StoredPassage:
    message = {"Response": {"Number": f"京A{sequence:05}"}, "Event": {"Sequence": sequence, "Filler": "x" * 300}}
    return StoredPassage(sequence, f"id-{sequence}", json.dumps(message, ensure_ascii=False))


def outbox_of(folder: Path, **options: Any) -> Outbox:
    return Outbox(folder, OutboxSettings(), **options)


def fill(folder: Path, count: int = COUNT, *, acknowledged: bool = False) -> None:
    """Leaves an outbox with ``count`` passages in ``folder``."""
    outbox = outbox_of(folder)
    outbox.open()
    for _ in range(count):
        sequence = outbox.add(compose).sequence
        if acknowledged:
            outbox.acknowledge([sequence])
    outbox.close()


def change_row(assignment: str, *values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "outbox.db")) as database:
            database.execute(f"UPDATE passage SET {assignment} WHERE sequence = {HARMED}", values)
            database.commit()

    return change


def change_bytes(old: bytes, new: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "outbox.db"
        content = path.read_bytes()
        assert content.count(old) == 1 and len(old) == len(new)
        path.write_bytes(content.replace(old, new))

    return change


ROW_DAMAGE = {
    "a bit of a character": change_bytes("京A00005".encode(), b"\xa4" + "京A00005".encode()[1:]),
    "another number, in valid JSON": change_bytes("京A00005".encode(), "京A00008".encode()),
    "a bracket": change_bytes(b'{"Number": "\xe4\xba\xacA00005"}', b'{"Number": "\xe4\xba\xacA00005" '),
    "no JSON": change_row("message = ?", "no JSON"),
    "other JSON": change_row("message = ?", "[1, 2]"),
    "an empty message": change_row("message = ?", ""),
    "a huge message": change_row("message = ?", "x" * 2_000_000),
    "a blob": change_row("message = ?", b"\x00\xff"),
    "a number for a text": change_row("request_id = ?", 7),
    "a text for a number": change_row("stored_at = ?", "yesterday"),
    "a negative number": change_row("sequence = ?", -HARMED),
}


@pytest.mark.parametrize("harm", ROW_DAMAGE.values(), ids=ROW_DAMAGE.keys())
def test_a_damaged_row_is_set_aside_and_all_others_are_sent(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path)
    harm(tmp_path)
    outbox = outbox_of(tmp_path)
    outbox.open()
    assert outbox.wait_until_durable(DEADLINE_S)
    assert [each.sequence for each in outbox.pending()] == [n for n in range(1, COUNT + 1) if n != HARMED]
    assert outbox.add(compose).sequence == COUNT + 1
    status = outbox.status
    outbox.close()
    assert (status.damaged, status.durable, status.waiting) == (1, True, COUNT)
    (line,) = (tmp_path / "outbox.damaged.jsonl").read_text().splitlines()
    assert json.loads(line)["Reason"]
    assert stat.S_IMODE((tmp_path / "outbox.damaged.jsonl").stat().st_mode) == 0o600
    assert "damaged passages are not sent" in caplog.text


@pytest.mark.parametrize("page", range(1, 12))
def test_a_damaged_page_costs_no_number_and_not_the_other_pages(tmp_path: Path, page: int) -> None:
    fill(tmp_path)
    path = tmp_path / "outbox.db"
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18])
    content[page * size : (page + 1) * size] = os.urandom(size)
    path.write_bytes(content)
    outbox = outbox_of(tmp_path)
    outbox.open()
    sent = [each.sequence for each in outbox.pending()]
    assert outbox.add(compose).sequence > COUNT
    outbox.close()
    assert sent == sorted(set(sent)) and set(sent) <= set(range(1, COUNT + 1))
    if page < len(content) // size - 1:
        assert outbox.status.damaged or outbox.status.moved_aside is not None or len(sent) == COUNT


def nothing(_folder: Path) -> None:
    """Leaves all files as they are."""


def gone(*names: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink(missing_ok=True)

    return remove


def written(name: str, content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def zeroed(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(bytes((folder / name).stat().st_size))

    return write


FILE_DAMAGE = {
    "nothing": nothing,
    "database gone": gone("outbox.db"),
    "database and log gone": gone("outbox.db", "outbox.db-wal"),
    "database empty": written("outbox.db", b""),
    "log empty": written("outbox.db-wal", b""),
    "log gone": gone("outbox.db-wal"),
    "database of zeros": zeroed("outbox.db"),
    "log of zeros": zeroed("outbox.db-wal"),
    "mark gone": gone("outbox.high-water"),
    "mark empty": written("outbox.high-water", b""),
    "mark is no number": written("outbox.high-water", b"\xff\x00"),
}


@pytest.mark.parametrize("count", [60, 2500])
@pytest.mark.parametrize("harm", FILE_DAMAGE.values(), ids=FILE_DAMAGE.keys())
def test_no_number_is_used_twice(tmp_path: Path, harm: Callable[[Path], None], count: int) -> None:
    running, copy = tmp_path / "running", tmp_path / "copy"
    outbox = outbox_of(running)
    outbox.open()
    for _ in range(count):
        outbox.acknowledge([outbox.add(compose).sequence])
    shutil.copytree(running, copy)  # as a power cut leaves it
    outbox.close()
    harm(copy)
    after = outbox_of(copy)
    after.open()
    assert after.wait_until_durable(DEADLINE_S)
    assert after.add(compose).sequence > count
    after.close()


def test_an_old_copy_of_the_database_uses_no_number_twice(tmp_path: Path) -> None:
    fill(tmp_path / "state", 10)
    shutil.copy(tmp_path / "state" / "outbox.db", tmp_path / "old.db")
    fill(tmp_path / "state", 1500)
    shutil.copy(tmp_path / "old.db", tmp_path / "state" / "outbox.db")
    outbox = outbox_of(tmp_path / "state")
    outbox.open()
    assert outbox.add(compose).sequence > 1510
    outbox.close()


def test_no_file_keeps_a_copy_of_an_acknowledged_passage(tmp_path: Path) -> None:
    outbox = outbox_of(tmp_path, clean_every_s=0.0)
    outbox.open()
    for _ in range(COUNT):
        outbox.add(compose)
    outbox.acknowledge(range(1, COUNT))
    outbox.delete_acknowledged()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    outbox.close()
    readable = [n for n in range(1, COUNT + 1) if f"京A{n:05}".encode() in content]
    assert readable == [COUNT]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_services_user_may_read_the_files(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = tmp_path / "made" / "state"
        outbox = outbox_of(folder)
        outbox.open()
        outbox.add(compose)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        outbox.close()
    finally:
        os.umask(before)
    assert {"outbox.db", "outbox.db-wal", "outbox.high-water"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_wider_permissions_of_an_older_version_are_removed(tmp_path: Path) -> None:
    fill(tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    fill(tmp_path, 1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
