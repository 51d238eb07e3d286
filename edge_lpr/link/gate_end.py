"""The gate's end of the link. The frame loop hands over what it did and never waits for the server."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadRequests, ReloadResult
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.link.messages import (
    MAX_REQUEST,
    GateMessage,
    GateUpdate,
    NewSettings,
    PassageRecord,
    ReloadDone,
    ReloadWanted,
    SceneWanted,
    Start,
    decode_server_message,
)
from edge_lpr.link.scene import Scene, make_scene
from edge_lpr.passages import Passage
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.track import Track

UPDATE_EVERY_S = 0.5
"""Seconds between two updates of the gate's state."""

SCENE_PAUSE_S = 0.05
"""Least seconds between two scenes: pickling a frame of 12 megapixels takes 10 ms."""

REMEMBERED = 24
"""Passages that a new server process receives, for the page's list."""

MAX_WAITING = 1000
"""Messages that may wait for a server that does not read. Beyond it the session ends."""

MAX_REQUESTS_PER_S = 200
"""Messages from the server. It sends some twenty per second while the page is watched."""

_log = logging.getLogger(__name__)


class GateEnd:
    """The gate's end over all restarts of the server; a ``FrameObserver`` of the frame loop.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        settings: Settings,
        config: Path | None,
        read_update: Callable[[], GateUpdate | None],
        reloads: ReloadRequests,
    ) -> None:
        """``read_update`` returns the present state, None before the first iteration of the frame loop."""
        self._start = Start(settings, config)
        self._read_update = read_update
        self._reloads = reloads
        self._recent: deque[PassageRecord] = deque(maxlen=REMEMBERED)
        self._total = 0
        self._narrow: tuple[Quad, ...] = ()
        self._scene: Scene | None = None
        self._scenes = 0
        self._session: LinkSession | None = None
        self._lock = threading.Lock()

    def add_narrow_plates(self, quads: list[Quad]) -> None:
        """Takes the plates of the frame being read that are too narrow to read."""
        self._narrow = tuple(quads)

    def add_frame(self, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track]) -> None:
        """Takes a frame that was read, with its readings and the tracks after it. Nothing is copied."""
        self._scenes += 1
        self._scene = make_scene(self._scenes, frame, readings, tracks, self._narrow)
        session = self._session
        if session is not None:
            session.wake_for_scene()

    def record_passage(self, passage: Passage, sequence: int) -> None:
        """Takes a passage that was handed to the publisher."""
        with self._lock:
            self._total += 1
            record = PassageRecord(replace(passage, picture=None), sequence, self._total)
            self._recent.append(record)
            self._send(record)

    def apply_settings(self, settings: Settings) -> None:
        """Tells the server the settings after a reload."""
        with self._lock:
            self._start = replace(self._start, settings=settings)
            self._send(NewSettings(settings))

    def open(self, connection: Connection) -> LinkSession:
        """Returns a session with a server process that was just started, whose end of the link is ``connection``."""
        with self._lock:
            session = LinkSession(connection, self._read_update, lambda: self._scene, self._reloads)
            session.send(self._start)
            for record in self._recent:
                session.send(record)
            self._session = session
        session.start()
        return session

    def close(self) -> None:
        """Ends the present session, if any."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _send(self, message: GateMessage) -> None:
        if self._session is not None:
            self._session.send(message)


