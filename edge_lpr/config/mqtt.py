"""Settings of the section ``mqtt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from edge_lpr.config.types import (
    Days,
    HostName,
    LocalPath,
    Megabytes,
    Port,
    Seconds,
    Section,
    TopicPrefix,
    Unit,
    WholeSeconds,
    number_as_text,
)


class TlsSettings(Section):
    """TLS of the connection to the broker."""

    ca_file: LocalPath | None = None
    """Certificate authority that signed the broker's certificate. ``null``: the system's authorities."""

    cert_file: LocalPath | None = None
    """This gate's certificate, together with ``key_file``."""

    key_file: LocalPath | None = Field(default=None, validate_default=True)
    """This gate's private key."""

    insecure: bool = False
    """true accepts every certificate, also a forged one. Only for tests."""

    @field_validator("key_file")
    @classmethod
    def _pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "cert_file" in info.data and (value is None) != (info.data["cert_file"] is None):
            raise ValueError("both cert_file and key_file, or neither")
        return value


class OutboxSettings(Section):
    """Passages stay on disk until the broker has acknowledged them.

    Above one of these limits the oldest passages are dropped and counted.
    """

    max_messages: Annotated[int, Unit("passages")] = Field(default=100_000, ge=1, le=100_000_000)
    """Largest number of passages."""

    max_megabytes: Megabytes = Field(default=256, ge=1, le=1_000_000)
    """Largest size."""

    max_age_days: Days = Field(default=30, ge=1, le=3650)
    """Longest time that a passage waits. It applies only while the clock is synchronized."""


class HomeAssistantSettings(Section):
    """Discovery for Home Assistant 2024.11 or later."""

    enabled: bool = False
    """true: the gate announces itself at every connect, and when Home Assistant starts."""

    prefix: TopicPrefix = "homeassistant"
    """Discovery prefix, as set in Home Assistant."""


class MqttSettings(Section):
    """The connection to the MQTT broker."""

    host: HostName = "127.0.0.1"
    """Name or address of the broker."""

    port: Port = 1883
    """Usually 1883 without TLS, 8883 with TLS."""

    username: str | None = Field(default=None, min_length=1)
    """``null``: no user name."""

    password_file: LocalPath | None = None
    """File that holds only the password. Needs ``username``."""

    tls: TlsSettings | None = None
    """``null``: no TLS. ``{}``: TLS with the system's certificate authorities. Or a section with the settings below."""

    topic_prefix: TopicPrefix = "edge-lpr"
    """First level of every topic. Several levels have / between them."""

    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(number_as_text)] = "5"
    """MQTT version."""

    client_id: str | None = Field(default=None, min_length=1, max_length=128)
    """``null``: edge-lpr- and the device id."""

    keepalive_s: WholeSeconds = Field(default=30, ge=5, le=3600)
    """After this time without traffic both sides check the connection."""

    message_expiry_s: WholeSeconds | None = Field(default=None, ge=1, le=4_294_967_294)
    """The broker drops a passage that it could not deliver in this time. ``null``: never. Needs ``protocol: "5"``."""

    health_every_s: Seconds = Field(default=30, ge=1, le=3600)
    """Time between two health messages."""

    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    outbox: OutboxSettings = OutboxSettings()

    @field_validator("password_file")
    @classmethod
    def _needs_username(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("username", "") is None:
            raise ValueError("a path only together with mqtt.username, or null")
        return value

    @field_validator("message_expiry_s")
    @classmethod
    def _needs_mqtt_5(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("protocol") == "3.1.1":
            raise ValueError('null, or mqtt.protocol "5": MQTT 3.1.1 has no message expiry')
        return value
