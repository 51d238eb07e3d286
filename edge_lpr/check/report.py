"""All checks in order: what works, what does not, and the remedy."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.console import Console

from edge_lpr.api.build import load_accounts
from edge_lpr.api.image_download import trusting
from edge_lpr.check.broker import check_broker
from edge_lpr.check.camera import check_camera
from edge_lpr.check.finding import Finding, failure, print_finding
from edge_lpr.config import ApiSettings, DeviceSettings, ReaderSettings, Settings, load_settings
from edge_lpr.config.saved_lanes import SavedLanes
from edge_lpr.config.settings_file import SettingsFile
from edge_lpr.errors import ConfigError, ModelError
from edge_lpr.host.board import temperature_celsius, throttling
from edge_lpr.host.clock import clock_synchronized
from edge_lpr.model_store.loading import open_pair
from edge_lpr.model_store.store import ModelStore
from edge_lpr.page.login_sessions import load_token
from edge_lpr.service.load_control import HOT_C
from edge_lpr.vision.interpreter import runtime_name
from edge_lpr.web.listening import tls_context


def check(path: Path, environ: Mapping[str, str]) -> int:
    """Runs all checks and prints each finding at once.

    Returns 0 if nothing failed (warnings are allowed), else 1. Raises ConfigError for invalid settings: then nothing
    else can be checked.
    """
    console = Console(highlight=False, soft_wrap=True)
    settings = SettingsFile(path, environ).load()
    print_finding(console, Finding("settings", "ok", str(path)))
    failed = 0
    for finding in _findings(settings, path, environ):
        print_finding(console, finding)
        failed += finding.state == "failed"
    console.print("nothing failed" if not failed else f"{failed} failed")
    return 1 if failed else 0


def _findings(settings: Settings, path: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    checks: tuple[Callable[[], Finding], ...] = (
        lambda: _models(settings.reader, settings.device),
        lambda: check_camera(settings.camera),
        lambda: check_broker(settings.mqtt, settings.device),
        lambda: _api(settings.api),
        lambda: _page(settings),
        lambda: _lane(settings, path, environ),
        _board,
        _clock,
        lambda: _disk(settings.device.state_dir, settings.mqtt.outbox.max_megabytes),
    )
    for run_check in checks:
        yield run_check()


def _models(settings: ReaderSettings, device: DeviceSettings) -> Finding:
    try:
        pair = open_pair(settings, ModelStore(device))
    except ModelError as error:
        return failure("models", error)
    detector, recognizer = pair.reader.models.detector.sidecar, pair.reader.models.recognizer.sidecar
    versions = f"{pair.name}: detector {detector.version}, recognizer {recognizer.version}, {runtime_name()}"
    if pair.faults:
        remedy = "install the pair anew with `edge-lpr models install`, or use this one with `edge-lpr models rollback`"
        return Finding("models", "warning", f"{versions}, instead of the one chosen; {'; '.join(pair.faults)}", remedy)
    return Finding("models", "ok", versions)


def _api(settings: ApiSettings) -> Finding:
    """Does not listen at the address, which a running service uses."""
    if not settings.enabled:
        return Finding("api", "ok", "switched off")
    try:
        accounts, context = load_accounts(settings), tls_context(settings)
        trusting(settings.download_ca_file)
    except ConfigError as error:
        return failure("api", error)
    callers = f"{len(accounts)} keys" if accounts else "no keys, for this device alone"
    return Finding("api", "ok", f"{callers}, {'TLS' if context is not None else 'without TLS'}")


def _page(settings: Settings) -> Finding:
    if not settings.page.enabled:
        return Finding("page", "ok", "switched off")
    try:
        token = load_token(settings.page)
    except ConfigError as error:
        return failure("page", error)
    return Finding("page", "ok", "for this device alone" if token is None else "with a token")


def _lane(settings: Settings, path: Path, environ: Mapping[str, str]) -> Finding:
    """Says where the lane comes from: two files can have one."""
    saved = SavedLanes(settings.device.state_dir)
    if saved.counts(load_settings(path, environ)):
        return Finding("lane", "ok", f"as drawn on the page ({saved.path}); the settings file has another one")
    passage = settings.passage
    shown = "of the settings file" if passage.lane or passage.ignore or passage.line else "the whole frame"
    return Finding("lane", "ok", shown)


def _clock() -> Finding:
    if clock_synchronized():
        return Finding("clock", "ok", "set by a time service")
    remedy = "see timedatectl; until then messages say ClockSynchronized: false"
    return Finding("clock", "warning", "not set by a time service since the start", remedy)


def _board() -> Finding:
    temperature, flags = temperature_celsius(), throttling()
    text = "no sensors that can be asked" if temperature is None else f"{temperature:g} degrees Celsius"
    if flags is not None and flags.under_voltage:
        remedy = "use the board's own power supply and a short cable"
        return Finding("board", "warning", f"{text}, not enough current", remedy)
    if (temperature is not None and temperature >= HOT_C) or (flags is not None and flags.throttled):
        remedy = "the board slows down, and fewer frames are read: give it a cooler, shade and air"
        return Finding("board", "warning", f"{text}, too hot", remedy)
    return Finding("board", "ok", text)


def _disk(folder: Path, wanted_megabytes: int) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"edge-lpr")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        remedy = "set device.state_dir to a folder that the service's user may write"
        return Finding("disk", "failed", f"{folder}: cannot be written: {error.strerror}", remedy)
    text = f"{folder} can be written, {free} MB free"
    if free < wanted_megabytes:
        remedy = f"a full outbox takes {wanted_megabytes} MB: make room, or lower mqtt.outbox.max_megabytes"
        return Finding("disk", "warning", text, remedy)
    return Finding("disk", "ok", text)
