"""Reads the passages of a damaged database page by page, without SQLite.

SQLite finds a row through the pages above it, so one damaged page hides all rows below it. Here each page is read by
itself: only the rows of the damaged page are lost. Newer pages are in the write-ahead log. Source: "Database File
Format", https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_lpr.mqtt.passage_row import MAX_MESSAGE_BYTES, DamagedRow, StoredPassage, parse_row

_MAGIC = b"SQLite format 3\0"
_LEAF = 0x0D
_DATABASE_HEADER_BYTES = 100
_LOG_HEADER = struct.Struct(">IIIIIIII")
_LOG_FRAME_BYTES = 24
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_PAGE_SIZES = frozenset(1 << shift for shift in range(9, 17))
_DEFAULT_PAGE_SIZES = (1024, 4096)
"""Page sizes of this program's databases: of new ones, and of those of version 0.1."""
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""Bytes of a value by its serial type."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogFrames:
    """The frames of a write-ahead log since it was last restarted.

    ``pages`` are the page numbers in order, 0 for an older frame; ``commits`` the indices of the frames that end a
    transaction. The checksums of the frames are not verified. ``has_header`` is False if the header of the log is
    damaged; SQLite then ignores the log.
    """

    page_size: int
    has_header: bool
    pages: tuple[int, ...]
    commits: tuple[int, ...]

    def commits_after(self, valid: int) -> int:
        """Returns how many transactions end after the first ``valid`` frames."""
        return sum(index >= valid for index in self.commits)


def log_path(database: Path) -> Path:
    """Returns the path of the write-ahead log of ``database``."""
    return database.with_name(database.name + "-wal")


def read_log_frames(path: Path) -> LogFrames | None:
    """Returns the frames of the log at ``path``; None if the log is missing or empty. Raises OSError."""
    try:
        with path.open("rb") as file:
            header = file.read(_LOG_HEADER.size)
            if not header:
                return None
            has_header = _is_log_header(header)
            page_size = _LOG_HEADER.unpack(header)[2] if has_header else _DEFAULT_PAGE_SIZES[0]
            salts = header[16:24] if has_header else None
            pages: list[int] = []
            commits: list[int] = []
            size = os.fstat(file.fileno()).st_size
            while len(frame := file.read(_LOG_FRAME_BYTES)) == _LOG_FRAME_BYTES:
                if file.tell() + page_size > size:
                    break  # a killed process was writing it: SQLite writes a frame whole before the disk confirms it
                salts = salts or frame[8:16]
                is_current = frame[8:16] == salts
                page, database_pages = struct.unpack(">II", frame[:8])
                if is_current and database_pages:
                    commits.append(len(pages))
                pages.append(page if is_current else 0)
                file.seek(page_size, os.SEEK_CUR)
    except FileNotFoundError:
        return None
    return LogFrames(page_size, has_header, tuple(pages), tuple(commits))


def _is_log_header(header: bytes) -> bool:
    """Returns whether the header is whole: its last 8 bytes are the checksum of those before."""
    if len(header) < _LOG_HEADER.size or int.from_bytes(header[:4], "big") not in _LOG_MAGIC:
        return False
    words = struct.unpack(">6I" if header[3] & 1 else "<6I", header[:24])
    sum_1 = sum_2 = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        sum_1 = sum_1 + even + sum_2 & 0xFFFFFFFF
        sum_2 = sum_2 + odd + sum_1 & 0xFFFFFFFF
    return header[24:] == struct.pack(">II", sum_1, sum_2)


