"""Answers to requests over MQTT: where they may go, and how many may wait for the network.

paho keeps every message in memory until the broker has acknowledged it. On a slow uplink pictures would pile up there.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from enum import Enum, auto

from paho.mqtt.client import topic_matches_sub

from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.session import MqttSession
from edge_lpr.mqtt.topics import Topics

MAX_WAITING_BYTES = 8 * 1024 * 1024
"""The most bytes of answers that the broker has not acknowledged: two pictures of the largest cameras."""

MAX_WAITING = 200
"""The most answers that the broker has not acknowledged."""

MAX_TOPIC = 256
MAX_LEVELS = 32
"""Bounds of a response topic. A broker may close the connection of a client that publishes to a deeper one."""


class Delivery(Enum):
    """What became of an answer."""

    SENT = auto()
    TOO_LARGE = auto()
    """The broker does not accept packets of this size."""
    WAITING = auto()
    """Too many answers wait for the network."""
    OFFLINE = auto()
    """There is no connection; who asked will not be reached."""


class Answers:
    """Publishes answers at QoS 1, not retained. Make it before the connection starts; use it from any thread."""

    def __init__(self, connection: MqttConnection, topics: Topics, allowed: Sequence[str]) -> None:
        """``allowed`` are topic filters for response topics, in addition to this device's own ``response/``."""
        self.connection = connection
        self.topics = topics
        self._allowed = tuple(allowed)
        self._lock = threading.Lock()
        self._session: MqttSession | None = None
        self._waiting: dict[int, int] = {}
        self._acknowledged: set[int] = set()
        """Messages that were acknowledged before ``publish`` had their id."""
        connection.add_listener(self)

    def may_go_to(self, topic: str) -> bool:
        """Returns whether an answer may go to ``topic``, which a request names.

        It would be published with this gate's rights at the broker. So only topics that the settings name are allowed,
        and below the topic prefix, where the passages and requests of all gates are, only this device's own.
        """
        is_name = topic.isprintable() and not set(topic) & {"+", "#"} and not topic.startswith("$")
        if not is_name or not 0 < len(topic) <= MAX_TOPIC or topic.count("/") >= MAX_LEVELS:
            return False
        if topic.startswith(self.topics.response("")):
            return True
        is_ours = topic == self.topics.prefix or topic.startswith(f"{self.topics.prefix}/")
        return not is_ours and any(topic_matches_sub(each, topic) for each in self._allowed)

    def publish(self, topic: str, payload: bytes, correlation: bytes | None) -> Delivery:
        """Publishes an answer. ``correlation`` is the correlation data of the request, if any. Never waits."""
        with self._lock:
            session = self._session
            if session is None:
                return Delivery.OFFLINE
            if not session.accepts_size(topic, payload, correlation):
                return Delivery.TOO_LARGE
            size = sum(self._waiting.values()) + len(payload)
            if len(self._waiting) >= MAX_WAITING or (self._waiting and size > MAX_WAITING_BYTES):
                return Delivery.WAITING
        # Without the lock: paho holds its own while it calls on_acknowledged, and takes it here.
        mid = session.publish(topic, payload, qos=1, retain=False, json=True, correlation=correlation)
        if mid is None:
            return Delivery.OFFLINE
        with self._lock:
            if mid in self._acknowledged:
                self._acknowledged.remove(mid)
            elif session is self._session:
                self._waiting[mid] = len(payload)
        return Delivery.SENT

    def on_connected(self, session: MqttSession) -> None:
        """Begins with nothing waiting."""
        with self._lock:
            self._session = session
            self._waiting.clear()
            self._acknowledged.clear()

    def on_disconnected(self, session: MqttSession) -> None:
        """Forgets what was waiting: answers are not sent again."""
        with self._lock:
            self._session = None
            self._waiting.clear()
            self._acknowledged.clear()

    def on_acknowledged(self, session: MqttSession, mid: int, refusal: str | None) -> None:
        """Makes room for the next answer."""
        with self._lock:
            if session is self._session and self._waiting.pop(mid, None) is None:
                self._acknowledged.add(mid)
