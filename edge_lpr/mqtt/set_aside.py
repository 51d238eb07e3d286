"""Damaged data of the outbox is set aside for a person: rows in a file of JSON lines, a damaged database as it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_lpr.host.private_files import FILE_MODE, create_private_file, restrict
from edge_lpr.mqtt.passage_row import DamagedRow

MAX_FILE_BYTES = 16 * 2**20
"""A row that would make the file larger is only counted."""

MAX_TEXT = 4096
"""Longest text of one column in the file."""

MAX_DATABASES = 4
"""Damaged databases that are kept. A failing card would fill itself with them; the first ones tell the most."""

_COMPANIONS = ("-wal", "-shm", "-journal")


def append_damaged_rows(path: Path, rows: Iterable[DamagedRow]) -> bool:
    """Appends ``rows`` to the file, and waits until they are on the disk. Raises OSError.

    Returns False if the file has reached its largest size and some rows were left out.
    """
    lines = [json.dumps(_document(row), ensure_ascii=False).encode() + b"\n" for row in rows]
    create_private_file(path)
    with path.open("ab") as file:
        free = MAX_FILE_BYTES - file.tell()
        kept: list[bytes] = []
        for line in lines:
            if len(line) <= free:
                kept.append(line)
                free -= len(line)
        file.write(b"".join(kept))
        file.flush()
        os.fsync(file.fileno())
    return len(kept) == len(lines)


def _document(row: DamagedRow) -> dict[str, Any]:
    return {
        "SetAsideAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "Reason": row.reason,
        "Sequence": row.sequence,
        "RequestId": _readable(row.request_id),
        "StoredAt": _readable(row.stored_at),
        "Message": _readable(row.message),
    }


def _readable(value: Any) -> Any:
    """Returns text for bytes; a byte that is not UTF-8 becomes an escape such as backslash xff."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    return text[:MAX_TEXT] if isinstance(text, str) else text


def move_aside(path: Path) -> Path | None:
    """Renames the database and its log to ``<name>.corrupt-<UTC time>``; returns the new path. Raises OSError.

    Deletes them and returns None if too many are kept already.
    """
    kept = [each for each in path.parent.glob(f"{path.name}.corrupt-*") if not each.name.endswith(_COMPANIONS)]
    target = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in (*_COMPANIONS, ""):  # last the database, so that its log is never left beside another one
        source = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError):
            if len(kept) >= MAX_DATABASES:
                source.unlink()
            else:
                source.rename(target.with_name(target.name + suffix))
                restrict(target.with_name(target.name + suffix), FILE_MODE)
    return None if len(kept) >= MAX_DATABASES else target
