"""A waiting passage, and the check of its row in the database.

A failing card or a power cut may change any byte of a row. Each row has a checksum, so a changed row is found before it
is sent: it could be a wrong plate number in valid JSON.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_MESSAGE_BYTES = 2**20
"""Largest message in bytes. A passage has less than 1 KiB, so a larger one is not a passage of this program."""

MAX_SEQUENCE = 2**53
"""Largest sequence number: the largest integer that every JSON reader takes exactly."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """One waiting passage.

    ``message`` is the JSON text of ``{"Response", "Event"}``; PublishedAt and Replayed are set when it is sent.
    ``stored_at`` is in seconds since 1970, None if the clock was not synchronized.
    """

    sequence: int
    request_id: str
    message: str
    stored_at: int | None = None

    @property
    def size(self) -> int:
        """Size of the message in bytes, as UTF-8."""
        return len(self.message.encode())

    @property
    def checksum(self) -> int:
        """CRC-32 of the row."""
        return zlib.crc32(f"{self.sequence}\n{self.request_id}\n{self.stored_at}\n{self.message}".encode())


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row that cannot be sent, with the ``reason``. ``sequence`` is its key in the table, also if that is wrong."""

    sequence: int
    reason: str
    request_id: Any = None
    message: Any = None
    stored_at: Any = None


def parse_row(row: Sequence[Any]) -> StoredPassage | DamagedRow:
    """Returns the passage in ``row``: sequence, request_id, message, stored_at, checksum.

    Texts are ``bytes``, because text that is not UTF-8 must be readable too. ``checksum`` is None in a row of an older
    version.
    """
    sequence, request_id, message, stored_at, checksum = row
    reason = _fault(sequence, request_id, message, stored_at, checksum)
    if reason is None:
        try:
            passage = StoredPassage(sequence, request_id.decode(), message.decode(), stored_at)
        except UnicodeDecodeError:
            reason = "a text is not UTF-8"
        else:
            if checksum in (None, passage.checksum):
                return passage
            reason = "its checksum is wrong"
    return DamagedRow(sequence, reason, request_id, message, stored_at)


def _fault(sequence: Any, request_id: Any, message: Any, stored_at: Any, checksum: Any) -> str | None:
    if not 1 <= sequence <= MAX_SEQUENCE:
        return f"{sequence} is not a sequence number"
    for name, value in (("request_id", request_id), ("message", message)):
        if not isinstance(value, bytes):
            return f"{name} is not text"
    for name, value in (("stored_at", stored_at), ("checksum", checksum)):
        if not isinstance(value, int | None):
            return f"{name} is not a number"
    if len(message) > MAX_MESSAGE_BYTES:
        return f"the message has {len(message)} bytes"
    return None
