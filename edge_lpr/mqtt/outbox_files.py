"""The files of the outbox in the state folder: how they are opened, and how a damaged database is replaced.

The methods read and write the whole database, which may take seconds on an SD card. So the outbox calls them without
its lock.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from edge_lpr.host.atomic_write import flush_folder
from edge_lpr.host.private_files import create_private_folder, restrict
from edge_lpr.mqtt.database_errors import is_corrupt
from edge_lpr.mqtt.database_pages import log_path, salvage
from edge_lpr.mqtt.high_water import Continuation, HighWater, continuation
from edge_lpr.mqtt.passage_row import DamagedRow, StoredPassage
from edge_lpr.mqtt.schema import Origin
from edge_lpr.mqtt.set_aside import append_damaged_rows, move_aside
from edge_lpr.mqtt.store import PassageStore

_NO_EVIDENCE = frozenset({"lanes.yaml", "models", "outbox.db", "outbox.db-wal", "outbox.high-water"})
"""Names in the state folder that do not show that passages were stored before."""

_log = logging.getLogger(__name__)


class OutboxFiles:
    """``outbox.db``, ``outbox.high-water`` and what is set aside. For use by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "outbox.db"
        self._draft = folder / "outbox.db.draft"
        self._rebuilt = folder / "outbox.db.rebuilt"
        self._set_aside = folder / "outbox.damaged.jsonl"
        self.high_water = HighWater(folder / "outbox.high-water")
        self.moved_aside: Path | None = None

    def open(
        self,
        last_sequence: int | None = None,
        damage: sqlite3.DatabaseError | None = None,
        acknowledged: Iterable[int] = (),
    ) -> PassageStore:
        """Opens or creates the database. With ``damage``, or if it is damaged, a new one replaces it.

        A new one has all readable passages but those ``acknowledged``. The numbers continue after ``last_sequence``;
        None means that the files must show it. Raises OSError and DatabaseError.
        """
        create_private_folder(self._folder)
        for path in self._folder.glob("outbox.*"):
            restrict(path)
        if self._rebuilt.exists():
            self._put_in_place()  # a power cut interrupted the replacement
        self._report_missing_state()
        if damage is None:
            try:
                return self._continued(PassageStore.open(self.path), last_sequence)
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                damage = error
        return self._replaced(damage, acknowledged, last_sequence)

    def newest(self, max_bytes: int) -> list[StoredPassage]:
        """Returns the newest readable passages that fit in ``max_bytes``, in order. The database must be closed."""
        kept: dict[int, StoredPassage] = {}
        size = 0
        try:
            for row in salvage(self.path):
                if isinstance(row, StoredPassage):
                    kept[row.sequence] = row
                    size += row.size
                while size > max_bytes:
                    size -= kept.pop(min(kept)).size
        except OSError as error:
            _log.debug("outbox: %s cannot be read: %s", self.path, error.strerror)
        return [kept[sequence] for sequence in sorted(kept)]

    def last_sequence(self, passages: Iterable[StoredPassage]) -> int:
        """Returns the number to continue after if the database cannot be opened, but has ``passages``."""
        newest = max((passage.sequence for passage in passages), default=0)
        origin: Origin = "uncertain" if self.path.exists() else "new"
        return self._report(continuation(newest, origin, self.high_water.read()))

    def set_aside(self, rows: Iterable[DamagedRow]) -> None:
        """Writes damaged rows to their file. Raises OSError."""
        rows = tuple(rows)
        is_complete = append_damaged_rows(self._set_aside, rows)
        kept = "kept in" if is_complete else "too many to be all kept in"
        for_whom = f"{kept} {self._set_aside}"
        _log.error(
            "outbox: %d damaged passages are not sent: %s (%s); %s; the disk may be failing",
            *(len(rows), ", ".join(str(row.sequence) for row in rows[:10]), rows[0].reason, for_whom),
        )

    def _continued(self, store: PassageStore, last_sequence: int | None) -> PassageStore:
        """Makes the numbers continue where no number was used."""
        try:
            if last_sequence is None:
                stored, mark = store.last_sequence + store.lost_transactions, self.high_water.read()
                last_sequence = self._report(continuation(stored, store.origin, mark))
                if mark.number is None:
                    self.high_water.settle(last_sequence)  # so that a missing file is a fault from now on
            if last_sequence > store.last_sequence:
                store.merge((), (), last_sequence)
        except (OSError, sqlite3.DatabaseError):
            store.close()
            raise
        return store

    def _report(self, found: Continuation) -> int:
        if found.problem is not None:
            mark = self.high_water.read()
            state = mark.problem or f"has {mark.number}"
            _log.error(
                "outbox: Sequence continues after %d: %s; %s %s",
                *(found.after, found.problem, self.high_water.name, state),
            )
        return found.after

    def _report_missing_state(self) -> None:
        if log_path(self.path).exists() or (self.path.exists() and self.path.stat().st_size):
            return
        mark = self.high_water.read()
        others = sorted(each.name for each in self._folder.iterdir() if each.name not in _NO_EVIDENCE)
        if mark.number is None and (others or mark.problem != "is missing"):
            _log.error(
                "outbox: Sequence starts at 1 again: in %s the file outbox.db is missing, and %s %s; stop the service,"
                " write the last number that a subscriber received to %s, and start it; or set another device.id",
                *(self._folder, self.high_water.name, mark.problem, self.high_water.name),
            )

    def _replaced(
        self, damage: sqlite3.DatabaseError, acknowledged: Iterable[int], last_sequence: int | None
    ) -> PassageStore:
        """Moves the damaged database aside, when a new one with its readable passages is complete."""
        for path in self._folder.glob(f"{self._draft.name}*"):
            path.unlink()
        rebuilt = PassageStore.open(self._draft)
        try:
            damaged = rebuilt.merge(salvage(self.path), acknowledged)
            last = rebuilt.last_sequence
            if last_sequence is None:
                last_sequence = self._report(continuation(last, "uncertain", self.high_water.read()))
            rebuilt.merge((), (), last_sequence)
            if damaged:
                self.set_aside(damaged)
            saved, last = rebuilt.count, rebuilt.last_sequence
        finally:
            rebuilt.close()
        self._draft.rename(self._rebuilt)
        self._put_in_place()
        _log.error(
            "outbox: %s is damaged (%s): %s, %d waiting passages saved, %d damaged; Sequence continues after %d",
            *(self.path, damage, "deleted" if self.moved_aside is None else f"moved to {self.moved_aside.name}"),
            *(saved, len(damaged), last),
        )
        return PassageStore.open(self.path)

    def _put_in_place(self) -> None:
        self.moved_aside = move_aside(self.path)
        self._rebuilt.rename(self.path)
        flush_folder(self._folder)
