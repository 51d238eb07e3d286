"""Decodes the pictures of requests in processes of their own, which are killed beyond their limits.

A picture's file can be made so that its decoding takes a thousand times the work that its size suggests, in every
format. So the work itself is bounded, not the file.
"""

from __future__ import annotations

import json
import logging
import queue
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import numpy as np

from edge_lpr.errors import ImageDecodeFailed, ImageError, ImageTooLarge
from edge_lpr.images import Picture
from edge_lpr.server.decoder import Order

PROCESSES = 2
"""Pictures that are decoded at once: the second one while a hostile one is on its way to its limit."""

WAIT_S = 60.0
"""Seconds for a picture by the clock. The limit of processor time ends it much earlier on a board that is not busy."""

BASE_MEGABYTES = 250
BYTES_PER_PIXEL = 24
"""Memory of a process: libraries, and a picture with transparency, of which there are six copies at once."""

_ERRORS: dict[str, type[ImageError]] = {each.__name__: each for each in (ImageError, ImageTooLarge, ImageDecodeFailed)}
_MAX_ANSWER = 4096
_log = logging.getLogger(__name__)


class Decoders:
    """The decoder's processes. ``decode`` may be called from any thread. A context manager."""

    def __init__(self, *, max_pixels: int, max_bytes: int, formats: tuple[str, ...]) -> None:
        """``max_pixels`` and ``max_bytes`` bound each picture. ``formats`` are Pillow's names."""
        self._order = Order(max_pixels, max_bytes, formats)
        self._idle: queue.LifoQueue[_DecoderProcess] = queue.LifoQueue()
        self._all = [_DecoderProcess(BASE_MEGABYTES + max_pixels * BYTES_PER_PIXEL / 1e6) for _ in range(PROCESSES)]
        for each in self._all:
            self._idle.put(each)

    def decode(self, content: bytes) -> Picture:
        """Decodes a picture as ``images.read_picture`` does; raises the same errors.

        Raises ImageDecodeFailed also for a picture that takes too much work.
        """
        process = self._idle.get()
        try:
            return process.decode(self._order, content)
        finally:
            self._idle.put(process)

    def __enter__(self) -> Self:
        self._all[-1].start()  # the first request does not wait for it
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in self._all:
            each.close()


class _DecoderProcess:
    """One process, started when needed. For one thread at a time."""

    def __init__(self, megabytes: float) -> None:
        self._megabytes = megabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._is_closed = False

    def close(self) -> None:
        """Ends the process for good. A picture that is being decoded gets an error."""
        self._is_closed = True
        self.kill()

    def start(self) -> Connection:
        """Starts the process, if it does not run; returns the connection to it."""
        if self._connection is None:
            if self._is_closed:
                raise EOFError
            ours, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-P", "-m", "edge_lpr.server.decoder"]
                command += [str(theirs.fileno()), str(self._megabytes)]
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
            self._connection = Connection(ours.detach())
        return self._connection

    def kill(self) -> int:
        """Ends the process. Returns its exit code, negative for a signal; 0 if there was none."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return 0
        connection.close()
        process.kill()
        return process.wait()

    def decode(self, order: Order, content: bytes) -> Picture:
        try:
            connection = self.start()
            connection.send(order)
            connection.send_bytes(content)
            if not connection.poll(WAIT_S):
                raise TimeoutError
            return _answer(connection, order)
        except (EOFError, OSError, ValueError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ImageDecodeFailed:
        """Ends the process, so that the next picture gets a new one. Returns the error for the client."""
        process = self._process
        if process is not None and isinstance(error, EOFError | ConnectionError):
            process.wait()  # it has closed its end, so it is ending
        code = self.kill()
        if self._is_closed:
            return ImageDecodeFailed("The picture: is not decoded any more, because the service stops; send it again")
        if isinstance(error, TimeoutError) or code == -signal.SIGPROF:
            return ImageDecodeFailed("The picture: takes too much work to decode; save it again as an ordinary JPEG")
        _log.error("the decoder ended with code %d (%s)", code, error)
        return ImageDecodeFailed("The picture: ends the decoder; save it again as an ordinary JPEG")


def _answer(connection: Connection, order: Order) -> Picture:
    """Returns the picture that the process sends. Raises the error that it sends, ValueError for any other answer."""
    answer = json.loads(connection.recv_bytes(_MAX_ANSWER))
    match answer:
        case {"Error": str(name), "Message": str(message)} if name in _ERRORS:
            raise _ERRORS[name](message)
        case {"Shape": [int(height), int(width)], "Flaw": str() | None as flaw}:
            if height > 0 and 0 < height * width <= order.max_pixels:
                pixels = connection.recv_bytes(height * width * 3)
                return Picture(np.frombuffer(pixels, np.uint8).reshape(height, width, 3), flaw)
    raise ValueError("the decoder's answer is not one")
