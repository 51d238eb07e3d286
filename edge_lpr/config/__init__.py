"""The settings of edge_lpr: config.yaml as typed, validated, immutable values.

Each section of the file is one module with one class. A package that needs settings takes the section's class as an
argument and never reads the file. ``load_settings`` turns a file and the environment into ``Settings``, or raises
ConfigError with all errors at once.
"""

from edge_lpr.config.api import ApiSettings
from edge_lpr.config.camera import CameraSettings, PiCameraSettings
from edge_lpr.config.device import DeviceSettings
from edge_lpr.config.evidence import EvidenceSettings
from edge_lpr.config.lists import ListSettings
from edge_lpr.config.loading import load_settings, parse_settings
from edge_lpr.config.log import LogSettings
from edge_lpr.config.mqtt import HomeAssistantSettings, MqttSettings, OutboxSettings, TlsSettings
from edge_lpr.config.page import PageSettings
from edge_lpr.config.passage import PassageSettings
from edge_lpr.config.privacy import PrivacySettings
from edge_lpr.config.reader import PHOTO_MIN_PLATE_WIDTH, ReaderSettings
from edge_lpr.config.settings import Settings

__all__ = [
    "PHOTO_MIN_PLATE_WIDTH",
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
