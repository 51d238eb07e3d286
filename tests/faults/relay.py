"""A TCP relay between a gate and its broker that simulates faults of networks and brokers.

It decodes as much of MQTT as it needs to act on whole packets, so that no fault also cuts a packet in two.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

Way = Literal["up", "down"]
"""Direction: ``up`` is from the gate to the broker."""

PUBLISH, PUBACK = 3, 4
QUOTA_EXCEEDED = 0x97


@dataclass(frozen=True)
class Faults:
    """The present faults of the line. ``rate`` is in bytes per second, ``puback_delay_s`` in seconds."""

    refusing: bool = False
    """New connections are closed at once."""
    stalled: bool = False
    """No packet is passed on and none is lost: they are passed on afterwards."""
    lost: frozenset[Way] = frozenset()
    """Packets in these directions are dropped silently. A connection that lost one never works again."""
    rate: float | None = None
    corrupt: frozenset[Way] = frozenset()
    """One bit of each packet in these directions is inverted."""
    puback_delay_s: float = 0.0
    refuse_plates: int | None = None
    """The reason code with which passages are refused, instead of passing them to the broker (MQTT 5)."""


class Relay:
    """Listens on ``port`` and forwards to ``target``. A context manager; ``faults`` may be set at any time."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        self._target = (host, target)
        self._server = socket.create_server((host, 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self.publishes = 0
        """Number of passages from the gate, including refused ones."""
        self._faults = Faults()
        self._changed = threading.Condition()
        self._links: set[_Link] = set()
        self._is_closed = False
        self._thread = threading.Thread(target=self._accept, name="relay", daemon=True)

    @property
    def faults(self) -> Faults:
        """The present faults."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._changed:
            self._faults = faults
            self._changed.notify_all()

    def heal(self) -> None:
        """Removes all faults. Connections that lost packets stay broken until their peers detect it."""
        self.faults = Faults()

    def cut(self) -> None:
        """Ends every connection, as a router does after a restart."""
        with self._changed:
            links = list(self._links)
        for link in links:
            link.close()

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        self._thread.join(5)

    def wait_unless_closed(self, seconds: float) -> None:
        """Waits ``seconds``, or until the relay is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed, seconds)

    def wait_while_stalled(self) -> None:
        """Waits until packets are passed on again."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or not self._faults.stalled)

    def _accept(self) -> None:
        while True:
            try:
                gate, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._faults.refusing:
                    raise ConnectionRefusedError
                broker = socket.create_connection(self._target, timeout=5)
            except OSError:
                gate.close()
                continue
            broker.settimeout(None)
            link = _Link(self, gate, broker)
            with self._changed:
                self._links.add(link)
            link.start()

    def remove(self, link: _Link) -> None:
        """Removes a connection that has ended."""
        with self._changed:
            self._links.discard(link)


class _Link:
    """One connection through the relay, with a thread for each direction."""

    def __init__(self, relay: Relay, gate: socket.socket, broker: socket.socket) -> None:
        self._relay = relay
        self._gate, self._broker = gate, broker
        self._to_gate = threading.Lock()
        self._broken: set[Way] = set()

    def start(self) -> None:
        ways: tuple[tuple[Way, socket.socket, socket.socket], ...] = (
            ("up", self._gate, self._broker),
            ("down", self._broker, self._gate),
        )
        for way, source, sink in ways:
            threading.Thread(target=self._pump, args=(way, source, sink), name=f"relay-{way}", daemon=True).start()

    def close(self) -> None:
        for end in (self._gate, self._broker):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._relay.remove(self)

    def _pump(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            for packet in packets(source):
                self._relay.wait_while_stalled()
                self._pass_on(way, packet, sink)
        if not self._broken:  # a peer that lost packets is not informed of the end either
            self.close()

    def _pass_on(self, way: Way, packet: bytes, sink: socket.socket) -> None:
        faults = self._relay.faults
        if way in faults.lost:
            self._broken.add(way)
        if way in self._broken:
            return
        kind = packet[0] >> 4
        if way == "up" and kind == PUBLISH and _topic(packet).endswith(b"/plate"):
            self._relay.publishes += 1
            if faults.refuse_plates is not None:
                with self._to_gate:
                    self._gate.sendall(b"\x40\x03" + _mid(packet) + bytes([faults.refuse_plates]))
                return
        if way == "down" and kind == PUBACK:
            self._relay.wait_unless_closed(faults.puback_delay_s)
        if faults.rate is not None:
            self._relay.wait_unless_closed(len(packet) / faults.rate)
        if way in faults.corrupt:
            packet = packet[:-1] + bytes([packet[-1] ^ 0x80])
        if way == "down":
            with self._to_gate:
                sink.sendall(packet)
        else:
            sink.sendall(packet)


def packets(source: socket.socket) -> Iterator[bytes]:
    """Yields the MQTT packets from a socket, until it ends."""
    buffer = b""
    while chunk := source.recv(65536):
        buffer += chunk
        while (length := packet_length(buffer)) is not None and len(buffer) >= length:
            yield buffer[:length]
            buffer = buffer[length:]


def packet_length(buffer: bytes) -> int | None:
    """Returns the size of the first packet in ``buffer`` with its header; None while it is unknown."""
    length = 0
    for index, byte in enumerate(buffer[1:5]):
        length |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return 2 + index + length
    return None


def _body(packet: bytes) -> bytes:
    header = 1 + next(index for index, byte in enumerate(packet[1:5], 1) if not byte & 0x80)
    return packet[header:]


def _topic(packet: bytes) -> bytes:
    body = _body(packet)
    (length,) = struct.unpack_from("!H", body)
    return body[2 : 2 + length]


def _mid(packet: bytes) -> bytes:
    at = 2 + len(_topic(packet))
    return _body(packet)[at : at + 2]
