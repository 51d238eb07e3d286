"""A secret is read without its line end, and a file that every user can read is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.host.secret_file import read_secret, warn_if_world_readable


def test_the_line_end_is_no_part_of_the_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes("pässword \r\n".encode())
    assert read_secret(tmp_path / "secret") == "pässword "


@pytest.mark.parametrize(("mode", "is_reported"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_that_every_user_can_read_is_reported(
    mode: int, is_reported: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret"
    path.write_text("secret")
    path.chmod(mode)
    warn_if_world_readable(path)
    assert ("chmod o-r" in caplog.text) is is_reported
