"""Saves what is readable of a damaged outbox, and determines where the sequence numbers continue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_lpr.host.atomic_write import write_atomically
from edge_lpr.mqtt.store import StoredPassage

_BLOCK = 1000
_PASSAGES = (
    "SELECT sequence, request_id, message, stored_at FROM passage ORDER BY sequence",
    "SELECT sequence, request_id, message, NULL FROM passage ORDER BY sequence",  # a database of version 0.1
)
_LAST_SEQUENCE = """SELECT MAX(value) FROM (SELECT value FROM counter WHERE name = 'last_sequence'
                    UNION ALL SELECT COALESCE(MAX(sequence), 0) FROM passage)"""


@dataclass(frozen=True, slots=True)
class Salvage:
    """What could be read from a damaged or read-only database; ``last_sequence`` is None if it is lost."""

    passages: tuple[StoredPassage, ...]
    last_sequence: int | None


def salvage(path: Path) -> Salvage:
    """Reads as many passages as possible from the file, and its last sequence number."""
    # mode=ro also reads the write-ahead log. On a read-only file system only immutable=1 can open the file, and it
    # ignores the log. The last number may then be in the log.
    has_log = _size(path.with_name(path.name + "-wal")) > 0
    for option in ("mode=ro", "immutable=1"):
        uri = f"{path.absolute().as_uri()}?{option}"
        passages = _passages(uri)
        last_sequence = next((row[0] for row in _rows(uri, _LAST_SEQUENCE)), None)
        if option == "immutable=1" and has_log:
            last_sequence = None
        if passages or last_sequence is not None:
            return Salvage(passages, last_sequence)
    return Salvage((), None)


def _passages(uri: str) -> tuple[StoredPassage, ...]:
    """Reads from the first row and from the last row, each up to a row that cannot be read."""
    kept: dict[int, StoredPassage] = {}
    for query in _PASSAGES:
        for order in ("ASC", "DESC"):
            for sequence, request_id, message, stored_at in _rows(uri, f"{query} {order}"):
                if order == "DESC" and sequence in kept:
                    break
                if isinstance(request_id, str) and isinstance(message, str):
                    kept[sequence] = StoredPassage(sequence, request_id, message, stored_at)
        if kept:
            break
    return tuple(kept[sequence] for sequence in sorted(kept))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _rows(uri: str, query: str) -> Iterator[tuple[Any, ...]]:
    """Yields the rows up to the first that cannot be read."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(uri, uri=True)) as reader:
        yield from reader.execute(query)


def move_aside(path: Path, moment: datetime | None = None) -> Path:
    """Renames the database and its log to ``<name>.corrupt-<UTC time>``; returns the new path. Raises OSError."""
    stamp = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S.%fZ")
    target = path.with_name(f"{path.name}.corrupt-{stamp}")
    path.rename(target)
    for suffix in ("-wal", "-shm", "-journal"):
        companion = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError):
            companion.rename(target.with_name(target.name + suffix))
    return target


class HighWater:
    """A small file beside the database with the highest sequence number that may have been used.

    It is written once for a thousand passages. If the database cannot be read, the numbers continue above it. A gap in
    the numbers is better than a number that a subscriber takes for an old passage.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved: int | None = None

    def read(self) -> int:
        """Returns the highest number that may have been used; 0 if the file is missing or damaged."""
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def reserve(self, sequence: int) -> None:
        """Reserves a block that contains ``sequence``, if it is not reserved yet. Raises OSError."""
        if self._reserved is None:
            self._reserved = self.read()
        if sequence <= self._reserved:
            return
        reserved = (sequence // _BLOCK + 1) * _BLOCK
        write_atomically(self._path, f"{reserved}\n".encode("ascii"), sync_folder=False)
        self._reserved = reserved
