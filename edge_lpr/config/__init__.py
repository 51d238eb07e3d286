"""config.yaml as typed, validated, immutable settings.

The classes below are the settings and their bounds. Each room takes its own class as an argument and never reads the
file. ``load_settings`` turns a file and the environment into ``Settings``, or raises with every fault there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from edge_lpr.api.addresses import Network, parse_network
from edge_lpr.api.image_download import canonical_host
from edge_lpr.config import document as config_file
from edge_lpr.config import error_messages as config_faults
from edge_lpr.config.evidence import EvidenceSettings, PrivacySettings
from edge_lpr.config.page import PageSettings
from edge_lpr.config.passage import ListSettings, PassageSettings
from edge_lpr.config.types import FOLDER, LocalPath, Percent, Section, from_folder

__all__ = [
    "ApiSettings",
    "CameraSettings",
    "DeviceSettings",
    "EvidenceSettings",
    "HomeAssistantSettings",
    "ListSettings",
    "LogSettings",
    "MqttSettings",
    "OutboxSettings",
    "PageSettings",
    "PassageSettings",
    "PiCameraSettings",
    "PrivacySettings",
    "ReaderSettings",
    "Settings",
    "TlsSettings",
    "load_settings",
    "parse_settings",
]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

Control = bool | int | float | str | Annotated[tuple[int | float, ...], Strict(False)]


def _number_as_text(value: object) -> object:
    """YAML reads ``protocol: 5`` and ``source: 0`` as numbers; both are meant as names."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _topic_safe(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("1 to 64 of the characters A-Z a-z 0-9 . _ -, as it becomes part of the MQTT topics")
    return value


def _topic_prefix(value: str) -> str:
    if not all(_NAME.fullmatch(part) for part in value.split("/")):
        raise ValueError("levels of A-Z a-z 0-9 . _ - with one / between two levels, such as site/edge-lpr")
    return value


def _host_name(value: str) -> str:
    if not value or "/" in value or any(character.isspace() for character in value):
        raise ValueError("a host name or an address alone, without mqtt:// and without a port")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _allowed_host(value: str) -> str:
    try:
        return canonical_host(value)
    except ValueError as error:
        raise ValueError("a host name alone, without http:// and without a port") from error


def _allowed_network(value: object) -> Network:
    try:
        return parse_network(str(value))
    except ValueError as error:
        raise ValueError("a network such as 192.168.1.0/24, or one address") from error


TopicName = Annotated[str, AfterValidator(_topic_safe)]
HostName = Annotated[str, AfterValidator(_host_name)]
AllowedHost = Annotated[str, AfterValidator(_allowed_host)]
AllowedNetwork = Annotated[IPv4Network | IPv6Network, BeforeValidator(_allowed_network)]
Port = Annotated[int, Field(ge=1, le=65535)]


class DeviceSettings(Section):
    """This gate."""

    id: TopicName = "gate-1"
    state_dir: LocalPath = Path("/var/lib/edge-lpr")


class PiCameraSettings(Section):
    """What only a camera on the Raspberry Pi's ribbon cable has. Sizes in pixels, rotation in degrees.

    ``max_exposure_ms`` in milliseconds; None leaves the exposure to the camera.
    """

    lores_width: int = Field(default=640, ge=64, le=4096, multiple_of=2)
    lores_height: int = Field(default=360, ge=64, le=4096, multiple_of=2)
    rotation: Literal[0, 180] = 0
    max_exposure_ms: float | None = Field(default=4.0, ge=0.05, le=1000)
    max_gain: float = Field(default=16.0, ge=1, le=64)
    controls: dict[str, Control] = Field(default={})


