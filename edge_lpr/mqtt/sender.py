"""From the outbox to the broker: in order, a few at a time, again after every reconnect.

One thread owns all the state here. Whatever happens elsewhere (a passage stored, an acknowledgement, a connection made
or lost) only puts an event into its queue, so nothing in paho's network thread ever waits.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_lpr.backoff import BackOff
from edge_lpr.messages.event import with_transmission
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.session import MqttSession
from edge_lpr.mqtt.store import StoredPassage

WINDOW = 8
"""Passages on the way at once: few, as all are repeated when the connection breaks. Brokers allow 10 and more. A broker
that refuses gets them one by one, so that it cannot take a later one first."""
ACK_TIMEOUT_S = 60.0
"""For one acknowledgement; doubled for a broker that let it pass, up to 16 times as long, until it gives one."""
TIDY_AFTER_S = 30.0
"""What is acknowledged leaves the disk with the next passage; where none comes, after this."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Connected:
    session: MqttSession
    last_sequence: int


@dataclass(frozen=True, slots=True)
class _Disconnected:
    session: MqttSession


@dataclass(frozen=True, slots=True)
class _Acknowledged:
    session: MqttSession
    mid: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class _Stored:
    pass


@dataclass(frozen=True, slots=True)
class _Stop:
    deadline_s: float


_Event = _Connected | _Disconnected | _Acknowledged | _Stored | _Stop


@dataclass(frozen=True, slots=True)
class _InFlight:
    sequence: int
    sent_s: float


