"""The disk of the machine: simulates a card that loses unflushed writes at a power cut.

If an emulator that writes to a file is killed, only the memory of the guest is lost: the host keeps all writes in their
order. A real card does not. This one serves the file over NBD
(https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md) and keeps the old content of each block that was
written since the last flush. At a cut it restores the old content of randomly selected blocks of 4 KiB. So later writes
may have survived and earlier ones not, and a long write may have survived in part.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
from pathlib import Path

BLOCK = 4096
"""Bytes that are written completely or not at all; ext4 and the kernel's page cache need no more."""

_HELLO = struct.Struct(">8s8sH")
_OPTION = struct.Struct(">8sII")
_REPLY = struct.Struct(">QIII")
_REQUEST = struct.Struct(">IHHQQI")
_ANSWER = struct.Struct(">IIQ")

_OPTION_REPLY_MAGIC = 0x3E889045565A9
_REQUEST_MAGIC, _ANSWER_MAGIC = 0x25609513, 0x67446698
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_OPT_ABORT, _OPT_GO = 2, 7
_REP_ACK, _REP_INFO, _REP_UNSUPPORTED = 1, 3, 0x80000001
_HAS_FLAGS, _SEND_FLUSH = 1, 4
_READ, _WRITE, _DISCONNECT, _FLUSH = range(4)
_EINVAL = 22


class Card:
    """Serves ``image`` on the Unix socket ``path`` to one machine at a time, from ``insert`` to ``cut``."""

    def __init__(self, image: Path, path: Path, draw: random.Random) -> None:
        self._image = image
        self.path = path
        self._draw = draw
        self._unflushed: list[tuple[int, bytes]] = []
        self._stop_at: int | None = None
        self._stopped = threading.Event()
        self._cut = threading.Event()
        self._server: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def insert(self) -> None:
        """Starts to listen."""
        self.path.unlink(missing_ok=True)
        self._stop_at = None
        self._stopped.clear()
        self._cut.clear()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(os.fspath(self.path))
        self._server.listen(1)
        self._thread = threading.Thread(target=self._serve, args=(self._server,), name="card", daemon=True)
        self._thread.start()

    def stop_in_a_write(self, blocks: int, timeout_s: float) -> bool:
        """Stops answering when ``blocks`` blocks are unflushed, for a cut at that point.

        Returns False if that did not happen within ``timeout_s``.
        """
        self._stop_at = blocks
        return self._stopped.wait(timeout_s)

    def cut(self) -> tuple[int, int]:
        """Loses random unflushed blocks of the stopped machine; returns the numbers of unflushed and of lost blocks."""
        self._cut.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown(socket.SHUT_RDWR)  # ends the wait for a machine that did not connect
            self._server.close()
            self._thread.join()
            self._server = self._thread = None
        lost = 0
        if not self._unflushed:
            return 0, 0
        with self._image.open("r+b", buffering=0) as image:
            for offset, old in reversed(self._unflushed):
                if self._draw.random() < 0.5:
                    os.pwrite(image.fileno(), old, offset)
                    lost += 1
        unflushed = len(self._unflushed)
        self._unflushed.clear()
        return unflushed, lost

    def _serve(self, server: socket.socket) -> None:
        try:
            machine, _ = server.accept()
        except OSError:
            return
        with machine, self._image.open("r+b", buffering=0) as image:
            try:
                size = os.fstat(image.fileno()).st_size
                if _handshake(machine, size):
                    self._answer_requests(machine, image.fileno())
            except (ConnectionError, EOFError):
                return  # power cut

    def _answer_requests(self, machine: socket.socket, image: int) -> None:
        while True:
            magic, _flags, kind, handle, offset, length = _REQUEST.unpack(_receive(machine, _REQUEST.size))
            if magic != _REQUEST_MAGIC or kind == _DISCONNECT:
                return
            answer, error = b"", 0
            if kind == _READ:
                answer = os.pread(image, length, offset)
            elif kind == _WRITE:
                self._write(image, _receive(machine, length), offset)
            elif kind == _FLUSH:
                self._unflushed.clear()
            else:
                error = _EINVAL
            machine.sendall(_ANSWER.pack(_ANSWER_MAGIC, error, handle) + answer)

    def _write(self, image: int, data: bytes, offset: int) -> None:
        end = offset + len(data)
        for start in range(offset - offset % BLOCK, end, BLOCK):
            first = max(start, offset)
            self._unflushed.append((first, os.pread(image, min(start + BLOCK, end) - first, first)))
        os.pwrite(image, data, offset)
        if self._stop_at is not None and len(self._unflushed) >= self._stop_at:
            self._stopped.set()
            self._cut.wait()
            raise EOFError


def _handshake(machine: socket.socket, size: int) -> bool:
    """Does NBD's fixed newstyle handshake; returns whether the client then uses the disk."""
    machine.sendall(_HELLO.pack(b"NBDMAGIC", b"IHAVEOPT", _FIXED_NEWSTYLE | _NO_ZEROES))
    _receive(machine, 4)
    while True:
        _magic, option, length = _OPTION.unpack(_receive(machine, _OPTION.size))
        _receive(machine, length)
        if option == _OPT_GO:
            export = struct.pack(">HQH", 0, size, _HAS_FLAGS | _SEND_FLUSH)
            machine.sendall(_REPLY.pack(_OPTION_REPLY_MAGIC, option, _REP_INFO, len(export)) + export)
        kind = _REP_ACK if option in (_OPT_GO, _OPT_ABORT) else _REP_UNSUPPORTED
        machine.sendall(_REPLY.pack(_OPTION_REPLY_MAGIC, option, kind, 0))
        if kind == _REP_ACK:
            return bool(option == _OPT_GO)


def _receive(machine: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        received = machine.recv(count - len(data))
        if not received:
            raise EOFError
        data += received
    return bytes(data)
