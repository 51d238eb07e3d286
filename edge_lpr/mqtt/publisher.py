"""Publishes passages through the outbox, and health and statistics directly."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from edge_lpr.backoff import BackOff
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.host.clock import SettledClock, clock_synchronized
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.messages.event import plate_message
from edge_lpr.messages.health import HealthMessage
from edge_lpr.messages.statistics import StatisticsMessage
from edge_lpr.mqtt.connection import ConnectionStatus, MqttConnection
from edge_lpr.mqtt.discovery import announce_device
from edge_lpr.mqtt.outbox import Outbox, OutboxStatus
from edge_lpr.mqtt.passage_row import StoredPassage
from edge_lpr.mqtt.sender import Sender
from edge_lpr.mqtt.topics import Topics
from edge_lpr.passages import Passage

DEFAULT_CAMERA_ID = "camera-1"


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """``refusal`` is the reason why the broker refuses passages although it is connected; None if it does not."""

    connection: ConnectionStatus
    outbox: OutboxStatus
    refusal: str | None


class PassagePublisher:
    """Publishes each passage at least once and in order, also after a long absence of the broker.

    A context manager, equivalent to ``start`` and ``stop``. All methods may be called from any thread.
    """

    def __init__(
        self,
        settings: MqttSettings,
        device: DeviceSettings,
        *,
        camera_id: str = DEFAULT_CAMERA_ID,
        backoff: BackOff | None = None,
        clock_is_synchronized: Callable[[], bool] = clock_synchronized,
    ) -> None:
        self.topics = Topics(settings.topic_prefix, device.id)
        self.connection = MqttConnection(settings, self.topics, backoff)
        if settings.home_assistant.enabled:
            announce_device(self.connection, self.topics, settings.home_assistant)
        self._clock_is_synchronized = clock_is_synchronized
        self._settled_clock = SettledClock(clock_is_synchronized)
        self._outbox = Outbox(device.state_dir, settings.outbox, clock=self._clock_for_ages)
        self._sender = Sender(self._outbox, self.topics.plate, self.connection.reconnect, backoff=backoff)
        self.connection.add_listener(self._sender)
        self._device_id = device.id
        self._camera_id = camera_id

    def start(self) -> None:
        """Opens the outbox and starts to connect; the broker may be away.

        Raises ConfigError for an unusable password or TLS file, and if another service uses the same state folder.
        """
        self._outbox.open()
        with ExitStack() as undo:
            undo.callback(self._outbox.close)
            self.connection.start()
            undo.pop_all()
        self._sender.start()

    def stop(self, timeout_s: float = 4.0) -> None:
        """Waits for acknowledgements, publishes ``offline`` and disconnects, within ``timeout_s``.

        Waiting passages stay on disk.
        """
        self._sender.stop(timeout_s * 0.4)
        self.connection.stop(timeout_s * 0.6)
        self._outbox.close()

    def __enter__(self) -> PassagePublisher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def publish_passage(self, passage: Passage) -> StoredPassage:
        """Assigns sequence number and RequestId to the passage and stores it. It is sent as soon as possible.

        Returns when the passage is on disk, or in memory if the disk fails. Never waits for the broker.
        """
        request_id = new_request_id()
        stored_at = self._clock()

        def compose(sequence: int) -> StoredPassage:
            message = plate_message(
                passage,
                request_id=request_id,
                sequence=sequence,
                device_id=self._device_id,
                camera_id=self._camera_id,
                clock_synchronized=stored_at is not None,
                published_at=datetime.now().astimezone(),
            )
            return StoredPassage(sequence, request_id, message.encode().decode(), stored_at)

        stored = self._outbox.add(compose)
        self._sender.on_stored()
        return stored

    def publish_health(self, health: HealthMessage) -> None:
        """Publishes the health document, retained. Its newest version is published again after every reconnect."""
        self._settled_clock.is_settled()  # it must be asked often, and health is due every half minute
        self.connection.publish_retained(self.topics.health, health.encode(), qos=0)

    def publish_statistic(self, statistic: StatisticsMessage) -> None:
        """Publishes the statistic of one passage if the broker is connected; otherwise drops it."""
        self.connection.publish_once(self.topics.statistics, statistic.encode())

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Waits until the broker has every passage. Returns False if ``timeout_s`` passed first."""
        return self._outbox.wait_until_empty(timeout_s)

    def _clock_for_ages(self) -> int | None:
        return int(time.time()) if self._settled_clock.is_settled() else None

    def _clock(self) -> int | None:
        return int(time.time()) if self._clock_is_synchronized() else None

    @property
    def status(self) -> PublisherStatus:
        """A snapshot of connection and outbox."""
        return PublisherStatus(self.connection.status, self._outbox.status, self._sender.refusal)
