"""A TCP relay between a gate and its broker that does to the connection what networks and brokers do.

It understands just enough of MQTT to act on whole packets: a fault then is the one that was asked for, and not a torn
packet besides.
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
"""From the gate to the broker, and back."""

PUBLISH, PUBACK = 3, 4
QUOTA_EXCEEDED = 0x97


@dataclass(frozen=True)
class Faults:
    """What is wrong with the line now. ``rate`` is in bytes a second, ``puback_delay_s`` in seconds."""

    refusing: bool = False
    """New connections are closed at once."""
    stalled: bool = False
    """Nothing moves, nothing is lost: what was held goes on afterwards."""
    lost: frozenset[Way] = frozenset()
    """Packets vanish on these ways and the ends are not told; a connection that lost one never works again."""
    rate: float | None = None
    corrupt: frozenset[Way] = frozenset()
    """One bit of each packet is turned."""
    puback_delay_s: float = 0.0
    refuse_plates: int | None = None
    """The reason code that passages are answered with, instead of handing them to the broker (MQTT 5)."""


class Relay:
    """Listens on ``port`` and passes on to ``target``. A context manager; ``faults`` may be set at any time."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        self._target = (host, target)
        self._server = socket.create_server((host, 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self.publishes = 0
        """Passages that came up, refused ones too."""
        self._faults = Faults()
        self._changed = threading.Condition()
        self._links: set[_Link] = set()
        self._is_closed = False
        self._thread = threading.Thread(target=self._accept, name="relay", daemon=True)

    @property
    def faults(self) -> Faults:
        """What is wrong now."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._changed:
            self._faults = faults
            self._changed.notify_all()

    def heal(self) -> None:
        """Nothing is wrong any more. Connections that lost packets stay broken until their ends notice."""
        self.faults = Faults()

    def cut(self) -> None:
        """End every connection, as a router does that was switched off and on."""
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
        """Let that time pass."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed, seconds)

    def wait_while_stalled(self) -> None:
        """Until packets move again."""
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

    def forget(self, link: _Link) -> None:
        """That connection is over."""
        with self._changed:
            self._links.discard(link)


class _Link:
    """One connection through the relay, with a thread for each way."""

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
        self._relay.forget(self)

    def _pump(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            for packet in packets(source):
                self._relay.wait_while_stalled()
                self._pass_on(way, packet, sink)
        if not self._broken:  # whoever lost packets hears nothing of the other end's leaving either
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
    """The MQTT packets that come from a socket, until it ends."""
    buffer = b""
    while chunk := source.recv(65536):
        buffer += chunk
        while (length := packet_length(buffer)) is not None and len(buffer) >= length:
            yield buffer[:length]
            buffer = buffer[length:]


def packet_length(buffer: bytes) -> int | None:
    """Bytes of the packet that ``buffer`` begins with, its header included; None while that cannot be told."""
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
