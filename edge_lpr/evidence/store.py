"""The folder of kept pictures: one subfolder for each day, file names with the time and the plate number.

For example ``2025-03-01/081502480-京AF0236-crop.jpg``. So all pictures of one number can be found and deleted without
an index. If the folder is too large or pictures are too old, the oldest pictures are deleted first. Sizes and ages are
those of the file system, so files that a person deleted are accounted for within an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from edge_lpr.errors import EvidenceError
from edge_lpr.host.atomic_write import write_atomically

LIST_EVERY_S = 3600.0
"""Seconds between two listings of the whole folder. The retention time is exact to within this."""

DAY_S = 86400.0
_SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """One picture file.

    ``path`` is relative to the evidence folder, ``bytes_`` the size, ``kept_s`` the time of writing in seconds since
    1970.
    """

    path: Path
    bytes_: int
    kept_s: float

    @property
    def number(self) -> str:
        """The plate number."""
        return self.path.stem.split("-")[1]

    @property
    def day(self) -> date:
        """The day of the passage."""
        return date.fromisoformat(self.path.parent.name)


class EvidenceStore:
    """Keeps at most ``max_bytes`` of pictures for at most ``max_days`` below ``folder``. For use by one thread."""

    def __init__(
        self, folder: Path, max_bytes: int, max_days: int, clock_is_settled: Callable[[], bool] = lambda: True
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_days = max_days
        self._clock_is_settled = clock_is_settled
        self._kept: list[KeptPicture] = []
        self._bytes = 0
        self._listed_s: float | None = None

    def add_picture(self, captured_at: datetime, number: str, kind: str, content: bytes) -> Path:
        """Writes one picture and deletes surplus ones; returns its path below the folder. Raises OSError."""
        path = (
            Path(f"{captured_at:%Y-%m-%d}")
            / f"{captured_at:%H%M%S}{captured_at.microsecond // 1000:03}-{number}-{kind}"
        )
        path = path.with_name(path.name + _SUFFIX)
        self.enforce_limits()
        whole = self._folder / path
        whole.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_atomically(whole, content, mode=0o640, sync_file=False, sync_folder=False)
        self._kept.append(KeptPicture(path, len(content), time.time()))
        self._bytes += len(content)
        self._delete_surplus()
        return path

    def enforce_limits(self) -> None:
        """Enforces both limits if they were last enforced more than an hour ago. Raises OSError."""
        now_s = time.monotonic()
        if self._listed_s is not None and now_s - self._listed_s < LIST_EVERY_S:
            return
        self._listed_s = now_s
        for draft in self._folder.glob("*/*.part"):  # left by a power cut
            draft.unlink(missing_ok=True)
        self._kept = sorted(list_pictures(self._folder), key=lambda kept: kept.kept_s)
        self._bytes = sum(kept.bytes_ for kept in self._kept)
        self._delete_surplus()

    def _delete_surplus(self) -> None:
        # A clock that is wrong, or was just set, says nothing about ages. A Pi without a battery would else empty the
        # folder at a start.
        oldest_s = time.time() - self._max_days * DAY_S if self._clock_is_settled() else float("-inf")
        surplus = 0
        for kept in self._kept:
            if self._bytes <= self._max_bytes and kept.kept_s >= oldest_s:
                break
            delete_picture(self._folder, kept)
            self._bytes -= kept.bytes_
            surplus += 1
        del self._kept[:surplus]


def list_pictures(folder: Path) -> Iterator[KeptPicture]:
    """Yields all pictures below ``folder``. Files with other names are ignored."""
    for path in folder.glob(f"????-??-??/*-*-*{_SUFFIX}"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # deleted meanwhile
        yield KeptPicture(path.relative_to(folder), state.st_size, state.st_mtime)


def delete_picture(folder: Path, kept: KeptPicture) -> None:
    """Deletes one picture, and the folder of its day if that is empty then. Raises OSError."""
    path = folder / kept.path
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and next(path.parent.iterdir(), None) is None:
        path.parent.rmdir()


def select_pictures(folder: Path, *, number: str | None = None, before: date | None = None) -> list[KeptPicture]:
    """Returns the pictures that match, oldest first.

    ``number`` selects one plate number, ``before`` the days before a day. None does not restrict.
    """
    return sorted(
        (
            kept
            for kept in list_pictures(folder)
            if (number is None or kept.number == number) and (before is None or kept.day < before)
        ),
        key=lambda kept: kept.path,
    )


def delete_pictures(folder: Path, pictures: Iterable[KeptPicture]) -> None:
    """Deletes ``pictures``. Raises EvidenceError at the first that cannot be deleted."""
    for kept in pictures:
        try:
            delete_picture(folder, kept)
        except OSError as error:
            raise EvidenceError(
                f"{folder / kept.path}: cannot be deleted: {error.strerror}; are you its owner?"
            ) from error
