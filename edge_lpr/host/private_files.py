"""Files and folders that only the user of the service can read, whatever the umask of the process is."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700

_log = logging.getLogger(__name__)


def create_private_folder(folder: Path, mode: int = FOLDER_MODE) -> None:
    """Creates ``folder`` and its missing parents with ``mode``; an existing folder stays as it is. Raises OSError.

    An existing folder may be one that the operator shares with other programs, so its mode is not changed.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        each.chmod(mode)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))


def create_private_file(path: Path) -> None:
    """Creates an empty file for this user alone; removes the wider permissions of an existing one. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError:
        restrict(path)
        return
    try:
        os.fchmod(descriptor, FILE_MODE)  # a umask may have removed permissions of the owner
    finally:
        os.close(descriptor)


def restrict(path: Path, mode: int = FILE_MODE) -> None:
    """Removes the permissions of ``path`` that are not in ``mode``.

    Does nothing if there is no such file. Logs a warning if this user may not change it. Symbolic links are not
    followed, because the file may be another program's.
    """
    try:
        state = path.lstat()
        if stat.S_ISLNK(state.st_mode) or not stat.S_IMODE(state.st_mode) & ~mode:
            return
        path.chmod(stat.S_IMODE(state.st_mode) & mode)
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning(
            "%s: other users may read it, and its permissions cannot be changed: %s; chmod it to %o, or chown it to the"
            " user of the service",
            *(path, error.strerror, mode),
        )
