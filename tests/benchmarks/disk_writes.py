"""Bytes written to disk per passage, as the kernel counts them for this process (/proc/self/io, write_bytes).

    python -m tests.benchmarks.disk_writes [--passages 2000] [--folder .]

``--folder`` must be on a real disk, because a file system in memory counts nothing. Four kinds of day are measured:

* busy: the broker acknowledges each passage before the next one is stored,
* quiet: the same, but the next passage is stored more than half a minute later,
* rare: the same, but more than ten minutes later, so that the log is cleaned after each passage,
* offline: the broker is away all day and acknowledges everything in the evening.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from edge_lpr.config import OutboxSettings
from edge_lpr.geometry import Rect
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.messages.event import plate_message
from edge_lpr.mqtt.outbox import CLEAN_EVERY_S, Outbox
from edge_lpr.mqtt.passage_row import StoredPassage
from edge_lpr.mqtt.sender import WINDOW
from edge_lpr.passages import Direction, Passage
from edge_lpr.plates import Category, Color

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
PASSAGE = Passage(
    "京AF0236", 99, Color.BLUE, Category.STANDARD, 1, Rect(426, 423, 135, 66), NOON, NOON, 9, Direction.APPROACHING
)


def main() -> None:
    """Measures the three days and prints them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=2000)
    parser.add_argument("--folder", type=Path, default=Path())
    arguments = parser.parse_args()
    print(f"{compose(1).size} bytes in a passage; {arguments.passages} passages a day")
    for name, day, clean_every_s in DAYS:
        written = bytes_per_passage(day, arguments.passages, arguments.folder, clean_every_s)
        print(f"{written:8.0f} bytes written per passage  {name}")


def bytes_per_passage(
    day: Callable[[Outbox, int], None], passages: int, folder: Path, clean_every_s: float = CLEAN_EVERY_S
) -> float:
    """Returns the bytes that one day writes per passage, from the opening of the outbox to its closing."""
    with tempfile.TemporaryDirectory(dir=folder) as state:
        outbox = Outbox(Path(state), OutboxSettings(), clean_every_s=clean_every_s)
        outbox.open()
        before = written_bytes()
        day(outbox, passages)
        outbox.close()
        return (written_bytes() - before) / passages


def written_bytes() -> int:
    """Returns the bytes that this process has written to disk, without those of files that were deleted before."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines())
    return int(lines["write_bytes"]) - int(lines["cancelled_write_bytes"])


def compose(sequence: int) -> StoredPassage:
    """Returns a passage in the form in which the publisher stores it."""
    request_id = new_request_id()
    message = plate_message(
        PASSAGE,
        request_id=request_id,
        sequence=sequence,
        device_id="gate-1",
        camera_id="camera-1",
        clock_synchronized=True,
        published_at=NOON,
    )
    return StoredPassage(sequence, request_id, message.encode().decode(), int(NOON.timestamp()))


def busy_day(outbox: Outbox, passages: int) -> None:
    """Each passage is acknowledged, and soon the next one is stored."""
    for _ in range(passages):
        outbox.acknowledge([outbox.add(compose).sequence])


def quiet_day(outbox: Outbox, passages: int) -> None:
    """Each passage is acknowledged, and its row is deleted before the next one is stored."""
    for _ in range(passages):
        outbox.acknowledge([outbox.add(compose).sequence])
        outbox.delete_acknowledged()


def offline_day(outbox: Outbox, passages: int) -> None:
    """All passages are stored, and then acknowledged one window at a time, as the sender does it."""
    for _ in range(passages):
        outbox.add(compose)
    while waiting := outbox.pending(limit=WINDOW):
        outbox.acknowledge(passage.sequence for passage in waiting)


DAYS = (
    ("busy day", busy_day, CLEAN_EVERY_S),
    ("quiet day", quiet_day, CLEAN_EVERY_S),
    ("rare passages", quiet_day, 0.0),
    ("broker away all day", offline_day, CLEAN_EVERY_S),
)


if __name__ == "__main__":
    main()
