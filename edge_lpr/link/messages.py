"""What gate and server tell each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadResult
from edge_lpr.link.scene import Scene
from edge_lpr.messages.health import HealthMessage
from edge_lpr.passages import Passage

MAX_REQUEST = 256
"""The most bytes of one message from the server."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first message. ``settings`` are those in force. ``config`` is the settings file, None without one."""

    settings: Settings
    config: Path | None


@dataclass(frozen=True, slots=True)
class GateUpdate:
    """The state of the gate.

    ``health`` is the payload of the topic ``health``. ``at_s`` is the monotonic time of the frame loop's last
    iteration. ``is_blind``: a fault of the camera makes reading impossible.
    """

    health: HealthMessage
    at_s: float
    is_blind: bool


@dataclass(frozen=True, slots=True)
class PassageRecord:
    """A passage that was handed to the publisher, without its picture. ``total``: passages since the gate's start."""

    passage: Passage
    sequence: int
    total: int


@dataclass(frozen=True, slots=True)
class NewSettings:
    """The settings after a reload."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class ReloadDone:
    """The answer to ``ReloadWanted``. ``error`` and ``faults`` are the text of the result's error, if any."""

    request: int
    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]
    error: str | None
    faults: tuple[str, ...]

    @classmethod
    def from_result(cls, request: int, result: ReloadResult) -> ReloadDone:
        """Returns the answer to the request with the number ``request``."""
        error = result.error
        text, faults = (None, ()) if error is None else (str(error), error.faults)
        return cls(request, result.applied, result.needs_restart, text, faults)


GateMessage = Start | GateUpdate | PassageRecord | NewSettings | ReloadDone | Scene
"""What the gate sends."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The server works."""


@dataclass(frozen=True, slots=True)
class SceneWanted:
    """The server wants the newest scene whose number is greater than ``after``, now or as soon as there is one."""

    after: int


@dataclass(frozen=True, slots=True)
class ReloadWanted:
    """The server wants the settings to be loaded again. The answer carries ``request``."""

    request: int


ServerMessage = Alive | SceneWanted | ReloadWanted
"""What the server sends."""


def encode_server_message(message: ServerMessage) -> bytes:
    """Returns the bytes that the server sends."""
    match message:
        case Alive():
            content = {}
        case SceneWanted(after):
            content = {"Scene": after}
        case ReloadWanted(request):
            content = {"Reload": request}
    return json.dumps(content).encode("ascii")


def decode_server_message(data: bytes) -> ServerMessage:
    """Returns the message that ``data`` holds. Raises ValueError for anything that the server never sends."""
    if len(data) > MAX_REQUEST:
        raise ValueError("too long")
    content = json.loads(data)
    match content:
        case {"Scene": int(after)} if len(content) == 1:
            return SceneWanted(after)
        case {"Reload": int(request)} if len(content) == 1:
            return ReloadWanted(request)
        case {} if content == {}:
            return Alive()
    raise ValueError("not a message of the server")
