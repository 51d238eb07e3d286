"""The folder of kept pictures: one subfolder a day, file names that begin with the time and hold the number.

``2025-03-01/081502480-京AF0236-crop.jpg``: who must find or delete all pictures of one number needs no index. The
oldest go first when the folder is too large, and when they are too old. Sizes and ages are the file system's own, so a
folder that somebody tidied up by hand is right again within the hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from edge_lpr.errors import EvidenceError
from edge_lpr.host.atomic_write import write_atomically

SURVEY_S = 3600.0
"""Seconds between two looks at the whole folder; retention holds to within this."""

DAY_S = 86400.0
_SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """One file. ``path`` is below the archive's folder; ``bytes_`` is its size, ``kept_s`` in seconds since 1970."""

    path: Path
    bytes_: int
    kept_s: float

    @property
    def number(self) -> str:
        """The plate's number."""
        return self.path.stem.split("-")[1]

    @property
    def day(self) -> date:
        """The day of the passage."""
        return date.fromisoformat(self.path.parent.name)


class EvidenceStore:
    """Keeps at most ``max_bytes`` for at most ``max_days`` below ``folder``. For one thread."""

    def __init__(
        self, folder: Path, max_bytes: int, max_days: int, clock_is_synchronized: Callable[[], bool] = lambda: True
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_days = max_days
        self._clock_is_synchronized = clock_is_synchronized
        self._kept: list[KeptPicture] = []
        self._bytes = 0
        self._surveyed_s: float | None = None

    def add(self, captured_at: datetime, number: str, what: str, content: bytes) -> Path:
        """Keep one picture and make room for it; its path below the folder. Raises OSError when the disk does."""
        path = (
            Path(f"{captured_at:%Y-%m-%d}")
            / f"{captured_at:%H%M%S}{captured_at.microsecond // 1000:03}-{number}-{what}"
        )
        path = path.with_name(path.name + _SUFFIX)
        self.enforce_limits()
        whole = self._folder / path
        whole.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_atomically(whole, content, mode=0o640, sync_file=False, sync_folder=False)
        self._kept.append(KeptPicture(path, len(content), time.time()))
        self._bytes += len(content)
        self._drop_surplus()
        return path

    def enforce_limits(self) -> None:
        """Enforce both bounds if an hour has passed since this was done last. Raises OSError when the disk does."""
        now_s = time.monotonic()
        if self._surveyed_s is not None and now_s - self._surveyed_s < SURVEY_S:
            return
        self._surveyed_s = now_s
        for draft in self._folder.glob("*/*.part"):  # a power cut left it
            draft.unlink(missing_ok=True)
        self._kept = sorted(list_pictures(self._folder), key=lambda kept: kept.kept_s)
        self._bytes = sum(kept.bytes_ for kept in self._kept)
        self._drop_surplus()

    def _drop_surplus(self) -> None:
        # Before the clock is set it tells nothing of ages; a Pi without a battery would empty the folder at each start.
        oldest_s = time.time() - self._max_days * DAY_S if self._clock_is_synchronized() else float("-inf")
        surplus = 0
        for kept in self._kept:
            if self._bytes <= self._max_bytes and kept.kept_s >= oldest_s:
                break
            delete_picture(self._folder, kept)
            self._bytes -= kept.bytes_
            surplus += 1
        del self._kept[:surplus]


def list_pictures(folder: Path) -> Iterator[KeptPicture]:
    """All pictures below ``folder``; files of other names are not ours and stay out of it."""
    for path in folder.glob(f"????-??-??/*-*-*{_SUFFIX}"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # deleted meanwhile
        yield KeptPicture(path.relative_to(folder), state.st_size, state.st_mtime)


def delete_picture(folder: Path, kept: KeptPicture) -> None:
    """Delete one picture, and its day's folder when that is empty. Raises OSError when the disk does."""
    path = folder / kept.path
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and next(path.parent.iterdir(), None) is None:
        path.parent.rmdir()


def select_pictures(folder: Path, *, number: str | None = None, before: date | None = None) -> list[KeptPicture]:
    """The pictures of ``number``, of days before ``before``, or both at once; without either all. Oldest first."""
    return sorted(
        (
            kept
            for kept in list_pictures(folder)
            if (number is None or kept.number == number) and (before is None or kept.day < before)
        ),
        key=lambda kept: kept.path,
    )


def delete_pictures(folder: Path, pictures: Iterable[KeptPicture]) -> None:
    """Delete them. Raises EvidenceError at the first that cannot be deleted."""
    for kept in pictures:
        try:
            delete_picture(folder, kept)
        except OSError as error:
            raise EvidenceError(
                f"{folder / kept.path}: cannot be deleted: {error.strerror}; are you its owner?"
            ) from error
