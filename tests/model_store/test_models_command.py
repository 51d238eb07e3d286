"""``edge-lpr models``: what goes onto the store and into use, and what is refused in one line and changes nothing."""

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


class Desk:
    """The command line, with a gate's settings."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.store = folder / "state" / "models"
        self._config = folder / "config.yaml"
        self._capsys = capsys
        self.set()

    def set(self, **reader: object) -> None:
        settings = {"device": {"state_dir": "state"}, "reader": {"threads": 1, **reader}}
        self._config.write_text(json.dumps(settings), encoding="utf-8")

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """The exit code and the two streams of ``edge-lpr models``."""
        needs_config = words[0] in ("list", "install", "rollback")
        options = ("-c", str(self._config)) if needs_config else ()
        code = cli.main(["models", *map(str, words), *options])
        return code, *self._capsys.readouterr()

    def does(self, *words: str | Path) -> str:
        """What it said when it went well."""
        code, said, complaint = self.run(*words)
        assert (code, complaint) == (0, "")
        return said

    def uses(self) -> list[tuple[str, str]]:
        """Of the listed pairs, use and the recognizer's version."""
        lines = [line.rpartition("recognizer ") for line in self.does("list").splitlines()]
        return [(line[12:22].strip(), version) for line, _, version in lines]

    def files(self) -> dict[str, bytes]:
        """All that is on the store."""
        return {str(path): path.read_bytes() for path in sorted(self.store.rglob("*")) if path.is_file()}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


VERSION = json.loads(shipped()["recognizer.json"])["version"]


def test_pairs_go_in_and_back_again(desk: Desk) -> None:
    assert desk.uses() == [("in use", VERSION)]
    assert "shipped was before" in desk.does("install", archive_of_version(desk.folder, "9.0"))
    assert desk.uses() == [("before", VERSION), ("in use", "9.0")]
    desk.does("install", archive_of_version(desk.folder, "9.1"))
    assert sorted(desk.uses()) == [("", VERSION), ("before", "9.0"), ("in use", "9.1")]
    desk.does("rollback")
    assert sorted(desk.uses()) == [("", VERSION), ("before", "9.1"), ("in use", "9.0")]
    desk.does("install", archive_of_version(desk.folder, "9.2"))
    assert sorted(desk.uses()) == [("", VERSION), ("before", "9.0"), ("in use", "9.2")], "9.1 is forgotten"
    desk.does("rollback", "--shipped")
    assert sorted(desk.uses()) == [("before", "9.2"), ("in use", VERSION)]
    desk.does("rollback")
    assert "is in use already" in desk.does("install", archive_of_version(desk.folder, "9.2"))
    assert sorted(desk.uses()) == [("before", VERSION), ("in use", "9.2")]


def test_what_pack_makes_is_verified_and_installed(desk: Desk) -> None:
    source, archive = desk.folder / "mine", desk.folder / "mine.tar"
    source.mkdir()
    for name, content in changed("detector", version="7.7").items():
        (source / name).write_bytes(content)
    desk.does("pack", source, archive)
    assert "detector 7.7" in desk.does("verify", archive)
    assert not desk.store.exists(), "looking changes nothing"
    assert "detector 7.7" in desk.does("install", archive)
    (source / "recognizer.tflite").write_bytes(b"")
    code, _, complaint = desk.run("pack", source, archive)
    assert code == 1 and "SHA-256" in complaint


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
def test_what_is_refused_is_one_line_and_changes_nothing(desk: Desk, kind: str) -> None:
    desk.does("install", archive_of_version(desk.folder, "9.0"))
    before = desk.files()
    make, words = REFUSED[kind]
    path = desk.folder / "bad.tar"
    make(path)
    for verb in ("verify", "install"):
        code, said, complaint = desk.run(verb, path)
        assert (code, said, complaint.count("\n")) == (2, "", 1)
        assert complaint.startswith(f"edge-lpr: {path}: ") or complaint.startswith(f"edge-lpr: {path}/")
        assert words in complaint
    assert desk.files() == before


def test_there_is_nothing_to_go_back_to(desk: Desk) -> None:
    code, _, complaint = desk.run("rollback")
    assert (code, complaint.count("\n")) == (2, 1)
    assert "no previous pair" in complaint
    assert desk.files() == {}


def test_a_pair_that_was_damaged_since_is_no_way_back(desk: Desk) -> None:
    desk.does("install", archive_of_version(desk.folder, "9.0"))
    desk.does("install", archive_of_version(desk.folder, "9.1"))
    (old,) = (path.parent for path in desk.store.glob("*/recognizer.json") if b"9.0" in path.read_bytes())
    (old / "detector.tflite").write_bytes(b"")
    before = desk.files()
    code, _, complaint = desk.run("rollback")
    assert (code, complaint.count("\n")) == (1, 1)
    assert "SHA-256" in complaint
    assert desk.files() == before
    assert "damaged: " in desk.does("list")
    desk.does("install", archive_of_version(desk.folder, "9.0"))
    assert "damaged" not in desk.does("list"), "installed anew it is whole"


def test_a_damaged_choice_is_mended_by_the_next(desk: Desk) -> None:
    desk.does("install", archive_of_version(desk.folder, "9.0"))
    (desk.store / "active.json").write_text('{"active": "../../../etc", "previous": "shipped"}')
    code, _, complaint = desk.run("list")
    assert (code, complaint.count("\n")) == (1, 1)
    assert "active.json: is damaged" in complaint
    desk.does("install", archive_of_version(desk.folder, "9.0"))
    assert desk.uses()[-1] == ("in use", "9.0")


def test_ones_own_folder_goes_first(desk: Desk, models_dir: Path) -> None:
    desk.set(models_dir=str(models_dir))
    for words in (["install", archive_of_version(desk.folder, "9.0")], ["rollback"]):
        code, _, complaint = desk.run(*words)
        assert (code, complaint.count("\n")) == (2, 1)
        assert "reader.models_dir" in complaint
    assert desk.does("list").startswith(f"{models_dir}  in use  ")


def test_a_power_cut_at_any_step_leaves_a_pair_that_works(desk: Desk) -> None:
    desk.does("install", archive_of_version(desk.folder, "9.0"))
    desk.does("install", archive_of_version(desk.folder, "9.1"))
    (desk.store / ".draft-of-an-earlier-cut").mkdir()
    command = [sys.executable, "-m", "tests.model_store.power_cuts", "config.yaml", "9.2.tar"]
    archive_of_version(desk.folder, "9.2")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        command, cwd=desk.folder, env=environment, capture_output=True, text=True, check=False, timeout=170
    )
    assert result.returncode == 0, result.stderr
    versions = result.stdout.split()
    assert versions == sorted(versions) and {"9.1", "9.2"} == set(versions)
    assert versions.count("9.1") >= 9, "cut before each step of the way"
    desk.does("rollback")
    assert ("in use", "9.1") in desk.uses()
    assert not list(desk.store.glob(".draft-*")), "what the cuts left is gone"
