"""``edge-lpr setup`` on a real terminal and from a pipe, with a real broker and a recording for a camera."""

from __future__ import annotations

import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_lpr.config import load_settings
from edge_lpr.errors import ConfigError
from edge_lpr.resources import demo_clip, example_settings
from edge_lpr.setup import answers, files, installation
from tests.support.mqtt import Mosquitto, free_port
from tests.system.install_steps import install_steps

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "kö rp&'er"
DEADLINE_S = 60.0
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
COMMAND = [sys.executable, "-m", "edge_lpr.cli", "setup", "-c"]


class Terminal:
    """The program on a terminal of its own, as over ssh."""

    def __init__(self, descriptor: int, process: int) -> None:
        self._descriptor = descriptor
        self._process = process
        self.output = ""
        self._seen = 0

    def answer(self, question: str, text: str) -> None:
        """Wait until the question stands there anew, and type."""
        deadline_s = time.monotonic() + DEADLINE_S
        while question not in self.output[self._seen :]:
            assert self._more(deadline_s), f"{question!r} was not asked: {self.output}"
        self._seen = self.output.index(question, self._seen) + len(question)
        os.write(self._descriptor, text.encode())

    def interrupt(self, until: str) -> None:
        """Press Ctrl-C until it is heard: Python misses one that comes just before it begins to wait for a key."""
        while until not in self.output[self._seen :]:
            os.write(self._descriptor, b"\x03")
            if select.select([self._descriptor], [], [], 5.0)[0]:
                assert self._more(time.monotonic() + DEADLINE_S)

    def end(self) -> int:
        """The exit code, when all was said."""
        while self._more(time.monotonic() + DEADLINE_S):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _more(self, deadline_s: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline_s - time.monotonic()))
        assert ready, f"nothing more is said: {self.output}"
        try:
            heard = os.read(self._descriptor, 65536)
        except OSError:  # a terminal whose program has ended
            return False
        self.output += heard.decode(errors="replace")
        return bool(heard)


@contextmanager
def terminal(config: Path) -> Iterator[Terminal]:
    process, descriptor = pty.fork()
    if process == 0:
        # Whatever runs in a shell's background hears no Ctrl-C, and hands that on to its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(sys.executable, [*COMMAND, str(config)], ENVIRONMENT)
    try:
        yield Terminal(descriptor, process)
    finally:
        os.close(descriptor)


def piped(config: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, str(config)], input="".join(f"{line}\n" for line in lines), env=ENVIRONMENT, capture_output=True,
        text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip


@pytest.fixture
def strict_broker(start_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "gate", PASSWORD], check=True, capture_output=True)
    users.chmod(0o644)
    return start_mosquitto("allow_anonymous false", f"password_file {users}")


