"""Settings of the section ``mqtt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from edge_lpr.config.types import HostName, LocalPath, Port, Section, TopicPrefix, number_as_text


class TlsSettings(Section):
    """TLS towards the broker. Without ``ca_file`` the system's authorities are trusted."""

    ca_file: LocalPath | None = None
    cert_file: LocalPath | None = None
    key_file: LocalPath | None = Field(default=None, validate_default=True)
    insecure: bool = False

    @field_validator("key_file")
    @classmethod
    def _pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "cert_file" in info.data and (value is None) != (info.data["cert_file"] is None):
            raise ValueError("both cert_file and key_file, or neither")
        return value


class OutboxSettings(Section):
    """How much may wait on disk for the broker, and how long; past a bound the oldest are dropped and counted."""

    max_messages: int = Field(default=100_000, ge=1, le=100_000_000)
    max_megabytes: int = Field(default=256, ge=1, le=1_000_000)
    max_age_days: int = Field(default=30, ge=1, le=3650)


class HomeAssistantSettings(Section):
    """Home Assistant's discovery; ``prefix`` is its own, as set there."""

    enabled: bool = False
    prefix: TopicPrefix = "homeassistant"


class MqttSettings(Section):
    """The broker. ``*_s`` in seconds."""

    host: HostName = "127.0.0.1"
    port: Port = 1883
    username: str | None = Field(default=None, min_length=1)
    password_file: LocalPath | None = None
    tls: TlsSettings | None = None
    topic_prefix: TopicPrefix = "edge-lpr"
    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(number_as_text)] = "5"
    client_id: str | None = Field(default=None, min_length=1, max_length=128)
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    message_expiry_s: int | None = Field(default=None, ge=1, le=4_294_967_294)
    health_every_s: float = Field(default=30, ge=1, le=3600)
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
