"""Where the sequence numbers continue, so that no number is used twice.

A subscriber takes a number that it knows for a repeat, and drops the passage. A gap in the numbers is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_lpr.host.atomic_write import write_atomically
from edge_lpr.host.private_files import FILE_MODE, restrict
from edge_lpr.mqtt.passage_row import MAX_SEQUENCE
from edge_lpr.mqtt.schema import Origin

BLOCK = 1000
"""Numbers that are reserved at once."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of the file: a number, or None with the ``problem``."""

    number: int | None
    problem: str | None


class HighWater:
    """A small file beside the database with the highest sequence number that may have been used.

    While passages are stored, the file is ahead of them by up to a thousand, so that it is seldom written. When the
    outbox is closed, it has the last number itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved: int | None = None

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._path.name

    def read(self) -> Mark:
        """Returns the number in the file."""
        try:
            number = int(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return Mark(None, "is missing")
        except OSError as error:
            return Mark(None, f"cannot be read ({error.strerror}); chown it to the user of the service")
        except ValueError:
            return Mark(None, "is damaged")
        return Mark(number, None) if 0 <= number <= MAX_SEQUENCE else Mark(None, "is damaged")

    def reserve(self, sequence: int) -> None:
        """Reserves a block that contains ``sequence``, if it is not reserved yet. Raises OSError."""
        if self._reserved is None:
            restrict(self._path)
            self._reserved = self.read().number or 0
        if sequence > self._reserved:
            self._write((sequence // BLOCK + 1) * BLOCK)

    def settle(self, last_sequence: int) -> None:
        """Writes the last number: no higher one will be used until the outbox is opened again. Raises OSError."""
        if self.read().number != last_sequence:
            self._write(last_sequence)

    def _write(self, number: int) -> None:
        write_atomically(self._path, f"{number}\n".encode("ascii"), mode=FILE_MODE, sync_folder=False)
        self._reserved = number


@dataclass(frozen=True, slots=True)
class Continuation:
    """The number after which the sequence continues, and what the operator must know; None if all is well."""

    after: int
    problem: str | None


def continuation(stored: int, origin: Origin, mark: Mark) -> Continuation:
    """Returns the number after which no number was ever used.

    ``stored`` is the last number in the database.
    """
    if mark.number is None:
        if origin == "new":
            return Continuation(0, None if mark.problem == "is missing" else "both have no last number")
        if origin == "uncertain":
            return Continuation(stored + BLOCK, "the database may be older by some passages")
        is_expected = origin == "older version" or stored == 0
        return Continuation(stored, None if is_expected else "this is the last number in the database")
    if stored >= mark.number:
        return Continuation(stored, None)
    if origin in ("complete", "older version") and mark.number - stored <= BLOCK + 1:
        return Continuation(stored, None)  # the rest of the reserved numbers
    lost = "the database is new" if origin == "new" else f"the last number in the database is {stored}"
    return Continuation(mark.number, f"{lost}; the passages after it are lost, or were never stored")
