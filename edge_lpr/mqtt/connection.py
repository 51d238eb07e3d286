"""The permanent connection to the broker. It reconnects automatically and reports why it cannot connect.

One thread creates one ``MqttSession`` after another. On every connect it subscribes, publishes the retained documents
(availability, health) and calls its listeners. Each change of state is one log line. A repeated fault is logged again
only after a connection was made. A connection that is lost again and again is reported once, and then not until it is
stable.
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
from edge_lpr.mqtt.session import MAX_ACKNOWLEDGEMENT, MessageHandler, MqttSession
from edge_lpr.mqtt.topics import Topics

State = Literal["stopped", "connecting", "connected", "refused", "unreachable", "misconfigured", "lost"]

MAX_REQUEST = 14 * 1024 * 1024
"""Most bytes of a packet with a request: more than the largest picture needs."""

STABLE_S = 30.0
"""Seconds after which a connection counts as stable: the next wait starts with the shortest time again.

Two clients with the same id disconnect each other endlessly. They never reach this time, so their waits grow.
"""

MAX_SHORT_CONNECTIONS = 3
"""Connections in a row that were lost before ``STABLE_S``; after that only a new reason is logged."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """The state of the connection.

    ``reason`` says why there is no connection; it is the name of the MQTT reason code if the broker gave one.
    ``last_fault`` is the latest such reason and stays after the reconnect, because a subscriber cannot see a fault
    while the gate is disconnected. ``failures`` counts the attempts in a row without a stable connection.
    """

    state: State = "stopped"
    reason: str | None = None
    since: datetime | None = None
    connects: int = 0
    failures: int = 0
    last_fault: str | None = None
    last_fault_at: datetime | None = None


class ConnectionListener(Protocol):
    """Receives the events of the connection. No method may block."""

    def on_connected(self, session: MqttSession) -> None:
        """The broker accepted the connection; retained documents and subscriptions have been sent."""

    def on_disconnected(self, session: MqttSession) -> None:
        """The session has ended; its unacknowledged messages will never be acknowledged."""

    def on_acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        """The broker accepted a QoS 1 message, or refused it with the reason ``refusal``; a QoS 0 message was sent."""


class MqttConnection:
    """Keeps a connection to the broker between ``start`` and ``stop``."""

    def __init__(
        self, settings: MqttSettings, topics: Topics, backoff: BackOff | None = None, *, for_requests: bool = False
    ) -> None:
        """Nothing is connected yet.

        ``for_requests``: the connection of the server process. It has its own client id, takes packets as large as a
        request, and leaves the availability to the gate's connection.
        """
        self._settings = settings
        self._availability = None if for_requests else topics.availability
        self._backoff = backoff or BackOff()
        self._broker = f"{settings.host}:{settings.port}"
        self._client_id = (settings.client_id or f"edge-lpr-{topics.device_id}") + "-server" * for_requests
        self._max_packet = MAX_REQUEST if for_requests else MAX_ACKNOWLEDGEMENT
        self._listeners: list[ConnectionListener] = []
        self._handlers: dict[str, MessageHandler] = {}
        self._retained: dict[str, tuple[bytes, int, bool]] = {}
        if self._availability is not None:
            self._retained[self._availability] = (Availability.ONLINE.encode(), 1, False)
        self._session: MqttSession | None = None
        """The session that is connecting or connected."""
        self._failures = 0
        self._short_connections = 0
        self._stopping = threading.Event()
        self._stop_timeout_s = 2.0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._status = ConnectionStatus()
        self._logged: set[tuple[State, str | None]] = set()

    @property
    def status(self) -> ConnectionStatus:
        """A snapshot of the state."""
        return self._status

    def add_listener(self, listener: ConnectionListener) -> None:
        """Adds a listener; only before ``start``."""
        self._listeners.append(listener)

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        """Subscribes to ``topic_filter`` at QoS 1 on every connect; only before ``start``.

        ``handler`` runs in the network thread and must not block.
        """
        self._handlers[topic_filter] = handler

    def publish_retained(self, topic: str, payload: bytes, *, qos: int) -> None:
        """Publishes a retained JSON document now, if connected, and its newest version on every connect."""
        with self._lock:
            self._retained[topic] = (payload, qos, True)
            if self._session is not None and self._session.accepted:
                self._session.publish(topic, payload, qos=qos, retain=True, json=True)

    def publish_once(self, topic: str, payload: bytes) -> None:
        """Publishes a JSON document at QoS 1, not retained. Without a connection the document is dropped."""
        session = self._session
        if session is None or not session.accepted:
            _log.debug("MQTT: no connection for the message on %s", topic)
            return
        session.publish(topic, payload, qos=1, retain=False, json=True)

    def start(self) -> None:
        """Starts to connect; the broker may be away. Raises ConfigError for an unusable password or TLS file."""
        if self._thread is not None:
            raise RuntimeError("the connection was started before")
        self._make_session()
        self._thread = threading.Thread(target=self._run, name="mqtt-connection", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Publishes ``offline`` and disconnects within ``timeout_s``; safe to call twice."""
        self._stop_timeout_s = timeout_s * 0.8
        self._stopping.set()
        with self._lock:
            if self._session is not None:
                self._session.request_end()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def reconnect(self, reason: str) -> None:
        """Ends the present session for the given reason, and connects again. Never blocks."""
        with self._lock:
            if self._session is not None:
                self._session.request_end(reason)

    def wait_for(self, state: State, timeout_s: float) -> bool:
        """Waits until the connection is in ``state``. Returns False if ``timeout_s`` passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._status.state == state, timeout_s)

    def _make_session(self) -> MqttSession:
        return MqttSession(
            self._settings, self._client_id, self._availability, self._handlers, self._acknowledged, self._max_packet
        )

    def _acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        for listener in self._listeners:
            listener.on_acknowledged(session, mid, refusal)

    def _run(self) -> None:
        self._set_state("connecting", None)
        while not self._stopping.is_set():
            session = self._connect()
            if session is None:
                self._failures += 1
            else:
                self._serve(session)
            self._update_failures()
            self._stopping.wait(self._backoff.delay(self._failures))
        self._set_state("stopped", None)

    def _connect(self) -> MqttSession | None:
        """Returns an accepted session, or None after the reason has been reported."""
        try:
            session = self._make_session()
        except ConfigError as error:
            self._set_state("misconfigured", str(error))
            return None
        with self._lock:
            self._session = session
        if self._stopping.is_set():
            return None
        state, reason = _open_session(session)
        if state == "connected":
            return session
        session.close(None, timeout_s=1.0)
        if not self._stopping.is_set():
            self._set_state(state, reason)
        return None

    def _serve(self, session: MqttSession) -> None:
        """Serves one session until it ends."""
        with self._lock:
            for topic, (payload, qos, json) in self._retained.items():
                session.publish(topic, payload, qos=qos, retain=True, json=json)
        # The listeners first: a caller that sees the state "connected" may rely on their having the session.
        for listener in self._listeners:
            listener.on_connected(session)
        self._set_state("connected", None)
        is_stable = not session.wait_for_end(STABLE_S)
        if is_stable:
            self._mark_stable()
            session.wait_for_end()
        with self._lock:
            self._session = None
        last_message = None
        if self._stopping.is_set() and self._availability is not None:
            last_message = (self._availability, Availability.OFFLINE.encode())
        session.close(last_message, self._stop_timeout_s)
        for listener in self._listeners:
            listener.on_disconnected(session)
        self._failures += 1
        self._short_connections += not is_stable
        if not self._stopping.is_set():
            self._set_state("lost", self._loss_reason(session, is_stable))

    def _mark_stable(self) -> None:
        if self._short_connections >= MAX_SHORT_CONNECTIONS:
            _log.info("MQTT: the connection to %s is stable again", self._broker)
        self._short_connections = 0
        self._failures = 0
        self._logged.clear()
        self._update_failures()

    def _update_failures(self) -> None:
        with self._changed:
            self._status = replace(self._status, failures=self._failures)

    def _loss_reason(self, session: MqttSession, is_stable: bool) -> str | None:
        """Returns why the session ended.

        Some brokers disconnect the older of two clients with the same id without a reason. Then the text asks whether
        there is such a client.
        """
        if session.ended_by_broker or is_stable or self._failures < 2:
            return session.end_reason
        return f"{session.end_reason} soon after connecting; is there another client with the id {self._client_id}?"

    def _set_state(self, state: State, reason: str | None) -> None:
        with self._changed:
            now, before = datetime.now(UTC), self._status
            connects = before.connects + (state == "connected")
            fault, fault_at = (before.last_fault, before.last_fault_at) if reason is None else (reason, now)
            self._status = ConnectionStatus(state, reason, now, connects, before.failures, fault, fault_at)
            self._changed.notify_all()
        self._log_change(state, reason)

    def _log_change(self, state: State, reason: str | None) -> None:
        if self._short_connections < MAX_SHORT_CONNECTIONS and state == "connected":
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
                _log.error("MQTT: %s refuses us: %s; retrying", broker, reason)
            case "misconfigured":
                _log.error("MQTT: %s; retrying", reason)
            case "lost" if self._short_connections == MAX_SHORT_CONNECTIONS:
                _log.error(
                    "MQTT: %s: %s; the connection comes and goes; retrying without more log lines", broker, reason
                )
            case "unreachable" | "lost":
                _log.warning("MQTT: %s %s: %s; retrying", broker, state, reason)


def probe(settings: MqttSettings, client_id: str) -> ConnectionStatus:
    """Connects to the broker once and disconnects again. Sets no will, publishes nothing. Takes at most 20 s.

    ``client_id`` must not be that of a running gate: the broker would disconnect the gate. Raises ConfigError for an
    unusable password or TLS file.
    """
    session = MqttSession(settings, client_id, None, {}, lambda _session, _mid, _refusal: None)
    state, reason = _open_session(session)
    session.close(None, timeout_s=2.0)
    return ConnectionStatus(state, reason, datetime.now(UTC), connects=int(state == "connected"))


def _open_session(session: MqttSession) -> tuple[State, str | None]:
    """Connects; returns the state that follows and its reason."""
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
    """Returns what failed, in a few words that are the same for every attempt, so that it is logged once."""
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
