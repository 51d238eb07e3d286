"""The server's end of the link: what the gate sent, and requests to the gate."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadCallback, ReloadResult
from edge_lpr.errors import ConfigError
from edge_lpr.link.messages import (
    Alive,
    GateMessage,
    GateUpdate,
    NewSettings,
    PassageRecord,
    ReloadDone,
    ReloadWanted,
    SceneWanted,
    ServerMessage,
    Start,
    encode_server_message,
)
from edge_lpr.link.scene import Scene

VIEWER_TIMEOUT_S = 3.0
"""Seconds for which scenes are asked for after a viewer's last request. A viewer sends several requests per second."""

ANSWER_S = 2.0
"""Seconds after which a scene is asked for again."""


class ServerEnd:
    """The newest that is known of the gate. All methods may be called from any thread."""

    def __init__(self, connection: Connection) -> None:
        """Waits for the gate's first message. Raises EOFError if the gate has ended."""
        self._connection = connection
        first = connection.recv()
        assert isinstance(first, Start)
        self.start = first
        self.on_passage: Callable[[PassageRecord], None] = lambda _record: None
        self.on_settings: Callable[[Settings], None] = lambda _settings: None
        self._update: GateUpdate | None = None
        self._scene: Scene | None = None
        self._scene_asked_s: float | None = None
        self._watched_until_s = float("-inf")
        self._reloads: dict[int, ReloadCallback] = {}
        self._reload_numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._sending = threading.Lock()

    def begin(self, on_end: Callable[[], None]) -> None:
        """Starts to receive, in a thread of its own. ``on_end`` is called there when the gate has closed its end.

        Set ``on_passage`` and ``on_settings`` before. Returns once the gate's state is known, or after ``ANSWER_S``
        seconds: before the first iteration of its frame loop a gate has none.
        """
        threading.Thread(target=self._receive, args=(on_end,), name="link", daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._update is not None, ANSWER_S)

    def update(self) -> GateUpdate | None:
        """Returns the newest state of the gate; None before the first one."""
        return self._update

    def send_alive(self) -> None:
        """Tells the gate that the server works."""
        self._send(Alive())

    def request_reload(self, callback: ReloadCallback) -> None:
        """Requests a reload of the settings. ``callback`` receives the result in the link's thread."""
        with self._changed:
            number = next(self._reload_numbers)
            self._reloads[number] = callback
        self._send(ReloadWanted(number))

    def keep_watching(self) -> None:
        """Asks for the next scene, if none is being waited for. Called for each request of a viewer."""
        now_s = time.monotonic()
        with self._changed:
            if now_s > self._watched_until_s:
                self._scene = None  # from an earlier viewer
            self._watched_until_s = now_s + VIEWER_TIMEOUT_S
            asked_s = self._scene_asked_s
            if asked_s is not None and now_s - asked_s < ANSWER_S:
                return
            self._scene_asked_s = now_s
            after = 0 if self._scene is None else self._scene.number
        self._send(SceneWanted(after))

    def scene(self) -> Scene | None:
        """Returns the newest scene that was received."""
        return self._scene

    def newest_scene(self, max_age_s: float, timeout_s: float = ANSWER_S) -> Scene | None:
        """Asks the gate for its newest scene, and waits. Returns None if there is none as young as ``max_age_s``."""
        began_s = time.monotonic()
        with self._changed:
            self._scene = None
        self._send(SceneWanted(0))
        with self._changed:
            self._changed.wait_for(lambda: self._scene is not None, timeout_s)
            scene = self._scene
        return scene if scene is not None and began_s - scene.read_at_s <= max_age_s else None

    def _receive(self, on_end: Callable[[], None]) -> None:
        try:
            while True:
                self._handle(self._connection.recv())
        except (EOFError, OSError):
            on_end()

    def _handle(self, message: GateMessage) -> None:
        match message:
            case GateUpdate():
                with self._changed:
                    self._update = message
                    self._changed.notify_all()
            case PassageRecord():
                self.on_passage(message)
            case NewSettings(settings):
                self.on_settings(settings)
            case Scene():
                with self._changed:
                    self._scene = message
                    self._scene_asked_s = None
                    self._changed.notify_all()
            case ReloadDone():
                with self._changed:
                    callback = self._reloads.pop(message.request)
                callback(_result(message))

    def _send(self, message: ServerMessage) -> None:
        with self._sending:
            self._connection.send_bytes(encode_server_message(message))


def _result(done: ReloadDone) -> ReloadResult:
    error = None if done.error is None else ConfigError(done.error, done.faults)
    return ReloadResult(done.applied, done.needs_restart, error)
