"""Pseudonymous statistics: plate numbers as keyed hashes, under a key that is deleted after some days.

The same vehicle has the same ``Vehicle`` while the key lasts, so that visits can be counted. After that nothing links
the old hashes to numbers or to new hashes. A plain hash would not be enough: there are so few plate numbers that all of
them can be hashed within minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable
from datetime import date
from pathlib import Path

from edge_lpr.errors import EvidenceError
from edge_lpr.host.atomic_write import write_atomically
from edge_lpr.messages.statistics import StatisticsMessage, statistics_message
from edge_lpr.passages import Passage

KEY_BYTES = 32
KEY_FILE = "statistics-key.json"

_log = logging.getLogger(__name__)


class Pseudonyms:
    """Hashes numbers with the key in ``folder``, which only its owner can read; the key lasts ``key_days`` days."""

    def __init__(self, folder: Path, key_days: int) -> None:
        self._path = folder / KEY_FILE
        self._key_days = key_days
        self._key = b""
        self._begun: date | None = None

    def of(self, number: str, today: date) -> str:
        """Returns the pseudonym of ``number``, 32 hex digits. Raises EvidenceError if the key cannot be kept."""
        if self._begun is None:
            self._load()
        # A day before the key's first day means that the clock was wrong; a key must not last longer because of that.
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
            return  # a power cut damaged the file: a new key replaces it, and one day's counts are split

    def _renew(self, today: date) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        content = json.dumps({"Key": key.hex(), "Begun": today.isoformat()}).encode("ascii")
        try:
            write_atomically(self._path, content, mode=0o600, sync_file=False, sync_folder=False)
        except OSError as error:
            raise EvidenceError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._key, self._begun = key, today


class PassageStatistics:
    """Publishes the statistic of each passage."""

    def __init__(self, pseudonyms: Pseudonyms, device_id: str, send: Callable[[StatisticsMessage], None]) -> None:
        self._pseudonyms = pseudonyms
        self._device_id = device_id
        self._send = send

    def publish(self, passage: Passage) -> None:
        """Publishes ``passage`` without its number. A passage without a pseudonym is logged and not counted."""
        try:
            vehicle = self._pseudonyms.of(passage.number, passage.captured_at.date())
        except EvidenceError as error:
            _log.error("statistics: %s; this passage is not counted", error)
            return
        self._send(statistics_message(passage, vehicle=vehicle, device_id=self._device_id))
