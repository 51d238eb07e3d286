"""The gate's lasting connection to its broker: it comes back by itself, and says what stands in the way.

A thread of ours makes one ``MqttSession`` after another. On every connect it subscribes, announces what is retained
(availability, health) and tells its listeners. Each change of state is one log line; a fault that repeats is not logged
again until a connection was made. One that comes and goes is called so once, and then left alone until it holds.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Protocol

from edge_lpr.backoff import BackOff
from edge_lpr.config import MqttSettings
from edge_lpr.errors import ConfigError
from edge_lpr.messages.availability import Availability
from edge_lpr.mqtt.session import MessageHandler, MqttSession
from edge_lpr.mqtt.topics import Topics

State = Literal["stopped", "connecting", "connected", "refused", "unreachable", "misconfigured", "lost"]

STABLE_S = 30.0
"""A connection that held this long was a good one: the next wait starts small again. Two clients with one id, which
throw each other out for ever, never get there and so slow down."""

FLAPS = 3
"""Connections in a row that were lost sooner, after which only a new reason is worth a line."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """``reason`` names what stands in the way, by the MQTT reason code's name where the broker gave one.

    ``last_fault`` is the latest such reason and stays when the connection is back: who looks on through the broker sees
    nothing of a fault while it lasts. ``failures`` counts tries in a row that came to nothing, or to a connection that
    did not hold.
    """

    state: State = "stopped"
    reason: str | None = None
    since: datetime | None = None
    connects: int = 0
    failures: int = 0
    last_fault: str | None = None
    last_fault_at: datetime | None = None


class ConnectionListener(Protocol):
    """What is told of the connection. No method may block."""

    def connected(self, session: MqttSession) -> None:
        """The broker accepted us; announcements and subscriptions are on their way."""

    def disconnected(self, session: MqttSession) -> None:
        """That session is over; what it had not acknowledged never will be."""

    def acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        """A QoS 1 message was taken, or refused for the named reason; a QoS 0 message was written."""


class MqttConnection:
    """Keeps one connection to the broker alive between ``start`` and ``stop``."""

    def __init__(self, settings: MqttSettings, topics: Topics, backoff: BackOff | None = None) -> None:
        self._settings = settings
        self._topics = topics
        self._backoff = backoff or BackOff()
        self._broker = f"{settings.host}:{settings.port}"
        self._client_id = settings.client_id or f"edge-lpr-{topics.device_id}"
        self._listeners: list[ConnectionListener] = []
        self._handlers: dict[str, MessageHandler] = {}
        self._announcements: dict[str, tuple[bytes, int, bool]] = {
            topics.availability: (Availability.ONLINE.encode(), 1, False)
        }
        self._session: MqttSession | None = None
        """The session that is being opened or served."""
        self._failures = 0
        self._flaps = 0
        self._stopping = threading.Event()
        self._stop_timeout_s = 2.0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._status = ConnectionStatus()
        self._logged: set[tuple[State, str | None]] = set()

    @property
    def status(self) -> ConnectionStatus:
        """A snapshot."""
        return self._status

    def add_listener(self, listener: ConnectionListener) -> None:
        """Before ``start``."""
        self._listeners.append(listener)

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        """Before ``start``: take messages of ``topic_filter`` at QoS 1, on every connect anew.

        The handler runs in the network thread: it may not block.
        """
        self._handlers[topic_filter] = handler

    def publish_retained(self, topic: str, payload: bytes, *, qos: int) -> None:
        """Publish a retained JSON document now, if connected, and its newest version on every connect."""
        with self._lock:
            self._announcements[topic] = (payload, qos, True)
            if self._session is not None and self._session.accepted:
                self._session.publish(topic, payload, qos=qos, retain=True, json=True)

    def republish_retained(self, topic: str) -> None:
        """Publish the retained document of ``topic`` once more; from any thread, a handler's too."""
        # Without the lock, for the reason that answer gives.
        session, announcement = self._session, self._announcements.get(topic)
        if session is not None and session.accepted and announcement is not None:
            payload, qos, json = announcement
            session.publish(topic, payload, qos=qos, retain=True, json=json)

    def publish_once(self, topic: str, payload: bytes, correlation: bytes | None) -> bool:
        """Publish the JSON answer to a request at QoS 1, not retained; from any thread, a handler's too.

        False when it is larger than the broker takes. Without a connection it is lost, as is whoever asked.
        """
        # Without the lock: another thread may hold it while it waits for the network thread, which we may be.
        session = self._session
        if session is None or not session.accepted:
            _log.debug("MQTT: no connection for the answer on %s", topic)
            return True
        if not session.takes(topic, payload, correlation):
            return False
        session.publish(topic, payload, qos=1, retain=False, json=True, correlation=correlation)
        return True

    def start(self) -> None:
        """Begin connecting; the broker may be absent. Raises ConfigError for an unusable password or TLS file."""
        if self._thread is not None:
            raise RuntimeError("the connection was started before")
        self._make_session()
        self._thread = threading.Thread(target=self._run, name="mqtt-connection", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Publish ``offline``, disconnect and end, within ``timeout_s``; safe to call twice."""
        self._stop_timeout_s = timeout_s * 0.8
        self._stopping.set()
        with self._lock:
            if self._session is not None:
                self._session.ask_to_end()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def reconnect(self, reason: str) -> None:
        """Give up the present session, which is of no use for the named reason, and make another. Never blocks."""
        with self._lock:
            if self._session is not None:
                self._session.ask_to_end(reason)

    def wait_for(self, state: State, timeout_s: float) -> bool:
        """True once the connection is in that state; False when ``timeout_s`` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._status.state == state, timeout_s)

    def _make_session(self) -> MqttSession:
        return MqttSession(
            self._settings, self._client_id, self._topics.availability, self._handlers, self._acknowledged
        )

    def _acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        for listener in self._listeners:
            listener.acknowledged(session, mid, refusal)

    def _run(self) -> None:
        self._set("connecting", None)
        while not self._stopping.is_set():
            session = self._connect()
            if session is None:
                self._failures += 1
            else:
                self._serve(session)
            self._note_failures()
            self._stopping.wait(self._backoff.delay(self._failures))
        self._set("stopped", None)

    def _connect(self) -> MqttSession | None:
        """An accepted session, or None after saying why there is none."""
        try:
            session = self._make_session()
        except ConfigError as error:
            self._set("misconfigured", str(error))
            return None
        with self._lock:
            self._session = session
        if self._stopping.is_set():
            return None
        state, reason = _open(session)
        if state == "connected":
            return session
        session.close(None, timeout_s=1.0)
        if not self._stopping.is_set():
            self._set(state, reason)
        return None

    def _serve(self, session: MqttSession) -> None:
        """See one session through to its end."""
        with self._lock:
            for topic, (payload, qos, json) in self._announcements.items():
                session.publish(topic, payload, qos=qos, retain=True, json=json)
        # The listeners first: who has seen the state "connected" may rely on their knowing it too.
        for listener in self._listeners:
            listener.connected(session)
        self._set("connected", None)
        is_stable = not session.wait_for_end(STABLE_S)
        if is_stable:
            self._holds()
            session.wait_for_end()
        with self._lock:
            self._session = None
        farewell = (self._topics.availability, Availability.OFFLINE.encode()) if self._stopping.is_set() else None
        session.close(farewell, self._stop_timeout_s)
        for listener in self._listeners:
            listener.disconnected(session)
        self._failures += 1
        self._flaps += not is_stable
        if not self._stopping.is_set():
            self._set("lost", self._loss(session, is_stable))

    def _holds(self) -> None:
        """The connection has proved itself."""
        if self._flaps >= FLAPS:
            _log.info("MQTT: the connection to %s holds again", self._broker)
        self._flaps = 0
        self._failures = 0
        self._logged.clear()
        self._note_failures()

    def _note_failures(self) -> None:
        with self._changed:
            self._status = replace(self._status, failures=self._failures)

    def _loss(self, session: MqttSession, is_stable: bool) -> str | None:
        """Why it ended. Some brokers throw out the elder of two clients with one id without a word; then we ask."""
        if session.said_goodbye or is_stable or self._failures < 2:
            return session.end_reason
        return f"{session.end_reason} soon after connecting; is there another client with the id {self._client_id}?"

    def _set(self, state: State, reason: str | None) -> None:
        with self._changed:
            now, before = datetime.now(UTC), self._status
            connects = before.connects + (state == "connected")
            fault, fault_at = (before.last_fault, before.last_fault_at) if reason is None else (reason, now)
            self._status = ConnectionStatus(state, reason, now, connects, before.failures, fault, fault_at)
            self._changed.notify_all()
        self._log_change(state, reason)

    def _log_change(self, state: State, reason: str | None) -> None:
        if self._flaps < FLAPS and state == "connected":
            self._logged.clear()
        if (state, reason) in self._logged:
            return
        self._logged.add((state, reason))
        broker = self._broker
        match state:
            case "connected":
                _log.info("MQTT: connected to %s as %s (MQTT %s)", broker, self._client_id, self._settings.protocol)
            case "connecting" | "stopped":
                _log.debug("MQTT: %s (%s)", state, broker)
            case "refused":
                _log.error("MQTT: %s refuses us: %s; trying on", broker, reason)
            case "misconfigured":
                _log.error("MQTT: %s; trying on", reason)
            case "lost" if self._flaps == FLAPS:
                _log.error("MQTT: %s: %s; the connection comes and goes, trying on without a word", broker, reason)
            case "unreachable" | "lost":
                _log.warning("MQTT: %s %s: %s; trying on", broker, state, reason)


