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
  clock was synchronized when it was stored, and is checked only while the clock is synchronized.
* A damaged database is moved aside. Its readable passages are kept, and the sequence numbers continue.
* If the disk cannot be written, the gate continues with the passages in memory (at most 16 MiB; the oldest are
  dropped). They are sent from there, and are written to disk as soon as that is possible again. Only a restart before
  that loses them.
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
from edge_lpr.mqtt.recovery import HighWater, Salvage, move_aside, salvage
from edge_lpr.mqtt.store import Limits, PassageStore, StoredPassage, is_busy, is_corrupt

MEMORY_BYTES = 16 * 2**20
DISK_RETRY_S = 30.0
EXPIRE_EVERY_S = 60.0
_DAY_S = 86400

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """The state of the outbox.

    ``waiting`` passages with ``bytes`` in total are not acknowledged yet. While they are in memory only, ``durable`` is
    False and ``fault`` is the reason. ``moved_aside`` is the path of the last damaged database of this run. ``dropped``
    (too many were waiting) and ``expired`` (waited too long) count over all runs.
    """

    waiting: int
    bytes: int
    dropped: int
    expired: int
    last_sequence: int
    durable: bool
    fault: str | None
    moved_aside: Path | None


class Outbox:
    """The passages that wait for the broker, in order of their sequence numbers.

    Between ``open`` and ``close`` every method may be called from any thread.
    """

    def __init__(
        self,
        folder: Path,
        settings: OutboxSettings,
        *,
        disk_retry_s: float = DISK_RETRY_S,
        clock: Callable[[], int | None] = lambda: None,
    ) -> None:
        """``clock`` returns seconds since 1970, or None while the clock is not synchronized."""
        self._path = folder / "outbox.db"
        self._high_water = HighWater(folder / "outbox.high-water")
        self._disk_limits = Limits(settings.max_messages, settings.max_megabytes * 2**20)
        self._memory_limits = Limits(settings.max_messages, min(MEMORY_BYTES, self._disk_limits.max_bytes))
        self._disk_retry_s = disk_retry_s
        self._next_disk_try_s = 0.0
        self._clock = clock
        self._max_age_s = settings.max_age_days * _DAY_S
        self._next_expiry_s = 0.0
        self._changed = threading.Condition(threading.RLock())
        self._store = PassageStore.open(None)
        self._acknowledged_in_memory: set[int] = set()
        self._fault: str | None = "not opened"
        self._moved_aside: Path | None = None
        self._is_dropping = False

    def open(self) -> None:
        """Opens or creates the database. If the disk fails, logs the reason and continues in memory.

        Raises ConfigError if another running service uses the same folder.
        """
        with self._changed:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._use_disk(self._open_disk())
            except (OSError, sqlite3.DatabaseError) as error:
                if isinstance(error, sqlite3.DatabaseError) and is_busy(error):
                    raise ConfigError(
                        f"device.state_dir: {self._path.parent} is in use by another edge-lpr; stop that one, or set"
                        " another folder for this gate"
                    ) from error
                self._use_memory(error)

    def close(self) -> None:
        """Closes the file, after a last attempt to write passages from memory to disk."""
        with self._changed:
            if self._fault is not None:
                self._next_disk_try_s = 0.0
                self._return_to_disk()
            try:
                self._store.delete_acknowledged()
            except sqlite3.DatabaseError as error:
                _log.debug("outbox: acknowledged passages stay on the disk: %s", error)
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
                last_sequence=store.last_sequence,
                durable=self._fault is None,
                fault=self._fault,
                moved_aside=self._moved_aside,
            )

    def add(self, compose: Callable[[int], StoredPassage]) -> StoredPassage:
        """Stores the passage that ``compose`` returns for the next sequence number. On return it is on disk."""
        with self._changed:
            self._return_to_disk()
            self._expire()
            dropped = self._store.dropped
            passage = self._execute(lambda store: self._add_to(store, compose))
            if self._store.dropped > dropped and not self._is_dropping:
                self._is_dropping = True
                _log.error("outbox: full; the oldest passages are being dropped: the broker is away for too long")
            self._changed.notify_all()
            return passage

    def pending(self, after: int = 0, limit: int = 100) -> list[StoredPassage]:
        """Returns at most ``limit`` waiting passages with sequence numbers above ``after``, in order."""
        with self._changed:
            self._expire()
            return self._execute(lambda store: store.pending(after, limit))

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Removes passages that the broker has acknowledged. Unknown numbers are ignored."""
        done = tuple(sequences)
        with self._changed:
            self._execute(lambda store: store.acknowledge(done))
            if self._fault is not None:
                self._acknowledged_in_memory.update(done)
            if self._store.count == 0:
                self._is_dropping = False
            self._changed.notify_all()

    def delete_acknowledged(self) -> None:
        """Deletes acknowledged passages from the disk now, and not with the next stored passage."""
        with self._changed:
            self._execute(lambda store: store.delete_acknowledged())

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Waits until no passage waits. Returns False if ``timeout_s`` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._store.count == 0, timeout_s)

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

    def _add_to(self, store: PassageStore, compose: Callable[[int], StoredPassage]) -> StoredPassage:
        limits = self._disk_limits if self._fault is None else self._memory_limits
        if self._fault is None:
            try:
                self._high_water.reserve(store.last_sequence + 1)
            except OSError as error:
                raise sqlite3.OperationalError(f"{self._path.parent}: {error.strerror}") from error
        return store.add(compose, limits)

    def _execute(self, operation: Callable[[PassageStore], _T]) -> _T:
        """Runs ``operation`` on disk; if that fails, on a new database; if that fails too, in memory."""
        try:
            return operation(self._store)
        except sqlite3.DatabaseError as error:
            self._recover(error)
        try:
            return operation(self._store)
        except sqlite3.DatabaseError as error:
            self._use_memory(error)
        return operation(self._store)

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        if not is_corrupt(error):
            self._use_memory(error)
            return
        last_sequence, acknowledged = self._store.last_sequence, self._store.acknowledged
        self._store.close()
        try:
            self._use_disk(self._replace_damaged(error, last_sequence, acknowledged))
        except (OSError, sqlite3.DatabaseError) as second:
            self._use_memory(second, last_sequence)

    def _open_disk(self) -> PassageStore:
        try:
            return PassageStore.open(self._path)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            return self._replace_damaged(error, None, ())

    def _replace_damaged(
        self, error: sqlite3.DatabaseError, last_sequence: int | None, acknowledged: Iterable[int]
    ) -> PassageStore:
        """Moves the damaged database aside; returns a new one with the passages that could be read.

        ``last_sequence`` is the last assigned number, None if it must be read from the files.
        """
        saved = salvage(self._path)
        self._moved_aside = move_aside(self._path)
        if last_sequence is None:
            last_sequence = self._high_water.read() if saved.last_sequence is None else saved.last_sequence
        store = PassageStore.open(self._path)
        store.merge(saved.passages, acknowledged, last_sequence)
        _log.error(
            "outbox: %s is damaged (%s): moved to %s, %d waiting passages saved, numbers continue after %d",
            self._path, error, self._moved_aside.name, store.count, store.last_sequence,
        )  # fmt: skip
        return store

    def _use_disk(self, store: PassageStore) -> None:
        self._store.close()
        self._store = store
        self._fault = None
        self._acknowledged_in_memory.clear()

    def _use_memory(self, error: sqlite3.DatabaseError | OSError, last_sequence: int = 0) -> None:
        """Continues in memory with the newest waiting passages. Older ones stay on the disk until it can be written."""
        acknowledged = self._store.acknowledged if self._store.path is not None else self._acknowledged_in_memory
        collected = self._collect_waiting()
        if collected.last_sequence is None:
            last_sequence = max(last_sequence, self._high_water.read())
        else:
            last_sequence = max(last_sequence, collected.last_sequence)
        memory = PassageStore.open(None)
        memory.merge(collected.passages, acknowledged, last_sequence)
        self._store.close()
        self._store = memory
        self._acknowledged_in_memory = set(acknowledged)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self._fault = f"{self._path}: {reason}"
        self._next_disk_try_s = time.monotonic() + self._disk_retry_s
        _log.error(
            "outbox: cannot write %s; passages are in memory only; repair the disk or free space on it", self._fault
        )

    def _collect_waiting(self) -> Salvage:
        """Returns the waiting passages: from the open database if it can be read, else from its file."""
        if self._store.path is not None:
            try:
                return Salvage(tuple(self._store.newest(MEMORY_BYTES)), self._store.last_sequence)
            except sqlite3.DatabaseError as error:
                _log.debug("outbox: the open database cannot be read: %s", error)
        path = self._path if self._path.exists() else self._moved_aside
        return Salvage((), None) if path is None else salvage(path)

    def _return_to_disk(self) -> None:
        if self._fault is None or time.monotonic() < self._next_disk_try_s:
            return
        self._next_disk_try_s = time.monotonic() + self._disk_retry_s
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            disk = self._open_disk()
        except (OSError, sqlite3.DatabaseError) as error:
            _log.debug("outbox: the disk still fails: %s", error)
            return
        try:
            memory = self._store
            disk.merge(memory.newest(MEMORY_BYTES), self._acknowledged_in_memory, memory.last_sequence)
        except sqlite3.DatabaseError as error:
            disk.close()
            _log.debug("outbox: the disk still fails: %s", error)
            return
        self._use_disk(disk)
        _log.warning("outbox: %s can be written again; %d waiting passages are safe", self._path, disk.count)
