"""Writes settings and password atomically, and keeps a copy of the old files."""

from __future__ import annotations

import errno
import grp
import os
import secrets
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from edge_lpr.config.document import MAX_BYTES
from edge_lpr.errors import ConfigError
from edge_lpr.host.atomic_write import write_new_file
from edge_lpr.host.root_rights import require_folder_of_root

GROUP = "edge-lpr"
MODE = 0o640
"""Only the owner and the service's group may read: a stream's address may hold a password."""


def check_writable(path: Path) -> None:
    """Raises ConfigError if ``path`` cannot be written; called before the first question."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: may not be written by this user; run it with sudo, or name another file with -c")
    require_folder_of_root(path.parent)


def backup_path(path: Path) -> Path:
    """Returns an unused path in the same folder, with the present time in its name."""
    name = f"{path.name}.{datetime.now():%Y%m%d-%H%M%S}"
    taken = 0
    while os.path.lexists(backup := path.with_name(f"{name}-{taken}" if taken else name)):
        taken += 1
    return backup


def write_all(texts: Mapping[Path, str], backups: Mapping[Path, Path]) -> None:
    """Writes each text to its file, whole or not at all; first copies the files of ``backups`` to their new paths.

    Signals wait until all is done. Raises ConfigError; then no file has changed.
    """
    written: list[tuple[Path, Path]] = []
    with _uninterrupted():
        try:
            for path, text in texts.items():
                require_folder_of_root(path.parent)
                path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                written.append((_beside(path, text), path))
            for path, backup in backups.items():
                _copy(path, backup)
            for made, path in written:
                made.replace(path)
        except OSError as error:
            raise ConfigError(f"{error.filename}: cannot be written: {error.strerror}; nothing was changed") from error
        finally:
            for made, _ in written:
                made.unlink(missing_ok=True)


def _copy(path: Path, backup: Path) -> None:
    """Copies a file to a new one. Neither is followed if it is a link. Raises OSError."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise OSError(errno.EINVAL, "it is no ordinary file, or has a second name", str(path))
        write_new_file(backup, file.read(MAX_BYTES), mode=0o600)
    _own(backup, path)


def _beside(path: Path, text: str) -> Path:
    """Returns a finished file in the same folder, ready to replace ``path``."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_new_file(made, text.encode("utf-8"), mode=0o600)
        _own(made, path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return made


def _own(made: Path, like: Path) -> None:
    """Gives ``made`` the owner of ``like``; if that does not exist, the service's group."""
    descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if os.geteuid() == 0:  # without root the writer owns the file
            owner = like.lstat() if os.path.lexists(like) else None
            groups = [group.gr_gid for group in grp.getgrall() if group.gr_name == GROUP]
            if owner is not None:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            elif groups:
                os.fchown(descriptor, -1, groups[0])
        os.fchmod(descriptor, MODE)
    finally:
        os.close(descriptor)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
