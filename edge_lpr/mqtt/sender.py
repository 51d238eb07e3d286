"""Sends passages from the outbox to the broker: in order, a few at a time, and again after every reconnect.

One thread owns all the state. Other threads only put events into its queue: a passage was stored, a message was
acknowledged, a connection was made or lost. So the network thread of paho never waits.
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
from edge_lpr.mqtt.passage_row import DamagedRow, StoredPassage
from edge_lpr.mqtt.session import MqttSession

WINDOW = 8
"""Most unacknowledged passages at a time. Few, because all of them are sent again after a lost connection.

Brokers allow 10 and more. A broker that refuses passages gets one at a time. So it cannot accept a later one first.
"""

ACK_TIMEOUT_S = 60.0
"""Seconds to wait for an acknowledgement.

Doubled after each time-out, up to 16 times as long, until the broker acknowledges a passage.
"""

DELETE_AFTER_S = 30.0
"""Seconds after which acknowledged passages are deleted from the disk, if no new passage is stored before."""

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
class _ReadBack:
    pass


@dataclass(frozen=True, slots=True)
class _Stop:
    deadline_s: float


_Event = _Connected | _Disconnected | _Acknowledged | _Stored | _ReadBack | _Stop


@dataclass(frozen=True, slots=True)
class _InFlight:
    sequence: int
    sent_s: float


class Sender:
    """Sends the waiting passages to one topic, and removes each from the outbox when the broker has acknowledged it."""

    def __init__(
        self,
        outbox: Outbox,
        topic: str,
        reconnect: Callable[[str], None],
        *,
        backoff: BackOff | None = None,
        ack_timeout_s: float = ACK_TIMEOUT_S,
    ) -> None:
        """``reconnect`` is called with a reason when the connection acknowledges nothing, and must start a new one."""
        self._outbox = outbox
        outbox.on_read_back(lambda: self._events.put(_ReadBack()))
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
        """The last sequence number that was sent in this session."""
        self._replay_up_to = 0
        self._refusals = 0
        self._ack_timeouts = 0
        self._resume_s: float | None = None
        self._stop_at_s: float | None = None
        self._delete_at_s: float | None = None
        self._refusal: str | None = None

    @property
    def refusal(self) -> str | None:
        """The name of the reason code with which the broker refuses passages; None while it accepts them."""
        return self._refusal

    def start(self) -> None:
        """Starts the thread. Nothing is sent before ``on_connected``."""
        self._thread = threading.Thread(target=self._run, name="mqtt-sender", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Sends nothing more, waits for acknowledgements, and ends within ``timeout_s``."""
        self._events.put(_Stop(time.monotonic() + timeout_s * 0.8))
        if self._thread is not None:
            self._thread.join(timeout_s)

    def on_stored(self) -> None:
        """Must be called when a passage was added to the outbox."""
        self._events.put(_Stored())

    def on_connected(self, session: MqttSession) -> None:
        """See ConnectionListener. Passages already in the outbox are older than the connection: sent as Replayed."""
        self._events.put(_Connected(session, self._outbox.status.last_sequence))

    def on_disconnected(self, session: MqttSession) -> None:
        """See ConnectionListener."""
        self._events.put(_Disconnected(session))

    def on_acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        """See ConnectionListener."""
        self._events.put(_Acknowledged(session, mid, refusal))

    def _run(self) -> None:
        while not self._is_done():
            delivered: list[int] = []
            for event in self._next_events():
                self._handle(event, delivered)
            if delivered:
                self._outbox.acknowledge(delivered)
                self._delete_at_s = time.monotonic() + DELETE_AFTER_S
            self._delete_acknowledged()
            self._check_ack_timeout()
            self._send_waiting()

    def _is_done(self) -> bool:
        if self._stop_at_s is None:
            return False
        return not self._in_flight or time.monotonic() >= self._stop_at_s

    def _next_events(self) -> list[_Event]:
        """Waits for an event and returns all that are in the queue; empty when a deadline passed."""
        moments = [self._stop_at_s, self._delete_at_s]
        if not self._in_flight:  # a refused passage is sent again when all acknowledgements are there
            moments.append(self._resume_s)
        else:
            moments.append(min(flight.sent_s for flight in self._in_flight.values()) + self._ack_wait_s)
        due = [moment for moment in moments if moment is not None]
        try:
            events = [self._events.get(timeout=max(0.0, min(due) - time.monotonic()) if due else None)]
        except queue.Empty:
            return []
        # All events at once, so that many acknowledgements are one transaction.
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def _handle(self, event: _Event, delivered: list[int]) -> None:
        match event:
            case _Connected(session, last_sequence):
                self._session = session
                self._window = max(1, min(WINDOW, session.receive_maximum - 1))
                self._restart_from_oldest(last_sequence)
            case _Disconnected(session):
                if session is self._session:
                    self._session = None
                    self._restart_from_oldest(self._cursor)
            case _Acknowledged(session, mid, refusal):
                flight = self._in_flight.pop(mid, None) if session is self._session else None
                if flight is not None and refusal is not None:
                    self._record_refusal(refusal)
                elif flight is not None:
                    delivered.append(flight.sequence)
                    self._ack_timeouts = 0
                    self._clear_refusal()
            case _Stop(deadline_s):
                self._stop_at_s = deadline_s
            case _ReadBack():  # passages that could not be read before may be older than those that were sent
                self._replay_up_to = max(self._replay_up_to, self._cursor)
                self._cursor = 0
            case _Stored():
                pass

    def _restart_from_oldest(self, replay_up_to: int) -> None:
        """Makes the next sending start with the oldest waiting passage."""
        self._in_flight.clear()
        self._cursor = 0
        self._replay_up_to = max(self._replay_up_to, replay_up_to)
        self._resume_s = None

    def _record_refusal(self, refusal: str) -> None:
        # No passage is dropped: the operator can correct rights and quotas. Later passages wait too, to keep the order.
        if refusal != self._refusal:
            _log.error("MQTT: the broker refuses passages on %s: %s; they are kept; retrying", self._topic, refusal)
        self._refusal = refusal
        if self._resume_s is None:
            self._refusals += 1
            self._resume_s = time.monotonic() + self._backoff.delay(self._refusals)

    def _clear_refusal(self) -> None:
        if self._refusal is not None and self._resume_s is None:
            _log.info("MQTT: the broker accepts passages on %s again", self._topic)
            self._refusal = None
            self._refusals = 0

    def _delete_acknowledged(self) -> None:
        if self._delete_at_s is not None and time.monotonic() >= self._delete_at_s:
            again_s = self._outbox.delete_acknowledged()
            self._delete_at_s = None if again_s is None else time.monotonic() + again_s

    def _check_ack_timeout(self) -> None:
        if not self._in_flight or self._session is None:
            return
        oldest_s = min(flight.sent_s for flight in self._in_flight.values())
        wait_s = self._ack_wait_s
        if time.monotonic() - oldest_s >= wait_s:
            # MQTT 5 allows sending again only over a new connection (section 4.4).
            self._session = None
            self._restart_from_oldest(self._cursor)
            self._ack_timeouts += 1
            self._reconnect(f"no acknowledgement for {wait_s:.0f} s")

    @property
    def _ack_wait_s(self) -> float:
        """Seconds to wait now. With a constant time a slower broker would receive the same passages endlessly."""
        return self._ack_timeout_s * (1 << min(self._ack_timeouts, 4))

    def _send_waiting(self) -> None:
        if self._resume_s is not None:
            if self._in_flight or time.monotonic() < self._resume_s:
                return
            self._restart_from_oldest(self._cursor)
        free = (self._window if self._refusal is None else 1) - len(self._in_flight)
        if self._session is None or self._stop_at_s is not None or free <= 0:
            return
        sent = {flight.sequence for flight in self._in_flight.values()}
        damaged: list[DamagedRow] = []
        for passage in self._outbox.pending(after=self._cursor, limit=free + len(sent)):
            if passage.sequence in sent or free == 0:
                continue
            payload = self._payload(passage)
            if isinstance(payload, DamagedRow):
                damaged.append(payload)
                continue
            mid = self._session.publish(self._topic, payload, qos=1, retain=False, json=True)
            if mid is None:  # the connection has ended; on_disconnected follows
                break
            self._in_flight[mid] = _InFlight(passage.sequence, time.monotonic())
            self._cursor = passage.sequence
            free -= 1
        if damaged:
            self._outbox.set_aside(damaged)
            self._events.put(_Stored())  # the next ones

    def _payload(self, passage: StoredPassage) -> bytes | DamagedRow:
        """Returns the message with its stamps, or why it is not a plate message."""
        replayed = passage.sequence <= self._replay_up_to
        try:
            return with_transmission(
                passage.message, datetime.now(UTC).astimezone(), sequence=passage.sequence, replayed=replayed
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = f"not a plate message: {error!r:.100}"
            return DamagedRow(
                passage.sequence, reason, passage.request_id.encode(), passage.message.encode(), passage.stored_at
            )
