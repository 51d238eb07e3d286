"""Root does not work in folders that others may write to; in another user's folder it works with that user's rights."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge_lpr.errors import ConfigError
from edge_lpr.host.root_rights import require_folder_of_root
from edge_lpr.setup.files import backup_path, write_all

OTHER = 12345
"""A user id without an account."""

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to another user")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True, mode=0o755)
    return folder


def test_a_folder_that_only_root_may_write_is_accepted(folder: Path) -> None:
    require_folder_of_root(folder)
    require_folder_of_root(folder / "missing" / "deeper")


@pytest.mark.parametrize("at", ["folder", "above"])
@pytest.mark.parametrize(
    ("mode", "owner", "words"),
    [(0o775, 0, "its group"), (0o757, 0, "others"), (0o755, OTHER, f"belongs to user {OTHER}")],
)
def test_a_folder_that_others_may_write_is_refused(folder: Path, at: str, mode: int, owner: int, words: str) -> None:
    changed = folder if at == "folder" else folder.parent
    changed.chmod(mode)
    os.chown(changed, owner, OTHER)
    for asked in (folder, folder / "missing"):
        with pytest.raises(ConfigError, match=f"^{changed}: .*{words}.*sudo chown root {changed}") as caught:
            require_folder_of_root(asked)
        assert "\n" not in str(caught.value)


def test_the_sticky_bit_makes_a_folder_of_all_acceptable(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    require_folder_of_root(folder)


def test_a_link_does_not_hide_a_folder_of_another_user(folder: Path, tmp_path: Path) -> None:
    os.chown(folder, OTHER, OTHER)
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(ConfigError, match="belongs to"):
        require_folder_of_root(link)


def edge_lpr(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_lpr.cli", *arguments, "-c", str(config)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def config(tmp_path: Path, folder: Path) -> Path:
    """Settings that all may read, with a state folder of another user."""
    for each in (tmp_path, *tmp_path.parents[:3]):
        each.chmod(each.stat().st_mode | 0o055)  # pytest keeps its folders to root
    os.chown(folder, OTHER, OTHER)
    path = tmp_path / "config.yaml"
    settings = {
        "device": {"state_dir": str(folder)},
        "camera": {"type": "photos", "source": str(tmp_path / "photos")},
        "evidence": {"keep": "crops"},
    }
    path.write_text(yaml.safe_dump(settings))
    (tmp_path / "photos").mkdir()
    return path


@pytest.mark.parametrize(
    "command", [("run",), ("check",), ("models", "rollback", "--shipped"), ("evidence", "--delete")]
)
def test_commands_that_root_runs_follow_no_link_of_the_services_user(
    config: Path, folder: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    secret = tmp_path / "only-root"
    secret.mkdir(mode=0o700)
    day = secret / "2025-03-01"
    day.mkdir()
    crop = day / "081502480-京AF0236-crop.jpg"
    crop.write_bytes(b"x")
    for name in ("outbox.db", "outbox.high-water", "models", "lanes.yaml", ".outbox.high-water.part", "quota.sqlite3"):
        (folder / name).symlink_to(secret / name)
    (folder / "evidence").symlink_to(secret)
    edge_lpr(config, *command)
    assert sorted(path.name for path in secret.rglob("*")) == ["081502480-京AF0236-crop.jpg", "2025-03-01"]
    assert {path.lstat().st_uid for path in folder.iterdir() if not path.is_symlink()} <= {OTHER}


def test_setup_leaves_what_links_lead_to(folder: Path, tmp_path: Path) -> None:
    config = folder / "config.yaml"
    config.write_text("old\n")
    target = tmp_path / "target"
    backup = backup_path(config)
    backup.symlink_to(target)  # dangling: it does not exist, and a copy would follow it
    unused = backup_path(config)
    assert unused != backup
    with pytest.raises(ConfigError, match="cannot be written"):
        write_all({config: "new\n"}, {config: backup})
    assert not target.exists() and config.read_text() == "old\n"
    write_all({config: "new\n"}, {config: unused})
    assert (config.read_text(), unused.read_text()) == ("new\n", "old\n")


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_setup_copies_ordinary_files_only(folder: Path, tmp_path: Path, kind: str) -> None:
    password, other = folder / "mqtt-password", tmp_path / "other"
    other.write_text("secret of root\n")
    if kind == "link":
        password.symlink_to(other)
    elif kind == "hard link":
        password.hardlink_to(other)
    else:
        os.mkfifo(password)
    backup = backup_path(password)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_all({password: "new\n"}, {password: backup})
    assert not backup.exists() and other.read_text() == "secret of root\n"


def test_setup_refuses_a_folder_of_others(folder: Path) -> None:
    folder.chmod(0o770)
    with pytest.raises(ConfigError, match="root does not write there"):
        write_all({folder / "config.yaml": "new\n"}, {})
    assert list(folder.iterdir()) == []
