"""Access to kept pictures for clients: by a checked name, never by a path.

A name is a day and a file name in exactly the form that ``store`` writes, so no name leads out of the folder. Only
regular files are opened, no symbolic links.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from edge_lpr.errors import EvidenceError
from edge_lpr.plates import ALPHABET

MAX_PICTURE = 32 * 1024 * 1024
"""Most bytes that are read of one picture."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FILE = re.compile(rf"[0-9]{{9}}-[{re.escape(ALPHABET)}]{{1,12}}-(crop|frame)\.jpg")


@dataclass(frozen=True, slots=True)
class PictureName:
    """The name of one picture. Raises ValueError for a name that ``store`` does not write."""

    day: str
    file: str

    def __post_init__(self) -> None:
        if not _DAY.fullmatch(self.day) or not _FILE.fullmatch(self.file):
            raise ValueError("not the name of a picture")
        self.captured_at  # noqa: B018  (raises ValueError for a day or time that does not exist)

    @classmethod
    def from_reference(cls, reference: str) -> PictureName:
        """Returns the name of the picture at the path or URL in ``Event.Evidence``."""
        day, file = unquote(reference).split("/")[-2:]
        return cls(day, file)

    @property
    def number(self) -> str:
        """The plate number."""
        return self.file.split("-")[1]

    @property
    def captured_at(self) -> datetime:
        """When the picture was taken, by the clock of the device."""
        return datetime.strptime(f"{self.day} {self.file[:9]}000", "%Y-%m-%d %H%M%S%f").astimezone()

    @property
    def reference(self) -> str:
        """The path below the evidence folder."""
        return f"{self.day}/{self.file}"

    @property
    def passage_pictures(self) -> tuple[PictureName, PictureName]:
        """The names of the crop and the frame of the same passage. Either picture may not exist."""
        stem = self.file.rpartition("-")[0]
        return PictureName(self.day, f"{stem}-crop.jpg"), PictureName(self.day, f"{stem}-frame.jpg")


def read_picture(folder: Path, name: PictureName) -> bytes:
    """Returns the JPEG file. Raises FileNotFoundError if there is none, EvidenceError if it cannot be read."""
    path = folder / name.reference
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise FileNotFoundError(path)
            return opened.read(MAX_PICTURE)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(path) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            raise FileNotFoundError(path) from error
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}; are you its owner?") from error


def delete_passage_pictures(folder: Path, name: PictureName) -> int:
    """Deletes all pictures of the passage that ``name`` belongs to; returns how many. Raises EvidenceError."""
    deleted = 0
    for each in name.passage_pictures:
        try:
            (folder / each.reference).unlink()
            deleted += 1
        except FileNotFoundError:
            continue
        except OSError as error:
            path = folder / each.reference
            raise EvidenceError(f"{path}: cannot be deleted: {error.strerror}; are you its owner?") from error
    return deleted


def newest_crops(folder: Path) -> Iterator[PictureName]:
    """Yields the names of the crops, newest first; lists only the days that are needed. Raises EvidenceError."""
    try:
        for day in sorted(filter(_DAY.fullmatch, _listed(folder)), reverse=True):
            for file in sorted(_listed(folder / day), reverse=True):
                if file.endswith("-crop.jpg") and _FILE.fullmatch(file):
                    yield PictureName(day, file)
    except OSError as error:
        raise EvidenceError(f"{folder}: cannot be listed: {error.strerror}; are you its owner?") from error


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