class _File:
    """A file that is read block by block. A block that the disk cannot read counts as missing."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self.size = 0 if descriptor is None else os.fstat(descriptor).st_size

    def read(self, start: int, size: int) -> bytes:
        """Returns at most ``size`` bytes; fewer at the end of the file, none of a bad block."""
        if self._descriptor is None:
            return b""
        try:
            return os.pread(self._descriptor, size, start)
        except OSError as error:
            _log.debug("outbox: %d bytes at %d cannot be read: %s", size, start, error)
            return b""


class _Pages:
    """The newest version of each page, from the database file and its log."""

    def __init__(self, database: _File, log: _File, frames: LogFrames | None, size: int) -> None:
        self._database = database
        self._log = log
        self.size = size
        self._in_log: dict[int, int] = {}
        if frames is not None and frames.commits:
            most = database.size // size + len(frames.pages)  # a larger page number is damaged
            for index, number in enumerate(frames.pages[: frames.commits[-1] + 1]):
                if 0 < number <= most:
                    self._in_log[number] = _LOG_HEADER.size + index * (_LOG_FRAME_BYTES + size) + _LOG_FRAME_BYTES
        self.count = max(-(-database.size // size), *self._in_log, 0)

    def read(self, number: int) -> bytes:
        """Returns page ``number``, counted from 1; shorter than ``size`` if it is missing or cut off."""
        if number in self._in_log:
            return self._log.read(self._in_log[number], self.size)
        return self._database.read((number - 1) * self.size, self.size) if number else b""


def salvage(database: Path) -> Iterator[StoredPassage | DamagedRow]:
    """Yields the passages in the readable pages of ``database`` and its log, in no order, then the damaged rows.

    Each sequence number comes once, except for damaged rows. A file that is missing has no pages. Raises OSError.
    """
    log = log_path(database)
    frames = read_log_frames(log)
    with _opened(database) as content, _opened(log) as log_content:
        sets = [_Pages(content, log_content, frames, size) for size in _page_sizes(content, frames)]
        yield from _once(_all_rows(max(sets, key=_count_passages) if len(sets) > 1 else sets[0]))


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield _File(None)
        return
    try:
        yield _File(descriptor)
    finally:
        os.close(descriptor)


def _page_sizes(content: _File, frames: LogFrames | None) -> tuple[int, ...]:
    if frames is not None and frames.has_header:
        return (frames.page_size,)
    header = content.read(0, _DATABASE_HEADER_BYTES)
    named = int.from_bytes(header[16:18], "big")
    return (named,) if header.startswith(_MAGIC) and named in _PAGE_SIZES else _DEFAULT_PAGE_SIZES


def _count_passages(pages: _Pages) -> int:
    return sum(isinstance(row, StoredPassage) for row in _all_rows(pages))


def _once(rows: Iterator[StoredPassage | DamagedRow]) -> Iterator[StoredPassage | DamagedRow]:
    """Yields each sequence number once; the rows that are damaged, or have the number of another one, come last."""
    checksums: dict[int, int] = {}
    damaged: list[DamagedRow] = []
    for row in rows:
        if isinstance(row, DamagedRow):
            damaged.append(row)
        elif row.sequence not in checksums:
            checksums[row.sequence] = row.checksum
            yield row
        elif row.checksum != checksums[row.sequence]:
            reason = "another passage has the same sequence number"
            yield DamagedRow(row.sequence, reason, row.request_id, row.message, row.stored_at)
    # A damaged copy of a row whose whole copy was found is no loss.
    yield from (row for row in damaged if row.sequence not in checksums)


def _all_rows(pages: _Pages) -> Iterator[StoredPassage | DamagedRow]:
    for number in range(1, pages.count + 1):
        yield from _rows(pages.read(number), number, pages)


def _rows(page: bytes, number: int, pages: _Pages) -> Iterator[StoredPassage | DamagedRow]:
    """Yields the rows of the table ``passage`` in one page."""
    page_size = pages.size
    start = _DATABASE_HEADER_BYTES if number == 1 else 0
    if len(page) < page_size or page[start] != _LEAF:
        return
    cells = min(int.from_bytes(page[start + 3 : start + 5], "big"), page_size // 4)
    for at in range(start + 8, start + 8 + 2 * cells, 2):
        sequence = 0
        try:
            sequence, values = _cell(page, int.from_bytes(page[at : at + 2], "big"), pages)
        except (IndexError, ValueError, struct.error) as error:
            yield DamagedRow(sequence, f"its record on page {number} cannot be read ({error})")
            continue
        if number == 1 and values[0] is not None:
            continue  # a row of the schema
        padded = [*values[1:], None, None, None, None, None][:5]
        request_id, message, _, stored_at, checksum = padded
        yield parse_row((sequence, request_id, message, stored_at, checksum))


def _cell(page: bytes, at: int, pages: _Pages) -> tuple[int, list[Any]]:
    """Returns key and values of the record at ``at``. Raises ValueError or IndexError if it is damaged."""
    page_size = pages.size
    size, at = _varint(page, at)
    key, at = _varint(page, at)
    if size > MAX_MESSAGE_BYTES + page_size:
        raise ValueError(f"{size} bytes long")
    largest, smallest = page_size - 35, (page_size - 12) * 32 // 255 - 23
    local = size
    if size > largest:
        spilled = smallest + (size - smallest) % (page_size - 4)
        local = spilled if spilled <= largest else smallest
    record = page[at : at + local]
    following = int.from_bytes(page[at + local : at + local + 4], "big") if local < size else 0
    while len(record) < size:
        overflow = pages.read(following)
        if len(overflow) < page_size:
            raise ValueError("a page of it is missing")
        following = int.from_bytes(overflow[:4], "big")
        record += overflow[4 : 4 + size - len(record)]
    return _signed(key), _values(record)


def _values(record: bytes) -> list[Any]:
    header_end, at = _varint(record, 0)
    kinds: list[int] = []
    while at < header_end:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values: list[Any] = []
    for kind in kinds:
        size = _SIZES[kind] if kind < 12 else (kind - 12) // 2
        raw = record[at : at + size]
        if len(raw) < size:
            raise ValueError("its values are longer than the record")
        at += size
        values.append(_value(kind, raw))
    return values


def _value(kind: int, raw: bytes) -> Any:
    if kind == 0:
        return None
    if kind == 7:
        return struct.unpack(">d", raw)[0]
    if kind in (8, 9):
        return kind - 8
    return raw if kind >= 12 else int.from_bytes(raw, "big", signed=True)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Returns the variable-length integer at ``at``, unsigned, and the index after it."""
    value = 0
    for index in range(at, at + 8):
        value = value << 7 | content[index] & 0x7F
        if content[index] < 0x80:
            return value, index + 1
    return value << 8 | content[at + 8], at + 9


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
