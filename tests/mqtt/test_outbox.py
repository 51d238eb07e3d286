"""The outbox keeps passages and sequence numbers through restarts, damaged files and disk faults."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_lpr.config import OutboxSettings
from edge_lpr.errors import ConfigError
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.passage_row import StoredPassage

DEADLINE_S = 20.0


def compose(sequence: int) -> StoredPassage:
    return StoredPassage(sequence, f"id-{sequence}", json.dumps({"Event": {"Sequence": sequence}, "Filler": "x" * 400}))


@contextmanager
def opened(
    folder: Path,
    settings: OutboxSettings | None = None,
    disk_retry_s: float = 0.0,
    clock: Callable[[], int | None] = lambda: None,
) -> Iterator[Outbox]:
    outbox = Outbox(folder, settings or OutboxSettings(), disk_retry_s=disk_retry_s, clock=clock)
    outbox.open()
    try:
        yield outbox
    finally:
        outbox.close()


def sequences(outbox: Outbox) -> list[int]:
    return [passage.sequence for passage in outbox.pending()]


def test_sequence_survives_restarts_even_when_empty(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        assert [outbox.add(compose).sequence for _ in range(3)] == [1, 2, 3]
        outbox.acknowledge([1, 2, 3])
        assert outbox.status.waiting == 0
    with opened(tmp_path) as outbox:
        assert outbox.add(compose).sequence == 4
        assert sequences(outbox) == [4]
        assert outbox.status.durable


def test_waiting_passages_stay_the_same_over_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        before = [outbox.add(compose) for _ in range(5)]
        outbox.acknowledge([2, 99])
    with opened(tmp_path) as outbox:
        assert outbox.pending() == [before[0], *before[2:]]
        assert outbox.pending(after=3, limit=1) == [before[3]]


def test_stored_passages_outlive_a_killed_process(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from edge_lpr.config import OutboxSettings
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.passage_row import StoredPassage
outbox = Outbox(Path({str(tmp_path)!r}), OutboxSettings())
outbox.open()
for _ in range(20):
    outbox.add(lambda n: StoredPassage(n, f"id-{{n}}", "{{}}"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL
    with opened(tmp_path) as outbox:
        assert sequences(outbox) == list(range(1, 21))
        assert outbox.add(compose).sequence == 21


def test_past_the_count_the_oldest_is_dropped_and_counted(tmp_path: Path) -> None:
    settings = OutboxSettings(max_messages=3)
    with opened(tmp_path, settings) as outbox:
        for _ in range(5):
            outbox.add(compose)
        assert sequences(outbox) == [3, 4, 5]
    with opened(tmp_path, settings) as outbox:
        assert outbox.status.dropped == 2


def test_past_the_bytes_the_oldest_is_dropped(tmp_path: Path) -> None:
    def large(sequence: int) -> StoredPassage:
        return StoredPassage(sequence, "id", "x" * 400_000)

    with opened(tmp_path, OutboxSettings(max_megabytes=1)) as outbox:
        for _ in range(4):
            outbox.add(large)
        assert sequences(outbox) == [3, 4]
        assert outbox.status.bytes == 800_000


def composers(at: list[int | None]) -> Iterator[Callable[[int], StoredPassage]]:
    """Returns functions that compose passages stored at those times."""

    def composer(moment: int | None) -> Callable[[int], StoredPassage]:
        return lambda number: StoredPassage(number, f"id-{number}", "{}", moment)

    return map(composer, at)


def test_past_the_age_a_passage_expires_and_is_counted_apart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    day, now = 86400, 1_800_000_000
    times = [now - 9 * day, None, now - 8 * day, None, now - day]
    with opened(tmp_path) as outbox:
        for each in composers(times):
            outbox.add(each)
        assert sequences(outbox) == [1, 2, 3, 4, 5]
    with opened(tmp_path, OutboxSettings(max_age_days=7), clock=lambda: None) as outbox:
        assert sequences(outbox) == [1, 2, 3, 4, 5]  # not synchronized: the age is unknown
    with opened(tmp_path, OutboxSettings(max_age_days=7), clock=lambda: now) as outbox:
        assert sequences(outbox) == [4, 5]  # 2 was stored before 3, so it has expired too
        assert (outbox.status.expired, outbox.status.dropped, outbox.status.waiting) == (3, 0, 2)
    with opened(tmp_path, OutboxSettings(max_age_days=7), clock=lambda: now + 30 * day) as outbox:
        assert sequences(outbox) == []
        assert outbox.wait_until_empty(0)
        assert outbox.add(compose).sequence == 6
        assert outbox.status.expired == 5
    assert len([record for record in caplog.records if "waited for too long" in record.message]) == 2


def test_a_database_of_version_0_1_is_upgraded(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as old:
        old.executescript(
            "CREATE TABLE passage (sequence INTEGER PRIMARY KEY, request_id TEXT NOT NULL, message TEXT NOT NULL,"
            " bytes INTEGER NOT NULL); CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT"
            " ROWID; INSERT INTO counter VALUES ('last_sequence', 8), ('dropped', 2);"
            "INSERT INTO passage VALUES (7, 'id-7', '{}', 2), (8, 'id-8', '{}', 2)"
        )
    with opened(tmp_path) as outbox:
        assert outbox.add(compose).sequence == 9
        assert sequences(outbox) == [7, 8, 9]
        assert outbox.status.dropped == 2


def test_a_damaged_database_of_version_0_1_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE passage (sequence INTEGER PRIMARY KEY, request_id TEXT, message TEXT, bytes INTEGER)")
        old.executemany("INSERT INTO passage VALUES (?, 'id', ?, 400)", [(n, "x" * 400) for n in range(1, 101)])
        old.execute("CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID")
        old.execute("INSERT INTO counter VALUES ('last_sequence', 100)")
        old.commit()
    content = bytearray(path.read_bytes())
    content[5 * 4096 : 6 * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with opened(tmp_path) as outbox:
        assert outbox.status.waiting > 50
        assert outbox.add(compose).sequence > 100  # the numbers after the last readable one may have been used


def test_acknowledged_passages_are_deleted_with_the_next_passage(tmp_path: Path) -> None:
    def on_disk(outbox: Outbox) -> list[int]:
        copy = tmp_path / "copy"
        copy.mkdir(exist_ok=True)
        for name in ("outbox.db", "outbox.db-wal"):  # the state after a power cut at this moment
            shutil.copy(tmp_path / "state" / name, copy / name)
        with closing(sqlite3.connect(copy / "outbox.db")) as reader:
            return [row[0] for row in reader.execute("SELECT sequence FROM passage ORDER BY sequence")]

    with opened(tmp_path / "state") as outbox:
        for _ in range(3):
            outbox.add(compose)
        outbox.acknowledge([1, 2])
        assert (sequences(outbox), outbox.status.waiting, on_disk(outbox)) == ([3], 1, [1, 2, 3])
        outbox.add(compose)
        assert on_disk(outbox) == [3, 4]
        outbox.acknowledge([3, 4])
        outbox.delete_acknowledged()
        assert on_disk(outbox) == []
    with opened(tmp_path / "copy") as outbox:
        assert outbox.add(compose).sequence > 4


def test_a_full_disk_does_not_bring_acknowledged_passages_back(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        for _ in range(3):
            outbox.add(compose)
        outbox.acknowledge([1, 2])
        with full_disk(1024):
            outbox.add(compose)
            assert outbox.wait_until_readable(DEADLINE_S)
            assert sequences(outbox) == [3, 4]
            outbox.acknowledge([3])
        assert outbox.wait_until_durable(DEADLINE_S)
        outbox.add(compose)
        assert sequences(outbox) == [4, 5]


def test_a_file_that_is_not_a_database_is_moved_aside_and_numbers_continue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as outbox:
        for _ in range(3):
            outbox.add(compose)
    (tmp_path / "outbox.db").write_bytes(b"not a database at all" * 500)
    with opened(tmp_path) as outbox:
        status = outbox.status
        assert status.durable
        assert status.moved_aside is not None
        assert status.moved_aside.read_bytes().startswith(b"not a database")
        assert outbox.add(compose).sequence > 3
    assert len([record for record in caplog.records if "damaged" in record.message]) == 1


def test_readable_passages_of_a_damaged_database_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        for _ in range(400):
            outbox.add(compose)
    path = tmp_path / "outbox.db"
    content = bytearray(path.read_bytes())
    at = len(content) // 2 // 4096 * 4096
    content[at : at + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with opened(tmp_path) as outbox:
        assert outbox.status.moved_aside is not None
        kept = [passage.sequence for passage in outbox.pending(limit=1000)]
        assert len(kept) > 350
        assert kept == sorted(set(kept))
        assert (kept[0], kept[-1]) == (1, 400)  # passages after the damaged page are kept too
        assert outbox.add(compose).sequence == 401


def test_damage_while_running_is_recovered(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(compose)
    with opened(tmp_path) as outbox:
        # Ignores the lock, as a failing card does: the pages of the database and of its log are overwritten.
        for name in ("outbox.db", "outbox.db-wal"):
            path = tmp_path / name
            if path.exists():
                path.write_bytes(b"\xff" * max(8192, path.stat().st_size))
        numbers = [outbox.add(compose).sequence for _ in range(3)]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > 1
        assert outbox.wait_until_readable(DEADLINE_S)
        assert set(numbers) <= set(sequences(outbox))


def test_without_a_usable_folder_passages_are_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with opened(blocked / "state", disk_retry_s=60) as outbox:
        assert outbox.add(compose).sequence == 1
        assert sequences(outbox) == [1]
        assert not outbox.status.durable
        assert outbox.status.fault is not None
        assert "outbox.db" in outbox.status.fault
    assert len([record for record in caplog.records if "cannot write" in record.message]) == 1


@contextmanager
def full_disk(at_bytes: int) -> Iterator[None]:
    """Limits the files of this process to ``at_bytes``, so that writes fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(compose)
        outbox.add(compose)
        with full_disk(1024):
            assert [outbox.add(compose).sequence for _ in range(2)] == [3, 4]
            assert not outbox.status.durable
            assert outbox.wait_until_readable(DEADLINE_S)
            assert sequences(outbox) == [1, 2, 3, 4]
            outbox.acknowledge([1, 3])
        assert outbox.wait_until_durable(DEADLINE_S)
        assert outbox.add(compose).sequence == 5
        assert sequences(outbox) == [2, 4, 5]
    with opened(tmp_path) as outbox:
        assert sequences(outbox) == [2, 4, 5]
        assert outbox.add(compose).sequence == 6


def test_second_service_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(compose)
        with pytest.raises(ConfigError, match=r"state_dir.*in use"):
            Outbox(tmp_path, OutboxSettings()).open()
        assert outbox.add(compose).sequence == 2


def test_the_file_is_a_write_ahead_logged_database(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(compose)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert reader.execute("SELECT request_id FROM passage").fetchall() == [("id-1",)]


def test_wait_until_empty(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        assert outbox.wait_until_empty(0)
        outbox.add(compose)
        assert not outbox.wait_until_empty(0)
        outbox.acknowledge([1])
        assert outbox.wait_until_empty(0)
