"""Defines ``Settings``: all sections of the settings file, and the rules between two sections."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from edge_lpr.config.api import ApiSettings, is_loopback
from edge_lpr.config.camera import CameraSettings
from edge_lpr.config.device import DeviceSettings
from edge_lpr.config.evidence import EvidenceSettings
from edge_lpr.config.lists import ListSettings
from edge_lpr.config.log import LogSettings
from edge_lpr.config.mqtt import MqttSettings
from edge_lpr.config.page import PageSettings
from edge_lpr.config.passage import PassageSettings
from edge_lpr.config.privacy import PrivacySettings
from edge_lpr.config.reader import ReaderSettings
from edge_lpr.config.types import Section


class Settings(Section):
    """The whole file. Every setting has a default, so an empty file is valid."""

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
            raise ValueError("no passage.line with camera.type photos: photos show no movement")
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
        if value.enabled and not value.has_token and isinstance(api, ApiSettings) and not is_loopback(api.host):
            raise ValueError(
                f"page.token or page.token_file, because other devices can reach api.host {api.host};"
                " or set api.host to 127.0.0.1"
            )
        return value
