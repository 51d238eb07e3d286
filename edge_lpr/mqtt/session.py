"""One connection to the broker, from CONNECT to its end, based on paho-mqtt.

Each connection has a new client object. paho keeps unacknowledged messages in memory and sends them again after a
reconnect; the outbox does the same from disk. If both did it, every passage would arrive twice. With a new client for
each connection only the outbox sends again. The broker keeps no session for the gate either (clean start), because a
request that waited for an hour should not move a gate.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt import MQTTException
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_lpr.messages.availability import Availability
from edge_lpr.mqtt.credentials import read_password, tls_context

if TYPE_CHECKING:
    import ssl

    from edge_lpr.config import MqttSettings

CONNECT_TIMEOUT_S = 10.0

MAX_ACKNOWLEDGEMENT = 64 * 1024
"""Most bytes of a packet that the broker may send on a connection without subscriptions.

An MQTT 5 broker drops larger packets to a client that says so. With another broker a larger packet ends the connection
before it is read.
"""

_PACKET_OVERHEAD = 1024
"""An upper bound for the bytes of a packet without topic, payload and correlation data."""

MessageHandler = Callable[[paho.MQTTMessage], None]
Acknowledged = Callable[["MqttSession", int, "str | None"], None]

_DECODE_ERRORS = (ValueError, IndexError, KeyError, struct.error, MQTTException)
_log = logging.getLogger(__name__)


class _Client(paho.Client):
    """A paho client whose ``ended`` is set when its network thread has ended for any reason."""

    def __init__(self, client_id: str, protocol: MQTTProtocolVersion, max_packet: int) -> None:
        clean_session = None if protocol == MQTTProtocolVersion.MQTTv5 else True
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, clean_session, protocol=protocol, reconnect_on_failure=False
        )
        self.ended = threading.Event()
        self._max_packet = max_packet

    def _sock_recv(self, bufsize: int) -> bytes:
        """Receives up to ``bufsize`` bytes, which for the body of a packet is its length as the broker states it."""
        if bufsize > self._max_packet:
            _log.error("MQTT: the broker sends a packet of %d bytes; %d are accepted", bufsize, self._max_packet)
            raise ConnectionError(f"a packet of {bufsize} bytes")
        return super()._sock_recv(bufsize)

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Runs in the network thread of paho."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except _DECODE_ERRORS as error:
            _log.error("MQTT: the broker sent a packet that cannot be decoded: %s", error)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            self.ended.set()


class MqttSession:
    """One connection to the broker.

    Callbacks run in paho's network thread and must not block. Methods may be called from any thread.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will_topic: str | None,
        handlers: Mapping[str, MessageHandler],
        acknowledged: Acknowledged,
        max_packet: int = MAX_ACKNOWLEDGEMENT,
    ) -> None:
        """Prepares a client; ``open`` connects it.

        ``handlers`` maps each topic filter to the function that receives its messages. ``acknowledged`` is called for
        each acknowledged or refused message. The last will on ``will_topic`` is a retained ``offline``; None sets no
        will. ``max_packet`` bounds the packets from the broker, in bytes. Raises ConfigError for an unusable password
        or TLS file.
        """
        self._settings = settings
        self._is_mqtt_5 = settings.protocol == "5"
        self._handlers = handlers
        self._acknowledged = acknowledged
        self._connect_done = threading.Event()
        self._end_event = threading.Event()
        self._lock = threading.Lock()
        self._is_started = False
        self.accepted = False
        self.refusal: str | None = None
        self.end_reason: str | None = None
        self.ended_by_broker = False
        """The broker ended the connection with a DISCONNECT packet, which has the reason."""
        self.receive_maximum = 65535
        self._max_received = max_packet
        self._max_packet: int | None = None
        """The largest packet in bytes that the broker accepts; None if it has not announced a limit."""
        self._client = self._make_client(client_id, will_topic)

    def _make_client(self, client_id: str, will_topic: str | None) -> _Client:
        settings = self._settings
        protocol = MQTTProtocolVersion.MQTTv5 if self._is_mqtt_5 else MQTTProtocolVersion.MQTTv311
        client = _Client(client_id, protocol, self._max_received)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.suppress_exceptions = True  # an exception in a handler is logged and must not end the network thread
        client.on_log = _on_log
        if will_topic is not None:
            client.will_set(will_topic, Availability.OFFLINE.encode(), qos=1, retain=True)
        if settings.username is not None:
            password = None if settings.password_file is None else read_password(settings.password_file)
            client.username_pw_set(settings.username, password)
        if settings.tls is not None:
            context: ssl.SSLContext = tls_context(settings.tls)
            client.tls_set_context(context)
            client.tls_insecure_set(settings.tls.insecure)
        for topic_filter, handler in self._handlers.items():
            client.message_callback_add(topic_filter, _without_client(handler))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def open(self) -> None:
        """Connects and waits for the broker's answer, which is then in ``accepted`` or ``refusal``. Takes at most 20 s.

        Raises OSError if the broker is unreachable or TLS fails, and ValueError for a host that is not a name.
        """
        client, settings = self._client, self._settings
        options: dict[str, Any] = {}
        if self._is_mqtt_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = self._max_received
            options = {"clean_start": True, "properties": properties}
        client.connect(settings.host, settings.port, settings.keepalive_s, **options)
        self._is_started = True
        client.loop_start()
        if not self._connect_done.wait(CONNECT_TIMEOUT_S):
            self._record_end("no answer to CONNECT")
        if self.accepted:
            for topic_filter in self._handlers:
                client.subscribe(topic_filter, qos=1)

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, json: bool, correlation: bytes | None = None
    ) -> int | None:
        """Hands one message to the network thread. Returns its message id, or None if the connection has ended.

        ``correlation`` is the correlation data of the request that this message answers; only MQTT 5 carries it.
        """
        properties = self._json_properties(expires=not retain) if json and self._is_mqtt_5 else None
        if properties is not None and correlation is not None:
            properties.CorrelationData = correlation
        info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def _json_properties(self, *, expires: bool) -> Properties:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.PayloadFormatIndicator = 1
        if expires and self._settings.message_expiry_s is not None:
            properties.MessageExpiryInterval = self._settings.message_expiry_s
        return properties

    def accepts_size(self, topic: str, payload: bytes, correlation: bytes | None = None) -> bool:
        """Returns False if the message exceeds the broker's packet limit. Sending it would end the connection."""
        size = len(topic.encode()) + len(payload) + len(correlation or b"") + _PACKET_OVERHEAD
        return self._max_packet is None or size <= self._max_packet

    @property
    def has_ended(self) -> bool:
        """Whether the network thread has ended."""
        return self._client.ended.is_set()

    def wait_for_end(self, timeout_s: float | None = None) -> bool:
        """Waits for the end or for ``request_end``. Returns False if ``timeout_s`` passed first."""
        return self._end_event.wait(timeout_s)

    def request_end(self, reason: str | None = None) -> None:
        """Makes ``open`` and ``wait_for_end`` return. Never blocks."""
        self._record_end(reason)
        self._connect_done.set()
        self._end_event.set()

    def close(self, last_message: tuple[str, bytes] | None, timeout_s: float) -> None:
        """Ends the connection within ``timeout_s``.

        ``last_message``, if any, is a topic and a payload that are published first, retained.
        """
        client = self._client
        if self._is_started:
            if last_message is not None and not client.ended.is_set():
                info = client.publish(*last_message, qos=1, retain=True)
                if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                    info.wait_for_publish(timeout_s / 3)
            client.disconnect()
            if not client.ended.wait(timeout_s / 3):
                self._cut()
                client.ended.wait(timeout_s / 3)
            if client.ended.is_set():
                client.loop_stop()
        # Client and session refer to each other. Without these references the sockets of the client close now, and not
        # at the next garbage collection.
        client.on_connect = client.on_disconnect = client.on_publish = None

    def _cut(self) -> None:
        """Shuts the socket down if the peer does not react, which wakes the network thread."""
        stream = self._client.socket()
        if isinstance(stream, socket.socket):
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                _log.debug("MQTT: the socket was closed already: %s", error)

    def _on_connect(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self.refusal = reason.getName()
        else:
            self.accepted = True
            self.receive_maximum = getattr(properties, "ReceiveMaximum", self.receive_maximum)
            self._max_packet = getattr(properties, "MaximumPacketSize", None)
        self._connect_done.set()

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: Any,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # Without a packet from the broker paho reports only "Unspecified error".
        self.ended_by_broker = flags.is_disconnect_packet_from_server
        is_known = self.ended_by_broker or reason.getName() == "Keep alive timeout"
        self._record_end(reason.getName() if is_known else "connection closed")
        self._connect_done.set()
        self._end_event.set()

    def _on_publish(
        self, _client: paho.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._acknowledged(self, mid, reason.getName() if reason.is_failure else None)

    def _record_end(self, reason: str | None) -> None:
        with self._lock:
            self.end_reason = self.end_reason or reason


def _on_log(_client: paho.Client, _data: Any, _level: int, text: str) -> None:
    """Logs paho's messages: exceptions as errors, all others as debug.

    paho also reports the normal end of a connection as an error.
    """
    _log.log(logging.ERROR if text.startswith("Caught exception") else logging.DEBUG, "paho: %s", text)


def _without_client(handler: MessageHandler) -> Callable[[paho.Client, Any, paho.MQTTMessage], None]:
    """Returns ``handler`` with the signature that paho calls."""

    def handle(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        handler(message)

    return handle
