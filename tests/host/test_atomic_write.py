"""A file is replaced as a whole, with the mode and group asked for, and a failure leaves the old content."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edge_lpr.host.atomic_write import write_atomically, write_new_file


def test_the_content_is_replaced_and_no_draft_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    (tmp_path / ".file.part").write_bytes(b"left by a power cut")
    write_atomically(path, b"new", mode=0o640, group_id=os.getgid())
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_mode_the_umask_decides(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"new", sync_file=False, sync_folder=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_failed_rename_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_new_file(path, b"old")
    with pytest.raises(FileExistsError):
        write_new_file(path, b"new")
    assert path.read_bytes() == b"old"
