"""``edge-lpr models``: installing and rolling back, and refusals with one line that change nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_lpr import cli
from edge_lpr.model_store.archive import MAX_ARCHIVE_BYTES, write_archive
from tests.support.model_archives import archive_of_version, changed, shipped, tar, with_model

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("models_dir")


class ModelsCommand:
    """The command ``edge-lpr models`` with the settings of a gate."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.store_folder = folder / "state" / "models"
        self._config = folder / "config.yaml"
        self._capsys = capsys
        self.write_settings()

    def write_settings(self, **reader: object) -> None:
        settings = {"device": {"state_dir": "state"}, "reader": {"threads": 1, **reader}}
        self._config.write_text(json.dumps(settings), encoding="utf-8")

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Returns the exit code, standard output and standard error."""
        needs_config = words[0] in ("list", "install", "rollback")
        options = ("-c", str(self._config)) if needs_config else ()
        code = cli.main(["models", *map(str, words), *options])
        return code, *self._capsys.readouterr()

    def run_ok(self, *words: str | Path) -> str:
        """Returns standard output of a command that must succeed."""
        code, output, error = self.run(*words)
        assert (code, error) == (0, "")
        return output

    def uses(self) -> list[tuple[str, str]]:
        """Returns the use and the recognizer's version of each listed pair."""
        lines = [line.rpartition("recognizer ") for line in self.run_ok("list").splitlines()]
        return [(line[12:22].strip(), version) for line, _, version in lines]

    def files(self) -> dict[str, bytes]:
        """Returns the files in the store with their contents."""
        return {str(path): path.read_bytes() for path in sorted(self.store_folder.rglob("*")) if path.is_file()}


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ModelsCommand:
    return ModelsCommand(tmp_path, capsys)


VERSION = json.loads(shipped()["recognizer.json"])["version"]


def test_install_and_roll_back(command: ModelsCommand) -> None:
    assert command.uses() == [("in use", VERSION)]
    assert "shipped was before" in command.run_ok("install", archive_of_version(command.folder, "9.0"))
    assert command.uses() == [("before", VERSION), ("in use", "9.0")]
    command.run_ok("install", archive_of_version(command.folder, "9.1"))
    assert sorted(command.uses()) == [("", VERSION), ("before", "9.0"), ("in use", "9.1")]
    command.run_ok("rollback")
    assert sorted(command.uses()) == [("", VERSION), ("before", "9.1"), ("in use", "9.0")]
    command.run_ok("install", archive_of_version(command.folder, "9.2"))
    assert sorted(command.uses()) == [("", VERSION), ("before", "9.0"), ("in use", "9.2")], "9.1 is deleted"
    command.run_ok("rollback", "--shipped")
    assert sorted(command.uses()) == [("before", "9.2"), ("in use", VERSION)]
    command.run_ok("rollback")
    assert "is in use already" in command.run_ok("install", archive_of_version(command.folder, "9.2"))
    assert sorted(command.uses()) == [("before", VERSION), ("in use", "9.2")]


def test_a_packed_archive_is_verified_and_installed(command: ModelsCommand) -> None:
    source, archive = command.folder / "mine", command.folder / "mine.tar"
    source.mkdir()
    for name, content in changed("detector", version="7.7").items():
        (source / name).write_bytes(content)
    command.run_ok("pack", source, archive)
    assert "detector 7.7" in command.run_ok("verify", archive)
    assert not command.store_folder.exists(), "verify changes nothing"
    assert "detector 7.7" in command.run_ok("install", archive)
    (source / "recognizer.tflite").write_bytes(b"")
    code, _, error = command.run("pack", source, archive)
    assert code == 1 and "SHA-256" in error


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, link
    return member


def _without(name: str) -> dict[str, bytes]:
    return {each: content for each, content in shipped().items() if each != name}


def _flipped() -> dict[str, bytes]:
    content = shipped()["recognizer.tflite"]
    return shipped() | {"recognizer.tflite": content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]}


def _cut_short(path: Path) -> None:
    write_archive(shipped(), path)
    os.truncate(path, 400_000)


