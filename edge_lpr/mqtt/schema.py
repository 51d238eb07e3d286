"""The schema of the outbox's database, and its files."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

from edge_lpr.host.private_files import create_private_file, restrict
from edge_lpr.mqtt.database_pages import LogFrames, log_path, read_log_frames
from edge_lpr.mqtt.passage_row import MAX_SEQUENCE

_SCHEMA = """
CREATE TABLE IF NOT EXISTS passage (sequence INTEGER PRIMARY KEY, request_id TEXT NOT NULL, message TEXT NOT NULL,
                                    bytes INTEGER NOT NULL, stored_at INTEGER, checksum INTEGER);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counter VALUES ('last_sequence', 0), ('dropped', 0), ('expired', 0), ('damaged', 0),
                                     ('log_restarts', 0);
"""
_VERSION = 1
"""``user_version`` of a database of this program. Older programs left 0, and did not overwrite what they deleted."""

_ADDED_COLUMNS = ("stored_at", "checksum")

PAGE_BYTES = 1024
"""Page size of a new database: the smallest that holds a passage.

With 4096 bytes 1.6 times as much is written to the card (tests/benchmarks/disk_writes.py).
"""

Origin = Literal["new", "complete", "uncertain", "older version"]
"""What is known about the last number in a database when it is opened.

``complete``: its log is there, so that number is the last that was stored. ``uncertain``: the log is not there, either
because the database was closed or because the log was lost.
"""


def prepare_files(path: Path) -> LogFrames | None:
    """Creates the database file for this user alone; returns the frames of its log. Raises OSError."""
    log = log_path(path)
    frames = read_log_frames(log)
    create_private_file(path)
    for suffix in ("-wal", "-shm", "-journal"):
        restrict(path.with_name(path.name + suffix))
    if frames is not None and path.stat().st_size == 0:
        with path.open("wb") as file:
            file.write(bytes(PAGE_BYTES))  # SQLite deletes the log of an empty database, and all passages with it
    return frames


def create_schema(connection: sqlite3.Connection, *, is_new: bool, has_log: bool) -> Origin:
    """Creates what is missing; returns what is known about the last number in the database."""
    run = connection.execute
    is_old = not is_new and run("PRAGMA user_version").fetchone()[0] < _VERSION
    counters = {} if is_new else dict(run("SELECT name, value FROM counter"))
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    columns = {row[1].decode() for row in run("PRAGMA table_info(passage)")}
    for column in _ADDED_COLUMNS:
        if column not in columns:
            run(f"ALTER TABLE passage ADD COLUMN {column} INTEGER")
    if is_old:
        run("VACUUM")  # overwrites what older versions deleted
    if is_new or is_old:
        run(f"PRAGMA user_version={_VERSION}")
        return "new" if is_new else "older version"
    return "complete" if has_log and is_number(counters.get(b"last_sequence")) else "uncertain"


def is_number(value: object) -> bool:
    """Returns whether ``value`` can be a number of passages."""
    return isinstance(value, int) and 0 <= value <= MAX_SEQUENCE