def test_on_a_terminal(strict_broker: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config.yaml"
    with terminal(config) as person:
        person.answer("Camera [pi]: ", f"{tmp_path / 'no-such-camera'}\n")
        person.answer("Keep this camera all the same? (y/N): ", "n\n")
        person.answer("Camera [", f"{demo_clip()}\n")
        for user, password in (("gate", "wrong"), ("", PASSWORD)):
            person.answer("host name or address [127.0.0.1]: ", "\n")
            person.answer("TLS? (y/N): ", "\n")
            person.answer("Port [", f"{strict_broker.port}\n")
            person.answer("User at the broker", f"{user}\n")
            person.answer("Password", f"{password}\n")
            if password == "wrong":
                person.answer("Keep this broker all the same? (y/N): ", "n\n")
        person.answer("Name [gate-1]: ", "north gate\n")
        person.answer("Name [gate-1]: ", "north-gate\n")
        assert not config.parent.exists()
        person.answer("config.yaml? (Y/n): ", "\n")
        assert person.end() == 0
    assert "refuses us: Not authorized" in person.output
    assert "accepts us" in person.output
    assert "\x1b" not in person.output
    assert PASSWORD not in person.output and "wrong" not in person.output
    settings = load_settings(config, {})
    assert (settings.device.id, settings.camera.type, settings.camera.source) == (
        "north-gate",
        "video",
        str(demo_clip()),
    )
    assert (settings.mqtt.port, settings.mqtt.username) == (strict_broker.port, "gate")
    assert settings.mqtt.password_file is not None
    assert settings.mqtt.password_file.read_text() == f"{PASSWORD}\n"
    assert {stat.S_IMODE(file.stat().st_mode) for file in config.parent.iterdir()} == {0o640}
    assert sorted(file.name for file in config.parent.iterdir()) == ["config.yaml", "mqtt-password"]
    assert config.read_text().count("#") == example_settings().read_text().count("#")


def test_from_a_pipe_a_present_file_is_kept(strict_broker: Mosquitto, tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(f"""\
# ours
camera: {{type: video, source: {demo_clip()}}}
reader:
  min_confidence: 90  # tried out in May
mqtt:
  port: {strict_broker.port}  # behind the wall
""")
    before = config.read_text()
    same = ("", "", "", "", "gate", PASSWORD, "south-gate")
    refused = piped(config, *same, "n")
    assert (refused.returncode, config.read_text()) == (0, before), refused.stderr
    assert [file.name for file in folder.iterdir()] == ["config.yaml"]
    done = piped(config, *same, "y")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout
    for line in (
        "# ours",
        "  min_confidence: 90  # tried out in May",
        f"  port: {strict_broker.port}  # behind the wall",
    ):
        assert line in config.read_text().splitlines()
    assert load_settings(config, {}).device.id == "south-gate"
    (backup,) = folder.glob("config.yaml.*")
    assert backup.read_text() == before


def test_an_interrupt_leaves_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config.yaml"
    with terminal(config) as person:
        person.answer("Camera [pi]: ", f"{demo_clip()}\n")
        person.answer("host name or address [127.0.0.1]: ", "\n")
        person.answer("TLS? (y/N): ", "\n")
        person.answer("Port [1883]: ", f"{mosquitto.port}\n")
        person.answer("User at the broker", "gate\n")
        person.answer("Password", "half")
        person.interrupt("Nothing was written.")
        assert person.end() == 130
    assert "Nothing was written." in person.output
    assert not config.parent.exists()


def test_answers_that_end_too_soon(tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config.yaml"
    done = piped(config, str(demo_clip()), "127.0.0.1", "maybe", "no", str(free_port()), "", "n")
    assert done.returncode == 2
    assert "cannot be reached: connection refused" in done.stdout
    assert done.stderr == "edge-lpr: the input ended before the last question; nothing was written\n"
    assert not config.parent.exists()


def test_files_are_written_all_or_none(tmp_path: Path) -> None:
    config, backup = tmp_path / "config.yaml", tmp_path / "config.yaml.before"
    config.write_text("before")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="nothing was changed"):
        files.write_all({config: "after", tmp_path / "file" / "password": "secret"}, {config: backup})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "file"]
    assert config.read_text() == "before"
    files.write_all({config: "after"}, {config: backup})
    assert (config.read_text(), backup.read_text()) == ("after", "before")


@pytest.mark.parametrize(
    ("answer", "kind", "source"),
    [
        ("pi", "pi", ""),
        ("pi 1", "pi", "1"),
        ("rtsp://192.0.2.10/main", "stream", "rtsp://192.0.2.10/main"),
        (str(ROOT / "docs"), "photos", str(ROOT / "docs")),
        ("0", "usb", "0"),
        ("HD Webcam", "usb", "HD Webcam"),
        ("/dev/v4l/by-id/usb-none", "usb", "/dev/v4l/by-id/usb-none"),
    ],
)
def test_what_an_answer_means(answer: str, kind: str, source: str) -> None:
    values = answers.camera_values(answer)
    assert values == {"type": kind, "source": source}
    assert answers.camera_answer(values) == source or kind == "pi"


def test_a_streams_login_is_escaped() -> None:
    address = answers.with_login("rtsp://192.0.2.10:554/main", "admin", "p@ss/word")
    assert address == "rtsp://admin:p%40ss%2Fword@192.0.2.10:554/main"


def test_the_service_is_installed_by_the_commands_of_the_document() -> None:
    _, user, _, start = install_steps(ROOT)
    theirs = [command for command in user if "config.example.yaml" not in command]
    ours = [command.replace(" --no-block", "") for command in installation.STEPS]
    assert ours == [*theirs, *start[0].replace(" --now", "").split("\n"), "sudo systemctl restart edge-lpr"]