def _zipped(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in shipped().items():
            archive.addfile(_header(name, len(content)), io.BytesIO(content))


def _enormous(path: Path) -> None:
    path.touch()
    os.truncate(path, MAX_ARCHIVE_BYTES + 1)


DETECTOR = json.loads(shipped()["detector.json"])
NARROW = DETECTOR["input"] | {"shape": [1, 384, 320, 3]}
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (_cut_short, "not an archive of models, or is damaged"),
    "empty": (Path.touch, "not an archive of models"),
    "no tar": (lambda path: path.write_bytes(os.urandom(5000)), "not an archive of models"),
    "compressed": (_zipped, "not an archive of models"),
    "larger than any": (_enormous, "has more than 32 MB"),
    "a folder": (Path.mkdir, "cannot be read"),
    "one changed byte": (lambda path: tar(path, _flipped()), "recognizer.tflite: its SHA-256"),
    "one file less": (lambda path: tar(path, _without("detector.json")), "lacks detector.json"),
    "one file more": (lambda path: tar(path, shipped() | {"run.sh": b"#!"}), "holds 'run.sh'"),
    "one twice": (lambda path: tar(path, shipped(), _header("detector.json", 0)), "holds detector.json twice"),
    "upwards": (lambda path: tar(path, {"../../detector.json": b"{}"}), "holds '../../detector.json'"),
    "absolute": (lambda path: tar(path, {"/etc/cron.d/detector.json": b"{}"}), "holds '/etc/cron.d"),
    "a link": (
        lambda path: tar(path, {}, _header("detector.json", 0, tarfile.SYMTYPE, "/etc/passwd")), "plain file",
    ),
    "claims much": (lambda path: tar(path, {}, _header("detector.tflite", 1 << 40)), "of 1099511627776 bytes"),
    "claims less than nothing": (lambda path: tar(path, {}, _header("detector.tflite", -512)), "of -512 bytes"),
    "no sidecar": (lambda path: tar(path, shipped() | {"detector.json": b"[1]"}), "not a model sidecar"),
    "a sidecar of other shapes": (lambda path: tar(path, changed("detector", input=NARROW)), "has shape"),
    "other shapes in the model": (
        lambda path: tar(path, with_model("detector", shipped()["recognizer.tflite"])), "but its sidecar says",
    ),
    "no model": (lambda path: tar(path, with_model("detector", b"\0" * 4096)), "the runtime cannot load it"),
    "no threshold": (lambda path: tar(path, changed("detector", thresholds={"score": 1.0})), "between 0 and 1"),
    "blind": (
        lambda path: tar(path, changed("detector", thresholds={"score": 0.999999999})), "no plate in the self-test",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_is_one_line_and_changes_nothing(command: ModelsCommand, kind: str) -> None:
    command.run_ok("install", archive_of_version(command.folder, "9.0"))
    before = command.files()
    make, words = REFUSED[kind]
    path = command.folder / "bad.tar"
    make(path)
    for verb in ("verify", "install"):
        code, output, error = command.run(verb, path)
        assert (code, output, error.count("\n")) == (2, "", 1)
        assert error.startswith(f"edge-lpr: {path}: ") or error.startswith(f"edge-lpr: {path}/")
        assert words in error
    assert command.files() == before


def test_rollback_without_a_previous_pair(command: ModelsCommand) -> None:
    code, _, error = command.run("rollback")
    assert (code, error.count("\n")) == (2, 1)
    assert "no previous pair" in error
    assert command.files() == {}


def test_rollback_to_a_damaged_pair(command: ModelsCommand) -> None:
    command.run_ok("install", archive_of_version(command.folder, "9.0"))
    command.run_ok("install", archive_of_version(command.folder, "9.1"))
    (old,) = (path.parent for path in command.store_folder.glob("*/recognizer.json") if b"9.0" in path.read_bytes())
    (old / "detector.tflite").write_bytes(b"")
    before = command.files()
    code, _, error = command.run("rollback")
    assert (code, error.count("\n")) == (1, 1)
    assert "SHA-256" in error
    assert command.files() == before
    assert "damaged: " in command.run_ok("list")
    command.run_ok("install", archive_of_version(command.folder, "9.0"))
    assert "damaged" not in command.run_ok("list"), "installing it again repairs it"


def test_the_next_choice_replaces_a_damaged_one(command: ModelsCommand) -> None:
    command.run_ok("install", archive_of_version(command.folder, "9.0"))
    (command.store_folder / "active.json").write_text('{"active": "../../../etc", "previous": "shipped"}')
    code, _, error = command.run("list")
    assert (code, error.count("\n")) == (1, 1)
    assert "active.json: is damaged" in error
    command.run_ok("install", archive_of_version(command.folder, "9.0"))
    assert command.uses()[-1] == ("in use", "9.0")


def test_the_folder_in_the_settings_has_priority(command: ModelsCommand, models_dir: Path) -> None:
    command.write_settings(models_dir=str(models_dir))
    for words in (["install", archive_of_version(command.folder, "9.0")], ["rollback"]):
        code, _, error = command.run(*words)
        assert (code, error.count("\n")) == (2, 1)
        assert "reader.models_dir" in error
    assert command.run_ok("list").startswith(f"{models_dir}  in use  ")


def test_a_power_cut_at_any_step_leaves_a_pair_that_works(command: ModelsCommand) -> None:
    command.run_ok("install", archive_of_version(command.folder, "9.0"))
    command.run_ok("install", archive_of_version(command.folder, "9.1"))
    (command.store_folder / ".draft-of-an-earlier-cut").mkdir()
    program = [sys.executable, "-m", "tests.model_store.power_cuts", "config.yaml", "9.2.tar"]
    archive_of_version(command.folder, "9.2")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        program, cwd=command.folder, env=environment, capture_output=True, text=True, check=False, timeout=170
    )
    assert result.returncode == 0, result.stderr
    versions = result.stdout.split()
    assert versions == sorted(versions) and {"9.1", "9.2"} == set(versions)
    assert versions.count("9.1") >= 9, "a cut before each step"
    command.run_ok("rollback")
    assert ("in use", "9.1") in command.uses()
    assert not list(command.store_folder.glob(".draft-*")), "drafts left by the cuts are deleted"
