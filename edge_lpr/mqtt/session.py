"""One connection to the broker, from CONNECT to its end, on top of paho-mqtt.

Each connection gets a client object of its own, thrown away afterwards. paho keeps unacknowledged messages in memory
and sends them again by itself after a reconnect; our outbox does the same from disk. Only one may, or every passage
would come twice: with a new client per connection it is always the outbox. The broker keeps no session for us either
(clean start): a request that waited for an hour should not move a gate.
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

MAX_PACKET = 14 * 1024 * 1024
"""Bytes of a packet that an MQTT 5 broker may send us: more than the largest request takes. It drops larger ones."""

_PACKET_OVERHEAD = 1024
"""Bytes of a packet besides topic, payload and correlation data, generously."""

MessageHandler = Callable[[paho.MQTTMessage], None]
Acknowledged = Callable[["MqttSession", int, "str | None"], None]

_DECODE_ERRORS = (ValueError, IndexError, KeyError, struct.error, MQTTException)
_log = logging.getLogger(__name__)


class _Client(paho.Client):
    """paho's client, telling when its network thread is over, whatever ended it."""

    def __init__(self, client_id: str, protocol: MQTTProtocolVersion) -> None:
        clean_session = None if protocol == MQTTProtocolVersion.MQTTv5 else True
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, clean_session, protocol=protocol, reconnect_on_failure=False
        )
        self.over = threading.Event()

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """paho's network thread runs this."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except _DECODE_ERRORS as error:
            _log.error("MQTT: the broker sent a packet that cannot be understood: %s", error)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            self.over.set()


class MqttSession:
    """One connection. Callbacks come in paho's network thread and must not block; methods may be called anywhere."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will_topic: str | None,
        handlers: Mapping[str, MessageHandler],
        acknowledged: Acknowledged,
    ) -> None:
        """``handlers`` maps topic filters to what takes their messages. The last will is a retained ``offline``.

        Raises ConfigError for an unusable password or TLS file.
        """
        self._settings = settings
        self._is_mqtt_5 = settings.protocol == "5"
        self._handlers = handlers
        self._acknowledged = acknowledged
        self._settled = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._is_started = False
        self.accepted = False
        self.refusal: str | None = None
        self.end_reason: str | None = None
        self.said_goodbye = False
        """The broker ended it and told why."""
        self.receive_maximum = 65535
        self._max_packet: int | None = None
        """What the broker takes at most, if it says so."""
        self._client = self._make_client(client_id, will_topic)

    def _make_client(self, client_id: str, will_topic: str | None) -> _Client:
        settings = self._settings
        client = _Client(client_id, MQTTProtocolVersion.MQTTv5 if self._is_mqtt_5 else MQTTProtocolVersion.MQTTv311)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.suppress_exceptions = True  # a handler's fault is logged and must not end the network thread
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
        """Connect and wait for the broker's answer; ``accepted`` or ``refusal`` then tell. At most ~20 s.

        Raises OSError (unreachable, TLS) or ValueError (a host that is no name), as paho and the sockets do.
        """
        client, settings = self._client, self._settings
        options: dict[str, Any] = {}
        if self._is_mqtt_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = MAX_PACKET
            options = {"clean_start": True, "properties": properties}
        client.connect(settings.host, settings.port, settings.keepalive_s, **options)
        self._is_started = True
        client.loop_start()
        if not self._settled.wait(CONNECT_TIMEOUT_S):
            self._note_end("no answer to CONNECT")
        if self.accepted:
            for topic_filter in self._handlers:
                client.subscribe(topic_filter, qos=1)

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, json: bool, correlation: bytes | None = None
    ) -> int | None:
        """Hand one message to the network thread; its message id, or None when the connection is over.

        ``correlation`` is the correlation data of the request that this answers; only MQTT 5 carries it.
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

    def takes(self, topic: str, payload: bytes, correlation: bytes | None = None) -> bool:
        """False for a message that is larger than the broker said it takes; it would end the connection."""
        size = len(topic.encode()) + len(payload) + len(correlation or b"") + _PACKET_OVERHEAD
        return self._max_packet is None or size <= self._max_packet

    @property
    def is_over(self) -> bool:
        """True once the network thread has ended."""
        return self._client.over.is_set()

    def wait_for_end(self, timeout_s: float | None = None) -> bool:
        """True once the connection is over or ``ask_to_end`` was called; False when ``timeout_s`` passed first."""
        return self._wake.wait(timeout_s)

    def ask_to_end(self, reason: str | None = None) -> None:
        """Let ``open`` and ``wait_for_end`` return; never blocks."""
        self._note_end(reason)
        self._settled.set()
        self._wake.set()

    def close(self, farewell: tuple[str, bytes] | None, timeout_s: float) -> None:
        """End the connection, after a retained farewell (topic, payload) if one is given. Bounded by ``timeout_s``."""
        client = self._client
        if self._is_started:
            if farewell is not None and not client.over.is_set():
                info = client.publish(*farewell, qos=1, retain=True)
                if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                    info.wait_for_publish(timeout_s / 3)
            client.disconnect()
            if not client.over.wait(timeout_s / 3):
                self._cut()
                client.over.wait(timeout_s / 3)
            if client.over.is_set():
                client.loop_stop()
        # Client and session refer to each other; parted, the client's sockets close now and not when memory is swept.
        client.on_connect = client.on_disconnect = client.on_publish = None

    def _cut(self) -> None:
        """End a connection whose peer takes nothing more: the network thread then wakes to a dead socket."""
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
        self._settled.set()

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: Any,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # Without a packet from the broker paho can only say "Unspecified error", which helps nobody.
        self.said_goodbye = flags.is_disconnect_packet_from_server
        told = self.said_goodbye or reason.getName() == "Keep alive timeout"
        self._note_end(reason.getName() if told else "connection closed")
        self._settled.set()
        self._wake.set()

    def _on_publish(
        self, _client: paho.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._acknowledged(self, mid, reason.getName() if reason.is_failure else None)

    def _note_end(self, reason: str | None) -> None:
        with self._lock:
            self.end_reason = self.end_reason or reason


def _on_log(_client: paho.Client, _data: Any, _level: int, text: str) -> None:
    """paho calls a connection's plain end an error, and a handler's fault too; only the latter is ours to mend."""
    _log.log(logging.ERROR if text.startswith("Caught exception") else logging.DEBUG, "paho: %s", text)


def _without_client(handler: MessageHandler) -> Callable[[paho.Client, Any, paho.MQTTMessage], None]:
    """A handler in the shape that paho calls."""

    def take(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        handler(message)

    return take
