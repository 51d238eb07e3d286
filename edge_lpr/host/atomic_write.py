"""Replaces a file in one step.

A reader finds the old content or the new content, and never a part of it; so does the next start after a power cut.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_atomically(
    path: Path,
    content: bytes,
    *,
    mode: int | None = None,
    group_id: int | None = None,
    sync_file: bool = True,
    sync_folder: bool = True,
) -> None:
    """Writes ``content`` to a draft beside ``path``, and renames the draft to ``path``.

    ``mode`` and ``group_id`` are those of the new file; None means the umask and the group of the process. A group
    that this process is not a member of is ignored. With ``sync_file`` the content is on the disk before the rename.
    With ``sync_folder`` the rename is on the disk on return. Raises OSError. An error before the rename leaves the old
    content.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.unlink(missing_ok=True)  # left by a power cut
        write_new_file(draft, content, mode=mode, group_id=group_id, sync=sync_file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    if sync_folder:
        flush_folder(path.parent)


def write_new_file(
    path: Path, content: bytes, *, mode: int | None = None, group_id: int | None = None, sync: bool = True
) -> None:
    """Creates the file ``path``. With a ``mode``, only this user can open the file before mode and group are set.

    ``sync`` waits until the content is on the disk. ``mode`` and ``group_id``: see ``write_atomically``. Raises
    OSError, and FileExistsError if ``path`` exists.
    """
    created_mode = 0o666 if mode is None else 0o600
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, created_mode), "wb") as file:
        if group_id is not None:
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), -1, group_id)
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Writes the entries of ``folder`` to the disk: files that were created, renamed or deleted. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
