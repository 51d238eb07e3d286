"""Inspects the machine's disk from outside after a power cut, before the machine boots from it again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.system.host import PATH, SystemTestError

OUTBOX = "/var/lib/edge-lpr/outbox.db"
_CORRECTED = 1
"""e2fsck's exit code after automatic corrections, such as files that were deleted while open."""


@dataclass(frozen=True)
class DiskState:
    """The result. ``waiting`` has the RequestIds in the outbox by sequence number, acknowledged or not."""

    file_system: str
    waiting: dict[int, str]


def inspect_disk(disk: Path, folder: Path) -> DiskState:
    """Replays the file system's journal on a copy of ``disk``, checks it, and reads the outbox.

    Raises SystemTestError if the file system or the outbox is damaged.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    copy = folder / "disk.ext4"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", disk, copy], check=True)
    file_system = _check(copy)
    waiting = _outbox(copy, folder)
    shutil.rmtree(folder)
    return DiskState(file_system, waiting)


def _check(disk: Path) -> str:
    corrected = _run("e2fsck", "-f", "-p", disk)
    output = (corrected.stdout + corrected.stderr).strip()
    if corrected.returncode > _CORRECTED:
        raise SystemTestError(f"the file system is damaged: {output}")
    again = _run("e2fsck", "-f", "-n", disk)
    if again.returncode:
        raise SystemTestError(f"the file system is still damaged after its journal was replayed: {again.stdout}")
    orphans = output.count("Clearing orphaned inode")
    journal = "journal replayed" if "recovering journal" in output else "journal empty"
    return f"{journal}, clean" + (f", {orphans} orphans" if orphans else "")


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": PATH}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def _outbox(disk: Path, folder: Path) -> dict[int, str]:
    for suffix in ("", "-wal"):
        _run("debugfs", "-R", f"dump {OUTBOX}{suffix} {folder / 'outbox.db'}{suffix}", disk)
    outbox = folder / "outbox.db"
    if not outbox.exists() or not outbox.stat().st_size:
        raise SystemTestError(f"{OUTBOX} is missing")
    database = sqlite3.connect(outbox)
    try:
        found = database.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            raise SystemTestError(f"the outbox is damaged: {found}")
        return dict(database.execute("SELECT sequence, request_id FROM passage ORDER BY sequence"))
    except sqlite3.DatabaseError as error:
        raise SystemTestError(f"the outbox cannot be read: {error}") from error
    finally:
        database.close()
