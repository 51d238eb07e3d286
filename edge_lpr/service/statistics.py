"""Counting vehicles without knowing them: numbers as keyed hashes, under a key that is thrown away in time.

The same vehicle has the same ``Vehicle`` while the key lasts, so that visits can be counted; afterwards nothing links
the old hashes to numbers or to new hashes, for anybody. A plain hash would not do: there are few enough plate numbers
to hash them all within minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from datetime import date, datetime
from pathlib import Path

from edge_lpr.errors import EvidenceError
from edge_lpr.messages.payloads import JsonObject, timestamp
from edge_lpr.passages import Passage

KEY_BYTES = 32
KEY_FILE = "statistics-key.json"


class Pseudonyms:
    """The key in ``folder``, which nobody else should read; a new one after ``key_days`` days."""

    def __init__(self, folder: Path, key_days: int) -> None:
        self._path = folder / KEY_FILE
        self._key_days = key_days
        self._key = b""
        self._begun: date | None = None

    def of(self, number: str, today: date) -> str:
        """The pseudonym of ``number``, 32 hexadecimal digits. Raises EvidenceError when the key cannot be kept."""
        if self._begun is None:
            self._load()
        # A day before the key's first: the clock was wrong, then or now, and no key may outlive its days by that.
        if self._begun is None or not 0 <= (today - self._begun).days < self._key_days:
            self._renew(today)
        return hmac.new(self._key, number.encode(), hashlib.sha256).hexdigest()[:32]

    def _load(self) -> None:
        try:
            content = json.loads(self._path.read_text(encoding="ascii"))
            self._key, self._begun = bytes.fromhex(content["Key"]), date.fromisoformat(content["Begun"])
        except FileNotFoundError:
            return
        except OSError as error:
            raise EvidenceError(f"{self._path}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError):
            return  # a power cut garbled it: a new key is the way out, and costs one day's counting

    def _renew(self, today: date) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        draft = self._path.with_suffix(".part")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                json.dump({"Key": key.hex(), "Begun": today.isoformat()}, file)
            draft.replace(self._path)
        except OSError as error:
            raise EvidenceError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._key, self._begun = key, today


def statistic(passage: Passage, pseudonyms: Pseudonyms, device_id: str) -> JsonObject:
    """The payload of the topic ``statistics``: a passage without its number, its picture and its exact time."""
    at = passage.captured_at
    hour = datetime(at.year, at.month, at.day, at.hour, tzinfo=at.tzinfo)
    return {
        "DeviceId": device_id,
        "Hour": timestamp(hour),
        "Vehicle": pseudonyms.of(passage.number, at.date()),
        "Color": str(passage.color),
        "LicensePlateCategory": str(passage.category),
        "Direction": str(passage.direction),
        "Crossing": None if passage.crossing is None else str(passage.crossing),
    }
