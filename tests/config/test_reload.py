"""Differences between two settings, and which of them a reload applies."""

from __future__ import annotations

from edge_lpr.config import Settings
from edge_lpr.config.reload import LIVE_SETTINGS, changed_settings, with_live_settings

OLD = Settings()
NEW = Settings.model_validate({"passage": {"min_frames": 3}, "mqtt": {"tls": {}}, "camera": {"pi": {"rotation": 180}}})


def test_all_settings_are_told_apart_by_name() -> None:
    assert list(changed_settings(OLD, NEW)) == ["camera.pi.rotation", "passage.min_frames", "mqtt.tls"]


def test_live_settings_exist() -> None:
    for live in LIVE_SETTINGS:
        section, _, name = live.partition(".")
        assert hasattr(getattr(OLD, section), name) if name else hasattr(OLD, section)


def test_only_live_settings_are_taken_over() -> None:
    assert list(changed_settings(OLD, with_live_settings(OLD, NEW))) == ["passage.min_frames"]