def probe(settings: MqttSettings, client_id: str) -> ConnectionStatus:
    """Try the broker once and leave again without a trace: no will, nothing published. Takes 20 s at most.

    ``client_id`` must not be that of a running gate, which would be thrown out. Raises ConfigError for an unusable
    password or TLS file.
    """
    session = MqttSession(settings, client_id, None, {}, lambda _session, _mid, _refusal: None)
    state, reason = _open(session)
    session.close(None, timeout_s=2.0)
    return ConnectionStatus(state, reason, datetime.now(UTC), connects=int(state == "connected"))


def _open(session: MqttSession) -> tuple[State, str | None]:
    """Connect; what came of it."""
    try:
        session.open()
    except (OSError, ValueError) as error:
        return "unreachable", _describe(error)
    if session.accepted:
        return "connected", None
    if session.refusal is not None:
        return "refused", session.refusal
    return "unreachable", session.end_reason


def _describe(error: OSError | ValueError) -> str:
    """What went wrong on the way to the broker, in a few words that stay the same from try to try."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error.strerror}"
        case TimeoutError():
            return "no answer"
        case socket.gaierror():
            return f"host name not found ({error.strerror})"
        case OSError():
            return (error.strerror or str(error)).lower()
        case _:
            return f"not a usable host name ({error})"
