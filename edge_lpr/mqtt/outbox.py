"""The outbox keeps passages on disk until the broker has acknowledged them.

The rules, most important first:

* A passage is on disk before it is sent. It stays in the outbox until the broker acknowledges it. Its row is deleted
  together with the next write, which saves the card a write. If the service is killed before that, it sends the passage
  again after its next start.
* The sequence number is assigned in the same transaction that stores the passage. So there is no gap and no duplicate
  number, over any number of restarts.
* Above ``max_messages`` or ``max_megabytes`` the *oldest* passage is dropped and counted: at a gate the newest vehicle
  matters most.
* A passage older than ``max_age_days`` has expired. It is dropped and counted separately. Its age is known only if the
  clock was synchronized when it was stored. Nothing expires within an hour after the clock was set.
* A damaged row is set aside and counted. A damaged database is moved aside; its readable passages are kept.
* No sequence number is used twice, whatever is damaged or lost: see ``high_water``.
* If the disk cannot be written, the gate continues with the passages in memory (at most 16 MiB; the oldest are
  dropped). They are sent from there, and are written to disk as soon as that is possible again. Only a restart before
  that loses them. A thread opens, checks and replaces the database, so that nobody waits for it.
* Ten minutes after the broker has acknowledged a passage, no file has a copy of it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge_lpr.config import OutboxSettings
from edge_lpr.errors import ConfigError
from edge_lpr.mqtt.database_errors import is_busy, is_corrupt
from edge_lpr.mqtt.outbox_files import OutboxFiles
from edge_lpr.mqtt.passage_row import DamagedRow, StoredPassage
from edge_lpr.mqtt.store import Limits, PassageStore

MEMORY_BYTES = 16 * 2**20
DISK_RETRY_S = 30.0
EXPIRE_EVERY_S = 60.0
CLEAN_EVERY_S = 600.0
"""Seconds between two cleanings of the write-ahead log. Each writes about 20 KB to the card."""

CLOSE_WAIT_S = 2.0
"""Most seconds that the closing waits for a disk that fails."""

_DAY_S = 86400

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """The state of the outbox.

    ``waiting`` passages with ``bytes`` in total are not acknowledged yet. While they are in memory only, ``durable`` is
    False and ``fault`` is the reason. ``moved_aside`` is the path of the last damaged database of this run. ``dropped``
    (too many were waiting), ``expired`` (waited too long) and ``damaged`` (set aside) count over all runs.
    """

    waiting: int
    bytes: int
    dropped: int
    expired: int
    last_sequence: int
    durable: bool
    fault: str | None
    moved_aside: Path | None
    damaged: int = 0


class Outbox:
    """The passages that wait for the broker, in order of their sequence numbers.

    Between ``open`` and ``close`` every method may be called from any thread. None of them waits while the disk is
    recovered: a thread does that, and meanwhile new passages are in memory.
    """

    def __init__(
        self,
        folder: Path,
        settings: OutboxSettings,
        *,
        disk_retry_s: float = DISK_RETRY_S,
        clean_every_s: float = CLEAN_EVERY_S,
        clock: Callable[[], int | None] = lambda: None,
    ) -> None:
        """``clock`` returns seconds since 1970, or None while ages cannot be known."""
        self._files = OutboxFiles(folder)
        self._path = self._files.path
        self._disk_limits = Limits(settings.max_messages, settings.max_megabytes * 2**20)
        self._memory_limits = Limits(settings.max_messages, min(MEMORY_BYTES, self._disk_limits.max_bytes))
        self._disk_retry_s = disk_retry_s
        self._clean_every_s = clean_every_s
        self._next_cleaning_s = time.monotonic()
        self._clock = clock
        self._max_age_s = settings.max_age_days * _DAY_S
        self._next_expiry_s = 0.0
        self._changed = threading.Condition(threading.RLock())
        self._store = PassageStore.open(None)
        self._acknowledged_in_memory: set[int] = set()
        self._fault: str | None = "not opened"
        self._is_reading_back = False
        self._is_closing = False
        self._recovery: threading.Thread | None = None
        self._on_read_back: Callable[[], None] = lambda: None
        self._is_dropping = False
        self._kept_damaged: set[int] = set()

    def on_read_back(self, call: Callable[[], None]) -> None:
        """Sets what is called, from another thread, when waiting passages are available again after a fault."""
        self._on_read_back = call

    def open(self) -> None:
        """Opens or creates the database. If the disk fails, logs the reason and continues in memory.

        A damaged database is replaced here, before passages come. Raises ConfigError if another running service uses
        the same folder.
        """
        with self._changed:
            try:
                self._use_disk(self._files.open())
            except (OSError, sqlite3.DatabaseError) as error:
                if isinstance(error, sqlite3.DatabaseError) and is_busy(error):
                    raise ConfigError(
                        f"device.state_dir: {self._path.parent} is in use by another edge-lpr; stop that one, or set"
                        " another folder for this gate"
                    ) from error
                passages = self._files.newest(MEMORY_BYTES)
                self._store.merge(passages, (), self._files.last_sequence(passages))
                self._start_recovery(error)

    def close(self) -> None:
        """Closes the file, after a last attempt to write passages from memory to disk."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._recovery is not None:
            self._recovery.join(CLOSE_WAIT_S)
            if self._recovery.is_alive():
                _log.error("outbox: %s does not answer; %d passages are lost", self._path, self._store.count)
                return
        with self._changed:
            try:
                self._store.delete_acknowledged()
            except sqlite3.DatabaseError as error:
                _log.debug("outbox: acknowledged passages stay on the disk: %s", error)
            # First the mark: without the log that the closing deletes, a mark that is ahead means lost passages.
            try:
                self._files.high_water.settle(self._store.last_sequence)
            except OSError as error:
                _log.error("outbox: %s: %s; the numbers have a gap", self._files.high_water.name, error.strerror)
            self._store.close()

    @property
    def status(self) -> OutboxStatus:
        """A snapshot."""
        with self._changed:
            store = self._store
            return OutboxStatus(
                waiting=store.count,
                bytes=store.bytes,
                dropped=store.dropped,
                expired=store.expired,
                damaged=store.damaged,
                last_sequence=store.last_sequence,
                durable=self._fault is None,
                fault=self._fault,
                moved_aside=self._files.moved_aside,
            )

    def add(self, compose: Callable[[int], StoredPassage]) -> StoredPassage:
        """Stores the passage that ``compose`` returns for the next sequence number.

        On return it is on disk, or in memory while the disk fails.
        """
        with self._changed:
            self._expire()
            dropped = self._store.dropped
            passage = self._execute(lambda store: self._add_to(store, compose))
            if self._store.dropped > dropped and not self._is_dropping:
                self._is_dropping = True
                _log.error("outbox: full; the oldest passages are being dropped: the broker is away for too long")
            self._changed.notify_all()
            return passage

    def pending(self, after: int = 0, limit: int = 100) -> list[StoredPassage]:
        """Returns at most ``limit`` waiting passages with sequence numbers above ``after``, in order.

        Returns none while older ones are read back from a disk that failed. Damaged ones are set aside.
        """
        with self._changed:
            self._expire()
            found = self._execute(lambda store: store.pending(after, limit))
            if self._is_reading_back:
                return []
            damaged = [row for row in self._store.damaged_rows.values() if row.sequence not in self._kept_damaged]
        if damaged:
            self.set_aside(damaged)
        return found

    def set_aside(self, rows: Iterable[DamagedRow]) -> None:
        """Removes damaged rows, which are kept in a file and counted."""
        rows = tuple(rows)
        try:
            self._files.set_aside(rows)
        except OSError as error:
            _log.error(
                "outbox: damaged passages stay in %s, because they cannot be set aside: %s", self._path, error.strerror
            )
            with self._changed:
                self._store.damaged_rows.update({row.sequence: row for row in rows})
                self._kept_damaged.update(row.sequence for row in rows)
            return
        with self._changed:
            self._execute(lambda store: store.delete_damaged([row.sequence for row in rows]))
            self._changed.notify_all()

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Removes passages that the broker has acknowledged. Unknown numbers are ignored."""
        done = tuple(sequences)
        with self._changed:
            self._execute(lambda store: store.acknowledge(done))
            if self._fault is not None:
                self._acknowledged_in_memory.update(done)
            self._clean()
            if self._store.count == 0:
                self._is_dropping = False
            self._changed.notify_all()

    def delete_acknowledged(self) -> float | None:
        """Deletes acknowledged passages from the disk now, and not with the next stored passage.

        Returns the seconds until it should be called again, because the write-ahead log still has copies of deleted
        passages; None if it has none.
        """
        with self._changed:
            self._execute(lambda store: store.delete_acknowledged())
            self._clean()
            if self._fault is not None or not self._store.has_deleted_text:
                return None
            return max(0.0, self._next_cleaning_s - time.monotonic())

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Waits until no passage waits. Returns False if ``timeout_s`` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_reading_back and self._store.count == 0, timeout_s)

    def wait_until_durable(self, timeout_s: float) -> bool:
        """Waits until passages are stored on disk. Returns False if ``timeout_s`` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._fault is None, timeout_s)

    def wait_until_readable(self, timeout_s: float) -> bool:
        """Waits until waiting passages are available. Returns False if ``timeout_s`` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_reading_back, timeout_s)

    def _expire(self) -> None:
        moment_s = time.monotonic()
        if moment_s < self._next_expiry_s:
            return
        self._next_expiry_s = moment_s + EXPIRE_EVERY_S
        now = self._clock()
        if now is None:
            return
        expired = self._execute(lambda store: store.expire(now - self._max_age_s))
        if expired:
            _log.error("outbox: %d passages waited for too long and are dropped: the broker is away", expired)
            self._changed.notify_all()

    def _clean(self) -> None:
        """Removes the copies of deleted passages from the write-ahead log, at most every ``clean_every_s``."""
        if not self._store.has_deleted_text or time.monotonic() < self._next_cleaning_s or self._fault is not None:
            return
        self._next_cleaning_s = time.monotonic() + self._clean_every_s
        self._execute(lambda store: store.delete_acknowledged())
        self._execute(lambda store: store.restart_log())

    def _add_to(self, store: PassageStore, compose: Callable[[int], StoredPassage]) -> StoredPassage:
        try:
            self._files.high_water.reserve(store.last_sequence + 1)
        except OSError as error:
            if self._fault is None:
                raise sqlite3.OperationalError(f"{self._path.parent}: {error.strerror}") from error
            _log.debug("outbox: no number can be reserved: %s", error)
        return store.add(compose, self._disk_limits if self._fault is None else self._memory_limits)

    def _execute(self, operation: Callable[[PassageStore], _T]) -> _T:
        """Runs ``operation``; if the disk fails, in memory."""
        try:
            return operation(self._store)
        except sqlite3.DatabaseError as error:
            if self._fault is not None:
                raise
            self._leave_disk(error)
        return operation(self._store)

    def _leave_disk(self, error: sqlite3.DatabaseError) -> None:
        failed = self._store
        memory = PassageStore.open(None)
        memory.merge((), (), failed.last_sequence)
        memory.add_losses(failed)
        self._store = memory
        self._acknowledged_in_memory = set(failed.acknowledged)
        self._is_reading_back = True
        self._start_recovery(error, failed)

    def _start_recovery(self, error: sqlite3.DatabaseError | OSError, failed: PassageStore | None = None) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self._fault = f"{self._path}: {reason}"
        _log.error(
            "outbox: cannot write %s; passages are in memory only; repair the disk or free space on it", self._fault
        )
        damage = error if isinstance(error, sqlite3.DatabaseError) and is_corrupt(error) else None
        self._recovery = threading.Thread(
            target=self._recover, args=(failed, damage), name="outbox-recovery", daemon=True
        )
        self._recovery.start()

    def _recover(self, failed: PassageStore | None, damage: sqlite3.DatabaseError | None) -> None:
        """Runs in a thread until passages are on disk again, or the outbox is closed."""
        if failed is not None:
            failed.close()
        if damage is not None and self._return_to_disk(damage):
            return
        self._read_back()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closing, self._disk_retry_s)
                is_last = self._is_closing
            if self._return_to_disk(None) or is_last:
                return

    def _read_back(self) -> None:
        """Copies the newest waiting passages to memory. Older ones stay on the disk until it can be written."""
        if self._is_reading_back:
            passages = self._files.newest(MEMORY_BYTES)
            with self._changed:
                self._store.merge(passages, self._acknowledged_in_memory)
                self._is_reading_back = False
                self._changed.notify_all()
            self._on_read_back()

    def _return_to_disk(self, damage: sqlite3.DatabaseError | None) -> bool:
        with self._changed:
            last_sequence, acknowledged = self._store.last_sequence, frozenset(self._acknowledged_in_memory)
        try:
            disk = self._files.open(last_sequence, damage, acknowledged)
        except (OSError, sqlite3.DatabaseError) as error:
            _log.debug("outbox: the disk still fails: %s", error)
            return False
        try:
            with self._changed:
                added = self._store.newest(MEMORY_BYTES)
            disk.merge(added)  # most of the writing, without the lock
            with self._changed:
                memory = self._store
                after = added[-1].sequence if added else 0
                disk.merge(memory.pending(after, memory.count), self._acknowledged_in_memory, memory.last_sequence)
                disk.add_losses(memory)
                self._use_disk(disk)
        except sqlite3.DatabaseError as error:
            disk.close()
            _log.debug("outbox: the disk still fails: %s", error)
            return False
        _log.warning("outbox: %s can be written again; %d waiting passages are safe", self._path, disk.count)
        self._on_read_back()
        return True

    def _use_disk(self, store: PassageStore) -> None:
        self._store.close()
        self._store = store
        self._fault = None
        self._is_reading_back = False
        self._kept_damaged.clear()
        self._acknowledged_in_memory.clear()
        self._changed.notify_all()
