"""The question about the camera: lists the cameras of this machine and tests the chosen one."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from rich.console import Console

from edge_lpr.cameras import v4l2
from edge_lpr.cameras.stream import redact_url
from edge_lpr.check.camera import check_camera
from edge_lpr.check.finding import Finding
from edge_lpr.config import CameraSettings
from edge_lpr.setup import answers
from edge_lpr.setup.asking import ask, ask_secret
from edge_lpr.setup.trying import is_accepted

EXPLANATION = """\
Camera: an address such as rtsp://192.0.2.10/main, pi for the Raspberry Pi's own, a USB camera's name or path, or a
recording: a video file or a folder of photos."""


def ask_camera(present: CameraSettings, folder: Path, console: Console) -> dict[str, str]:
    """Asks until a camera gives a picture, or the person keeps it nevertheless; returns its ``type`` and ``source``."""
    found = _cameras()
    print(EXPLANATION)
    for number, (answer, name) in enumerate(found, 1):
        print(f"  {number}  {name}: {answer}")
    default = answers.camera_answer({"type": present.type, "source": present.source})
    if present == CameraSettings() and found:
        default = found[0][0]
    while True:
        values = _values(ask("Camera", default, shown=redact_url(default)), found, default)
        if is_accepted(functools.partial(_check, present, values, folder), "camera", console):
            return values
        default = answers.camera_answer(values)


def _cameras() -> list[tuple[str, str]]:
    """Returns the cameras of this machine: the answer with a lasting name for each, and a description."""
    own = [("pi", "Raspberry Pi camera")] if importlib.util.find_spec("picamera2") is not None else []
    return own + [(str(v4l2.lasting_path(node.path) or node.name), node.name) for node in v4l2.nodes()]


def _values(answer: str, found: list[tuple[str, str]], default: str) -> dict[str, str]:
    if answer.isdecimal() and 1 <= int(answer) <= len(found):
        answer = found[int(answer) - 1][0]
    values = answers.camera_values(answer)
    if values["type"] == "stream" and answer != default and answers.may_need_login(answer):
        user = ask("The camera's user (Enter: none)")
        if user:
            values["source"] = answers.with_login(answer, user, ask_secret("Its password"))
    return values


def _check(present: CameraSettings, values: dict[str, str], folder: Path) -> Finding:
    return check_camera(answers.section(present, values, folder))
