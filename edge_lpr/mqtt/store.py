"""The SQLite table of the outbox: passages in order, the last sequence number, and counters of lost passages.

Only one process and one thread use it at a time; the outbox holds a lock around every call. Each method is at most one
transaction. All methods raise ``sqlite3.DatabaseError``, which the outbox handles.

Written pages wear out an SD card, so the store writes few. A page is about as large as a passage. The last sequence
number is that of the newest row. An acknowledged passage is removed in memory at once, but on disk together with the
next passage. A process that is killed in between sends it again, with the same RequestId.

Deleted rows are overwritten with zeros in the database file (``secure_delete``). The write-ahead log still holds them
until it is restarted, see ``restart_log``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_lpr.mqtt.database_errors import corruption
from edge_lpr.mqtt.database_pages import LogFrames
from edge_lpr.mqtt.passage_row import DamagedRow, StoredPassage, parse_row
from edge_lpr.mqtt.schema import PAGE_BYTES, Origin, create_schema, is_number, prepare_files

_COLUMNS = "sequence, request_id, message, stored_at, checksum"
_SIZE = "COALESCE(LENGTH(CAST(message AS BLOB)), 0)"
"""Bytes of a message. The column ``bytes`` may be damaged, and one wrong size would drop all passages."""

MAX_DAMAGED_STEP = 1000
"""A damaged row whose number is higher than the last one by more has a damaged number."""

MAX_ACKNOWLEDGED_ROWS = 64
"""Acknowledged passages that may still be on the disk. With more, their rows are deleted at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest number and total size of waiting passages. Above either, the oldest are dropped."""

    max_messages: int
    max_bytes: int


class PassageStore:
    """An open database, on disk or in memory.

    ``count`` and ``bytes`` are the number and total size of waiting passages. ``dropped``, ``expired`` and ``damaged``
    count over all runs.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path
        self.last_sequence = 0
        self.dropped = 0
        self.expired = 0
        self.damaged = 0
        self.count = 0
        self.bytes = 0
        self.acknowledged: frozenset[int] = frozenset()
        """Sequence numbers of acknowledged passages whose rows are still in the table."""
        self.damaged_rows: dict[int, DamagedRow] = {}
        """Rows that were found damaged and are still in the table. They are not returned as waiting passages."""
        self.origin: Origin = "new"
        self.lost_transactions = 0
        """Transactions at the end of the log that a power cut or a fault of the disk has cut off: 0 or 1."""
        self.has_deleted_text = False
        """Whether the write-ahead log may hold passages that were deleted."""
        self._written_sequence = 0

    @classmethod
    def open(cls, path: Path | None) -> PassageStore:
        """Opens or creates the database; None is a database in memory.

        For a damaged file raises a DatabaseError for which ``is_corrupt`` is True. Raises OSError if the files cannot
        be created.
        """
        log = None if path is None else prepare_files(path)
        target = ":memory:" if path is None else str(path)
        connection = sqlite3.connect(target, timeout=0.5, isolation_level=None, check_same_thread=False)
        connection.text_factory = bytes  # so that text that is not UTF-8 can be read
        store = cls(connection, path)
        try:
            store._prepare(log)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return store

    def _prepare(self, log: LogFrames | None) -> None:
        run = self._connection.execute
        # Exclusive: a second service on the same folder would assign the same numbers. Also, no -shm file is needed.
        run("PRAGMA locking_mode=EXCLUSIVE")
        run(f"PRAGMA page_size={PAGE_BYTES}")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run("PRAGMA secure_delete=ON")
        run("PRAGMA journal_size_limit=0")  # what is left of an old log is cut off when the log is restarted
        is_new = run("PRAGMA schema_version").fetchone()[0] == 0
        _, valid_frames, _ = run("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        # A power cut may tear the last transaction. It was not confirmed, but its number is not used again.
        self.lost_transactions = 0 if log is None else log.commits_after(valid_frames)
        if log is not None and (self.lost_transactions > 1 or (self.lost_transactions and not log.has_header)):
            raise corruption(f"{self.lost_transactions} transactions of the write-ahead log cannot be read")
        fault = run("PRAGMA quick_check(1)").fetchone()[0].decode(errors="replace")
        if fault != "ok":
            raise corruption(fault.removeprefix("*** in database main ***").strip().splitlines()[0])
        self.origin = create_schema(self._connection, is_new=is_new, has_log=valid_frames > 0)
        self._load_totals()
        if self.path is not None:
            # From here on the log is never empty. So an empty log shows that passages are lost.
            self.restart_log()

    def _load_totals(self) -> None:
        run = self._connection.execute
        counters = {name: value for name, value in run("SELECT name, value FROM counter") if is_number(value)}
        self._written_sequence = counters.get(b"last_sequence", 0)
        self.dropped, self.expired = counters.get(b"dropped", 0), counters.get(b"expired", 0)
        self.damaged = counters.get(b"damaged", 0)
        self.count, self.bytes = run(f"SELECT COUNT(*), COALESCE(SUM({_SIZE}), 0) FROM passage").fetchone()
        newest = next(iter(self._waiting("ORDER BY sequence DESC")), None)
        self.last_sequence = max(newest.sequence if newest is not None else 0, self._written_sequence)
        for sequence in sorted(self.damaged_rows):  # those above the newest passage that is whole
            if self.last_sequence < sequence <= self.last_sequence + MAX_DAMAGED_STEP:
                self.last_sequence = sequence
            elif sequence > self.last_sequence:
                self.origin = "uncertain"
        list(self._waiting("WHERE sequence < 1"))  # no reading in order would find these

    def add(self, compose: Callable[[int], StoredPassage], limits: Limits) -> StoredPassage:
        """Assigns the next number, stores the passage, and drops the oldest above ``limits``.

        On return the passage is durable if the database is on disk.
        """
        self._connection.execute("PRAGMA synchronous=FULL")
        passage = compose(self.last_sequence + 1)
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            self._insert(passage)
            self._drop_oldest(limits)
        return passage

    def merge(
        self, rows: Iterable[StoredPassage | DamagedRow], acknowledged: Iterable[int] = (), last_sequence: int = 0
    ) -> list[DamagedRow]:
        """Applies the passages added and acknowledged in another store; returns the damaged rows, which are counted."""
        damaged: list[DamagedRow] = []
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            for row in rows:
                if isinstance(row, StoredPassage):
                    self._insert(row)
                else:
                    damaged.append(row)
            self._delete_waiting(acknowledged)
            self.last_sequence = max(last_sequence, self.last_sequence)
            if damaged:
                self.damaged += len(damaged)
                self._set_counter("damaged", self.damaged)
        return damaged

    def add_losses(self, other: PassageStore) -> None:
        """Takes over the counters of lost passages of a store that this one replaces."""
        with _Transaction(self):
            for name in _LOSSES:
                value = max(getattr(self, name), getattr(other, name))
                setattr(self, name, value)
                self._set_counter(name, value)

    def pending(self, after: int, limit: int) -> list[StoredPassage]:
        """Returns at most ``limit`` waiting passages with sequence numbers above ``after``, in order."""
        kept: list[StoredPassage] = []
        for passage in self._waiting("WHERE sequence > ? ORDER BY sequence", after):
            kept.append(passage)
            if len(kept) >= limit:
                break
        return kept

    def newest(self, max_bytes: int) -> list[StoredPassage]:
        """Returns the newest waiting passages that fit in ``max_bytes``, in order."""
        kept: list[StoredPassage] = []
        free_bytes = max_bytes
        for passage in self._waiting("ORDER BY sequence DESC"):
            free_bytes -= passage.size
            if free_bytes < 0:
                break
            kept.append(passage)
        return kept[::-1]

    def _waiting(self, clause: str, *values: int) -> Iterator[StoredPassage]:
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM passage {clause}", values):
            if row[0] in self.acknowledged or row[0] in self.damaged_rows:
                continue
            passage = parse_row(row)
            if isinstance(passage, StoredPassage):
                yield passage
            else:
                self.damaged_rows[row[0]] = passage

    def delete_damaged(self, sequences: Iterable[int]) -> None:
        """Deletes rows that have been set aside, and counts them."""
        with _Transaction(self):
            for sequence in sequences:
                count = self.count
                self._delete_waiting((sequence,))
                self.damaged += count - self.count
                self.damaged_rows.pop(sequence, None)
            self._set_counter("damaged", self.damaged)

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Removes acknowledged passages: in memory now, on disk with the next passage or ``delete_acknowledged``."""
        for sequence in sequences:
            row = self._connection.execute(f"SELECT {_SIZE} FROM passage WHERE sequence = ?", (sequence,)).fetchone()
            if row is not None and sequence not in self.acknowledged:
                self.acknowledged |= {sequence}
                self.count -= 1
                self.bytes -= row[0]
        if len(self.acknowledged) >= MAX_ACKNOWLEDGED_ROWS:
            self.delete_acknowledged()

    def delete_acknowledged(self) -> None:
        """Deletes the rows of acknowledged passages.

        Not synchronized to disk. If a power cut undoes it, the passages are sent again, and subscribers drop them by
        RequestId.
        """
        if self.acknowledged:
            self._connection.execute("PRAGMA synchronous=NORMAL")
            with _Transaction(self):
                self._delete(self._take_acknowledged())

    def restart_log(self) -> None:
        """Moves the content of the write-ahead log to the database, and overwrites the log.

        After this neither file has a copy of a deleted passage.
        """
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        # The next transaction starts the log again and cuts off the rest of the file. This one is for that.
        with _Transaction(self):
            self._connection.execute("UPDATE counter SET value = value + 1 WHERE name = 'log_restarts'")
        self.has_deleted_text = False

    def expire(self, before: int) -> int:
        """Drops passages stored before ``before``, in seconds since 1970; returns how many.

        A passage with a lower number than an expired one has expired too, even if its own time is unknown.
        """
        last = 0
        for passage in self._waiting("ORDER BY sequence"):
            if passage.stored_at is not None and passage.stored_at >= before:
                break
            if passage.stored_at is not None:
                last = passage.sequence
        if last == 0:
            return 0
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            rows = self._connection.execute("SELECT sequence FROM passage WHERE sequence <= ?", (last,)).fetchall()
            expired = [sequence for (sequence,) in rows if sequence not in self.damaged_rows]
            self._delete_waiting(expired)
            self.expired += len(expired)
            self._set_counter("expired", self.expired)
        return len(expired)

    def close(self) -> None:
        """Closes the file. All added passages are in it."""
        self._connection.close()

    def _insert(self, passage: StoredPassage) -> None:
        before = self._connection.total_changes
        self._connection.execute(
            "INSERT OR IGNORE INTO passage (sequence, request_id, message, bytes, stored_at, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (passage.sequence, passage.request_id, passage.message, passage.size, passage.stored_at, passage.checksum),
        )
        if self._connection.total_changes > before:
            self.count += 1
            self.bytes += passage.size
        self.last_sequence = max(passage.sequence, self.last_sequence)

    def _take_acknowledged(self) -> frozenset[int]:
        taken, self.acknowledged = self.acknowledged, frozenset()
        return taken

    def _delete_waiting(self, sequences: Iterable[int]) -> None:
        """Deletes waiting passages and updates the totals."""
        for size in self._delete(sequences):
            self.count -= 1
            self.bytes -= size

    def _delete(self, sequences: Iterable[int]) -> list[int]:
        """Deletes rows; returns the sizes of those that existed."""
        sizes = []
        for sequence in sequences:
            row = self._connection.execute(
                f"DELETE FROM passage WHERE sequence = ? RETURNING {_SIZE}", (sequence,)
            ).fetchone()
            if row is not None:
                sizes.append(row[0])
                self.has_deleted_text = True
        return sizes

    def _drop_oldest(self, limits: Limits) -> None:
        count_before = self.count
        while self.count > 1 and (self.count > limits.max_messages or self.bytes > limits.max_bytes):
            (oldest,) = self._connection.execute("SELECT MIN(sequence) FROM passage").fetchone()
            self._delete_waiting((oldest,))
        if self.count < count_before:
            self.dropped += count_before - self.count
            self._set_counter("dropped", self.dropped)

    def _write_last_sequence(self) -> None:
        """Writes the last sequence number to its counter if the newest row does not have it."""
        if self._written_sequence == self.last_sequence:
            return
        (newest,) = self._connection.execute("SELECT MAX(sequence) FROM passage").fetchone()
        if newest != self.last_sequence:
            self._set_counter("last_sequence", self.last_sequence)
            self._written_sequence = self.last_sequence

    def _set_counter(self, name: str, value: int) -> None:
        self._connection.execute("UPDATE counter SET value = ? WHERE name = ?", (value, name))


_LOSSES = ("dropped", "expired", "damaged")
_TOTALS = ("last_sequence", *_LOSSES, "count", "bytes", "acknowledged", "_written_sequence")


class _Transaction:
    """Runs from BEGIN to COMMIT. After an error the table and the totals are as before."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._connection = store._connection
        self._totals = {name: getattr(store, name) for name in _TOTALS}

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._store._write_last_sequence()
                self._connection.execute("COMMIT")
                return
        except sqlite3.DatabaseError:
            self._undo()
            raise
        self._undo()

    def _undo(self) -> None:
        for name, value in self._totals.items():
            setattr(self._store, name, value)
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