class CameraSettings(Section):
    """Where frames come from. Sizes in pixels, ``fps`` in frames a second, ``*_s`` in seconds."""

    type: Literal["pi", "usb", "stream", "video", "photos"] = "pi"
    source: Annotated[str, BeforeValidator(_number_as_text)] = Field(default="", validate_default=True)
    loop: bool = False
    fps: float | None = Field(default=None, gt=0, le=240)
    width: int = Field(default=1280, ge=160, le=8192, multiple_of=2)
    height: int = Field(default=720, ge=120, le=8192, multiple_of=2)
    hold: int = Field(default=5, ge=1, le=1000)
    read_timeout_s: float = Field(default=5.0, gt=0, le=300)
    reopen_min_s: float = Field(default=1.0, gt=0, le=3600)
    reopen_max_s: float = Field(default=30.0, gt=0, le=3600, validate_default=True)
    fault_after_s: float = Field(default=20.0, gt=0, le=3600)
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    pi: PiCameraSettings = PiCameraSettings()

    @property
    def live(self) -> bool:
        """False for a recording, which has an end and a time of its own."""
        return self.type not in ("video", "photos")

    @field_validator("source")
    @classmethod
    def _source_fits_type(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("type")
        if kind == "stream" and "://" not in value:
            raise ValueError("the stream's address, such as rtsp://192.0.2.10/main")
        if kind in ("video", "photos"):
            if not value:
                raise ValueError("the video file's path" if kind == "video" else "the path of a folder of photos")
            return str(from_folder(value, info))
        if kind == "pi" and value and not value.isdecimal():
            raise ValueError("the camera's number as rpicam-hello --list-cameras shows it, or nothing for the first")
        return value

    @field_validator("reopen_max_s")
    @classmethod
    def _longest_wait(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reopen_min_s", value):
            raise ValueError("a number of seconds not below reopen_min_s")
        return value


PHOTO_MIN_PLATE_WIDTH = 30
"""Pixels. In a photo that somebody asks about, plates are read from this width on, whatever the lane's camera leaves
out as too far away."""


class ReaderSettings(Section):
    """The reader. ``min_confidence`` is 0 to 100, ``min_plate_width`` in pixels of the frame, ``*_s`` in seconds."""

    min_confidence: Percent = 80
    min_plate_width: int = Field(default=60, ge=8, le=4096)
    idle_look_s: float = Field(default=1.0, ge=0, le=3)
    threads: int = Field(default=2, ge=1, le=64)
    models_dir: LocalPath | None = None


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
    prefix: Annotated[str, AfterValidator(_topic_prefix)] = "homeassistant"


class MqttSettings(Section):
    """The broker. ``*_s`` in seconds."""

    host: HostName = "127.0.0.1"
    port: Port = 1883
    username: str | None = Field(default=None, min_length=1)
    password_file: LocalPath | None = None
    tls: TlsSettings | None = None
    topic_prefix: Annotated[str, AfterValidator(_topic_prefix)] = "edge-lpr"
    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(_number_as_text)] = "5"
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


class ApiSettings(Section):
    """LicensePlateOCR over HTTP. ``requests_per_second`` for each key, ``queue`` in requests of all keys."""

    enabled: bool = False
    host: HostName = "127.0.0.1"
    port: Port = 8080
    keys_file: LocalPath | None = Field(default=None, validate_default=True)
    tls_cert_file: LocalPath | None = None
    tls_key_file: LocalPath | None = Field(default=None, validate_default=True)
    license_plate_ocr: bool = True
    requests_per_second: int = Field(default=10, ge=1, le=10_000)
    queue: int = Field(default=4, ge=1, le=64)
    max_megapixels: int = Field(default=25, ge=1, le=64)
    allow_hosts: Annotated[tuple[AllowedHost, ...], Strict(False)] = ()
    allow_networks: Annotated[tuple[AllowedNetwork, ...], Strict(False)] = ()
    download_ca_file: LocalPath | None = None

    @field_validator("keys_file")
    @classmethod
    def _needed_beyond_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        host = info.data.get("host", "localhost")
        if value is None and info.data.get("enabled", False) and not _is_loopback(host):
            raise ValueError(
                f"a YAML file of SecretId: SecretKey, as api.host {host} is reached from elsewhere;"
                " or set api.host to 127.0.0.1"
            )
        return value

    @field_validator("tls_key_file")
    @classmethod
    def _pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_cert_file" in info.data and (value is None) != (info.data["tls_cert_file"] is None):
            raise ValueError("both tls_cert_file and tls_key_file, or neither")
        return value


class LogSettings(Section):
    """What goes to the log."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """The whole file. Every setting has a default, so an empty file is a valid one."""

    device: DeviceSettings = DeviceSettings()
    camera: CameraSettings = CameraSettings()
    reader: ReaderSettings = ReaderSettings()
    passage: PassageSettings = PassageSettings()
    lists: ListSettings = ListSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    privacy: PrivacySettings = PrivacySettings()
    mqtt: MqttSettings = MqttSettings()
    api: ApiSettings = ApiSettings()
    page: PageSettings = PageSettings()
    log: LogSettings = LogSettings()

    @field_validator("passage")
    @classmethod
    def _line_needs_motion(cls, value: PassageSettings, info: ValidationInfo) -> PassageSettings:
        camera = info.data.get("camera")
        if value.line and isinstance(camera, CameraSettings) and camera.type == "photos":
            raise ValueError("no passage.line with camera.type photos: nothing moves over a line there")
        return value

    @field_validator("privacy")
    @classmethod
    def _images_agree(cls, value: PrivacySettings, info: ValidationInfo) -> PrivacySettings:
        evidence = info.data.get("evidence")
        if not value.images and isinstance(evidence, EvidenceSettings) and evidence.keep != "off":
            raise ValueError("images: true, or evidence.keep off: without images there is nothing to keep")
        return value

    @field_validator("page")
    @classmethod
    def _token_beyond_loopback(cls, value: PageSettings, info: ValidationInfo) -> PageSettings:
        api = info.data.get("api")
        if value.enabled and not value.has_token and isinstance(api, ApiSettings) and not _is_loopback(api.host):
            raise ValueError(
                f"page.token or page.token_file, as api.host {api.host} is reached from elsewhere;"
                " or set api.host to 127.0.0.1"
            )
        return value


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of ``path``, overridden by the ``EDGE_LPR__SECTION__NAME`` variables of ``environ``.

    Relative paths start from the file's folder, wherever they were given. Raises ConfigError with one line in
    ``faults`` for each thing to mend, in the file and in the environment.
    """
    return parse_settings(config_file.text_of(path), path, environ)


def parse_settings(text: str, path: Path, environ: Mapping[str, str]) -> Settings:
    """The same for ``text``, as if it stood in ``path``."""
    document = config_file.parse(text, path)
    environment = config_file.override(document.tree, environ, Settings)
    faults = [*document.faults, *environment.faults]
    settings = None
    try:
        settings = Settings.model_validate(environment.tree, context={FOLDER: path.absolute().parent})
    except ValidationError as error:
        faults += config_faults.describe(error, Settings, document, environment)
    if settings is None or faults:
        raise config_faults.as_error(path, faults)
    return settings
