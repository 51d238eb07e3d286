"""What root may do in folders that others may write to: nothing.

Whoever may write to a folder can put links in place of files there, at any moment. A program that works in it as root
then reads, writes or gives away files elsewhere. So root works only below folders that nobody else may write to, and in
a folder of another user with that user's rights.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
from pathlib import Path

from edge_lpr.errors import ConfigError

_log = logging.getLogger(__name__)


def require_folder_of_root(folder: Path) -> None:
    """Raises ConfigError if this process is root and somebody else may write to ``folder`` or to a folder above it.

    A missing folder is judged by the nearest one that exists. A folder with the sticky bit, such as /tmp, is accepted:
    nobody can replace there what another user has made.
    """
    if os.geteuid() != 0:
        return
    path = _nearest(folder)
    for each in (path, *path.parents):
        status = each.stat()
        others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if status.st_uid != 0:
            raise _refusal(each, f"belongs to {_user_name(status.st_uid)}")
        if others and not status.st_mode & stat.S_ISVTX:
            raise _refusal(
                each, "may be written by its group" if others == stat.S_IWGRP else "may be written by others"
            )


def act_as_owner_of(folder: Path) -> None:
    """Gives up root's rights for good, and takes those of the user who owns ``folder``, if that is not root.

    Does nothing in a process that is not root. A missing folder is judged by the nearest one that exists. A user who
    owns a link or a folder on the way counts as its owner. Raises ConfigError if these are several users, and if root
    owns all but somebody else may write there.
    """
    if os.geteuid() != 0:
        return
    owners = _owners(folder) - {0}
    if not owners:
        require_folder_of_root(folder)
        return
    if len(owners) > 1:
        names = " and ".join(sorted(map(_user_name, owners)))
        raise ConfigError(f"{folder}: is in the hands of {names}, so root does not work there; give it to one of them")
    (user_id,) = owners
    group_id = _nearest(folder).stat().st_gid
    try:
        account = pwd.getpwuid(user_id)
    except KeyError:
        os.setgroups([])
    else:
        group_id = account.pw_gid
        os.initgroups(account.pw_name, group_id)
    os.setgid(group_id)
    os.setuid(user_id)
    _log.info("working as %s, the owner of %s", _user_name(user_id), folder)


def _owners(folder: Path) -> set[int]:
    """Returns the owners of ``folder`` and of all links and folders on the way to it."""
    named, real = folder.absolute(), _nearest(folder)
    ways = {named, *named.parents, real, *real.parents}
    return {each.lstat().st_uid for each in ways if os.path.lexists(each)}


def _nearest(folder: Path) -> Path:
    path = folder.resolve()
    while not path.exists():
        path = path.parent
    return path


def _refusal(folder: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"{folder}: {reason}, so root does not write there: links in it could lead anywhere;"
        f" sudo chown root {folder} && sudo chmod go-w {folder}"
    )


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"