class Sender:
    """Sends what waits in the outbox to one topic, and takes it out when the broker has acknowledged it."""

    def __init__(
        self,
        outbox: Outbox,
        topic: str,
        reconnect: Callable[[str], None],
        *,
        backoff: BackOff | None = None,
        ack_timeout_s: float = ACK_TIMEOUT_S,
    ) -> None:
        """``reconnect`` asks for a new connection for the named reason when this one acknowledges nothing."""
        self._outbox = outbox
        self._topic = topic
        self._reconnect = reconnect
        self._backoff = backoff or BackOff()
        self._ack_timeout_s = ack_timeout_s
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._session: MqttSession | None = None
        self._window = WINDOW
        self._in_flight: dict[int, _InFlight] = {}
        self._cursor = 0
        """The last sequence number handed to this session."""
        self._replay_up_to = 0
        self._refusals = 0
        self._silences = 0
        self._resume_s: float | None = None
        self._stop_at_s: float | None = None
        self._tidy_at_s: float | None = None
        self._refusal: str | None = None

    @property
    def refusal(self) -> str | None:
        """Why the broker does not take our passages, by the reason code's name; None while it does."""
        return self._refusal

    def start(self) -> None:
        """Begin; nothing is sent before a connection is reported."""
        self._thread = threading.Thread(target=self._run, name="mqtt-sender", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Send nothing more, wait for what is on the way, and end within ``timeout_s``."""
        self._events.put(_Stop(time.monotonic() + timeout_s * 0.8))
        if self._thread is not None:
            self._thread.join(timeout_s)

    def stored(self) -> None:
        """A passage was added to the outbox."""
        self._events.put(_Stored())

    def connected(self, session: MqttSession) -> None:
        """See ConnectionListener. What is in the outbox by now is older than the connection: it will be Replayed."""
        self._events.put(_Connected(session, self._outbox.status.last_sequence))

    def disconnected(self, session: MqttSession) -> None:
        """See ConnectionListener."""
        self._events.put(_Disconnected(session))

    def acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        """See ConnectionListener."""
        self._events.put(_Acknowledged(session, mid, refusal))

    def _run(self) -> None:
        while not self._is_done():
            delivered: list[int] = []
            for event in self._next_events():
                self._take(event, delivered)
            if delivered:
                self._outbox.acknowledge(delivered)
                self._tidy_at_s = time.monotonic() + TIDY_AFTER_S
            self._tidy()
            self._check_acknowledgements()
            self._send()

    def _is_done(self) -> bool:
        if self._stop_at_s is None:
            return False
        return not self._in_flight or time.monotonic() >= self._stop_at_s

    def _next_events(self) -> list[_Event]:
        """Everything that happened, waiting for the first; empty when a deadline passed."""
        moments = [self._stop_at_s, self._tidy_at_s]
        if not self._in_flight:  # what is on the way is answered first
            moments.append(self._resume_s)
        else:
            moments.append(min(flight.sent_s for flight in self._in_flight.values()) + self._patience_s)
        due = [moment for moment in moments if moment is not None]
        try:
            events = [self._events.get(timeout=max(0.0, min(due) - time.monotonic()) if due else None)]
        except queue.Empty:
            return []
        # Take what else is there, so that many acknowledgements are one transaction.
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def _take(self, event: _Event, delivered: list[int]) -> None:
        match event:
            case _Connected(session, last_sequence):
                self._session = session
                self._window = max(1, min(WINDOW, session.receive_maximum - 1))
                self._forget_flights(last_sequence)
            case _Disconnected(session):
                if session is self._session:
                    self._session = None
                    self._forget_flights(self._cursor)
            case _Acknowledged(session, mid, refusal):
                flight = self._in_flight.pop(mid, None) if session is self._session else None
                if flight is not None and refusal is not None:
                    self._refused(refusal)
                elif flight is not None:
                    delivered.append(flight.sequence)
                    self._silences = 0
                    self._accepted()
            case _Stop(deadline_s):
                self._stop_at_s = deadline_s
            case _Stored():
                pass

    def _forget_flights(self, replay_up_to: int) -> None:
        """Start over from the oldest passage that waits."""
        self._in_flight.clear()
        self._cursor = 0
        self._replay_up_to = max(self._replay_up_to, replay_up_to)
        self._resume_s = None

    def _refused(self, refusal: str) -> None:
        # Nothing is given up: rights get mended and quotas renewed. Later passages wait too, to stay in order.
        if refusal != self._refusal:
            _log.error("MQTT: the broker refuses passages on %s: %s; keeping them and trying on", self._topic, refusal)
        self._refusal = refusal
        if self._resume_s is None:
            self._refusals += 1
            self._resume_s = time.monotonic() + self._backoff.delay(self._refusals)

    def _accepted(self) -> None:
        if self._refusal is not None and self._resume_s is None:
            _log.info("MQTT: the broker takes passages on %s again", self._topic)
            self._refusal = None
            self._refusals = 0

    def _tidy(self) -> None:
        if self._tidy_at_s is not None and time.monotonic() >= self._tidy_at_s:
            self._tidy_at_s = None
            self._outbox.delete_acknowledged()

    def _check_acknowledgements(self) -> None:
        if not self._in_flight or self._session is None:
            return
        oldest_s = min(flight.sent_s for flight in self._in_flight.values())
        patience_s = self._patience_s
        if time.monotonic() - oldest_s >= patience_s:
            # MQTT 5 allows sending again only over a new connection (section 4.4).
            self._session = None
            self._forget_flights(self._cursor)
            self._silences += 1
            self._reconnect(f"no acknowledgement for {patience_s:.0f} s")

    @property
    def _patience_s(self) -> float:
        """Were it always the same, a broker slower than that would be sent the same passages for ever."""
        return self._ack_timeout_s * (1 << min(self._silences, 4))

    def _send(self) -> None:
        if self._resume_s is not None:
            if self._in_flight or time.monotonic() < self._resume_s:
                return
            self._forget_flights(self._cursor)
        room = (self._window if self._refusal is None else 1) - len(self._in_flight)
        if self._session is None or self._stop_at_s is not None or room <= 0:
            return
        for passage in self._outbox.pending(after=self._cursor, limit=room):
            payload = self._payload(passage)
            if payload is None:
                self._outbox.acknowledge([passage.sequence])
                continue
            mid = self._session.publish(self._topic, payload, qos=1, retain=False, json=True)
            if mid is None:  # the connection has just ended; its end comes as an event
                return
            self._in_flight[mid] = _InFlight(passage.sequence, time.monotonic())
            self._cursor = passage.sequence

    def _payload(self, passage: StoredPassage) -> bytes | None:
        """The message as sent now; None, after a log line, for one that a failing disk has garbled."""
        replayed = passage.sequence <= self._replay_up_to
        try:
            return with_transmission(passage.message, datetime.now(UTC).astimezone(), replayed=replayed)
        except (ValueError, KeyError, TypeError):
            _log.error("outbox: passage %d is garbled and cannot be sent; it is given up", passage.sequence)
            return None