class LinkSession:
    """The link to one server process. Two threads send and receive; they end with the process."""

    def __init__(
        self,
        connection: Connection,
        read_update: Callable[[], GateUpdate | None],
        newest_scene: Callable[[], Scene | None],
        reloads: ReloadRequests,
    ) -> None:
        self._connection = connection
        self._read_update = read_update
        self._newest_scene = newest_scene
        self._reloads = reloads
        self._changed = threading.Condition()
        self._waiting: deque[GateMessage] = deque()
        self._scene_after: int | None = None
        """The number after which a scene is wanted; None while none is."""
        self._scene_due_s = 0.0
        self._threads = 2
        self._received: deque[float] = deque(maxlen=MAX_REQUESTS_PER_S)
        self.ended = threading.Event()
        self.end_reason: str | None = None
        """What the gate did not accept; None where the server closed its end."""
        self.opened_s = time.monotonic()
        self.heard_s: float | None = None
        """When the server last sent something; None before the first time. In seconds on the monotonic clock."""

    def start(self) -> None:
        """Starts the two threads."""
        for work, name in ((self._send_all, "server-out"), (self._receive_all, "server-in")):
            threading.Thread(target=work, name=name, daemon=True).start()

    def send(self, message: GateMessage) -> None:
        """Sends ``message`` soon. Never waits."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                self._end("it does not read what the gate sends")
                return
            self._waiting.append(message)
            self._changed.notify()

    def wake_for_scene(self) -> None:
        """Sends the newest scene, if one is wanted. Called for every frame, so without a viewer it takes no lock."""
        if self._scene_after is not None:
            with self._changed:
                self._changed.notify()

    def close(self) -> None:
        """Ends both threads."""
        self._end(None)

    def _end(self, reason: str | None) -> None:
        """Ends the session. The connection is shut down, so that no thread stays in a call on it."""
        with self._changed:
            if self.ended.is_set():
                return
            self.end_reason = reason
            self.ended.set()
            self._changed.notify()
            # Both ends read the end of the stream; a closed descriptor could already be another file's.
            with socket.socket(fileno=os.dup(self._connection.fileno())) as stream, suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def _leave(self) -> None:
        """Called by each thread at its end; the last one closes the connection."""
        with self._changed:
            self._threads -= 1
            if not self._threads:
                self._connection.close()

    def _send_all(self) -> None:
        update_due_s = 0.0
        try:
            while not self.ended.is_set():
                for message in self._take_waiting(update_due_s):
                    self._connection.send(message)
                if time.monotonic() >= update_due_s:
                    update_due_s = time.monotonic() + UPDATE_EVERY_S
                    update = self._read_update()
                    if update is not None:
                        self._connection.send(update)
        except OSError as error:
            _log.debug("server process: %s", error)  # it has ended; the other thread reads the end
        finally:
            self._end(None)
            self._leave()

    def _take_waiting(self, update_due_s: float) -> list[GateMessage]:
        """Waits for something to send, until ``update_due_s`` at most; returns it."""
        with self._changed:
            if not self._waiting and not self._scene_is_due() and not self.ended.is_set():
                pause_s = self._scene_due_s - time.monotonic() if self._scene_is_ready() else UPDATE_EVERY_S
                self._changed.wait(max(0.0, min(pause_s, update_due_s - time.monotonic())))
            messages = list(self._waiting)
            self._waiting.clear()
            scene = self._newest_scene()
            if scene is not None and self._scene_is_due():
                self._scene_after = None
                self._scene_due_s = time.monotonic() + SCENE_PAUSE_S
                messages.append(scene)
            return messages

    def _scene_is_ready(self) -> bool:
        scene = self._newest_scene()
        return self._scene_after is not None and scene is not None and scene.number > self._scene_after

    def _scene_is_due(self) -> bool:
        return self._scene_is_ready() and time.monotonic() >= self._scene_due_s

    def _receive_all(self) -> None:
        reason = None
        try:
            while True:
                self._handle(self._connection.recv_bytes(MAX_REQUEST))
        except EOFError:
            pass  # the process has ended
        except (OSError, ValueError, RecursionError) as error:
            reason = f"it sent what the gate does not accept ({error})"
        finally:
            self._end(reason)
            self._leave()

    def _handle(self, data: bytes) -> None:
        message = decode_server_message(data)
        now_s = self.heard_s = time.monotonic()
        if len(self._received) == MAX_REQUESTS_PER_S and now_s - self._received[0] < 1.0:
            raise ValueError(f"more than {MAX_REQUESTS_PER_S} messages a second")
        self._received.append(now_s)
        match message:
            case SceneWanted(after):
                with self._changed:
                    self._scene_after = after
                    self._changed.notify()
            case ReloadWanted(request):
                self._reloads.request_reload(lambda result: self._answer_reload(request, result))

    def _answer_reload(self, request: int, result: ReloadResult) -> None:
        self.send(ReloadDone.from_result(request, result))
