"""``edge-lpr setup`` on a real terminal and from a pipe, with a real broker and a recording as the camera."""

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
    """The program on its own terminal, as over ssh."""

    def __init__(self, descriptor: int, process: int) -> None:
        self._descriptor = descriptor
        self._process = process
        self.output = ""
        self._position = 0

    def answer(self, question: str, text: str) -> None:
        """Waits until the question is printed again, then types ``text``."""
        deadline_s = time.monotonic() + DEADLINE_S
        while question not in self.output[self._position :]:
            assert self._more(deadline_s), f"{question!r} was not printed: {self.output}"
        self._position = self.output.index(question, self._position) + len(question)
        os.write(self._descriptor, text.encode())

    def interrupt(self, until: str) -> None:
        """Presses Ctrl-C until ``until`` is printed. Python ignores a Ctrl-C just before it waits for a key."""
        while until not in self.output[self._position :]:
            os.write(self._descriptor, b"\x03")
            if select.select([self._descriptor], [], [], 5.0)[0]:
                assert self._more(time.monotonic() + DEADLINE_S)

    def end(self) -> int:
        """Reads the output to its end. Returns the exit code."""
        while self._more(time.monotonic() + DEADLINE_S):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _more(self, deadline_s: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline_s - time.monotonic()))
        assert ready, f"no more output: {self.output}"
        try:
            output = os.read(self._descriptor, 65536)
        except OSError:  # the program has ended
            return False
        self.output += output.decode(errors="replace")
        return bool(output)


@contextmanager
def terminal(config: Path) -> Iterator[Terminal]:
    process, descriptor = pty.fork()
    if process == 0:
        # A background process of a shell ignores Ctrl-C, and its children inherit this.
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


def test_setup_on_a_terminal_writes_the_settings(strict_broker: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config.yaml"
    with terminal(config) as session:
        session.answer("Camera [pi]: ", f"{tmp_path / 'no-such-camera'}\n")
        session.answer("Keep this camera all the same? (y/N): ", "n\n")
        session.answer("Camera [", f"{demo_clip()}\n")
        for user, password in (("gate", "wrong"), ("", PASSWORD)):
            session.answer("host name or address [127.0.0.1]: ", "\n")
            session.answer("TLS? (y/N): ", "\n")
            session.answer("Port [", f"{strict_broker.port}\n")
            session.answer("User at the broker", f"{user}\n")
            session.answer("Password", f"{password}\n")
            if password == "wrong":
                session.answer("Keep this broker all the same? (y/N): ", "n\n")
        session.answer("Name [gate-1]: ", "north gate\n")
        session.answer("Name [gate-1]: ", "north-gate\n")
        assert not config.parent.exists()
        session.answer("config.yaml? (Y/n): ", "\n")
        assert session.end() == 0
    assert "refuses us: Not authorized" in session.output
    assert "accepts us" in session.output
    assert "\x1b" not in session.output
    assert PASSWORD not in session.output and "wrong" not in session.output
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


def test_an_existing_file_keeps_its_comments_and_gets_a_backup(strict_broker: Mosquitto, tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(f"""\
# main entrance
camera: {{type: video, source: {demo_clip()}}}
reader:
  min_confidence: 90  # tested in May
mqtt:
  port: {strict_broker.port}  # behind the firewall
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
        "# main entrance",
        "  min_confidence: 90  # tested in May",
        f"  port: {strict_broker.port}  # behind the firewall",
    ):
        assert line in config.read_text().splitlines()
    assert load_settings(config, {}).device.id == "south-gate"
    (backup,) = folder.glob("config.yaml.*")
    assert backup.read_text() == before


def test_an_interrupt_writes_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config.yaml"
    with terminal(config) as session:
        session.answer("Camera [pi]: ", f"{demo_clip()}\n")
        session.answer("host name or address [127.0.0.1]: ", "\n")
        session.answer("TLS? (y/N): ", "\n")
        session.answer("Port [1883]: ", f"{mosquitto.port}\n")
        session.answer("User at the broker", "gate\n")
        session.answer("Password", "half")
        session.interrupt("Nothing was written.")
        assert session.end() == 130
    assert "Nothing was written." in session.output
    assert not config.parent.exists()


def test_input_that_ends_early_writes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config.yaml"
    done = piped(config, str(demo_clip()), "127.0.0.1", "maybe", "no", str(free_port()), "", "n")
    assert done.returncode == 2
    assert "cannot be reached: connection refused" in done.stdout
    assert done.stderr == "edge-lpr: the input ended before the last question; nothing was written\n"
    assert not config.parent.exists()


def test_all_files_are_written_or_none(tmp_path: Path) -> None:
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
def test_an_answer_gives_the_camera_settings(answer: str, kind: str, source: str) -> None:
    values = answers.camera_values(answer)
    assert values == {"type": kind, "source": source}
    assert answers.camera_answer(values) == source or kind == "pi"


def test_the_login_of_a_stream_is_escaped() -> None:
    address = answers.with_login("rtsp://192.0.2.10:554/main", "admin", "p@ss/word")
    assert address == "rtsp://admin:p%40ss%2Fword@192.0.2.10:554/main"


def test_setup_installs_the_service_with_the_commands_of_the_document() -> None:
    _, user, _, start = install_steps(ROOT)
    documented = [command for command in user if "config.example.yaml" not in command]
    commands = [command.replace(" --no-block", "") for command in installation.STEPS]
    assert commands == [*documented, *start[0].replace(" --now", "").split("\n"), "sudo systemctl restart edge-lpr"]
