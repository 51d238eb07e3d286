"""The wizard: camera, broker, name, settings file, service. Each answer is tested before the next question.

Nothing is written before the last question about the settings. An answer that fails its test may be kept: the camera
may be delivered tomorrow.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from edge_lpr.check.finding import Finding, print_finding
from edge_lpr.config import Settings, load_settings
from edge_lpr.config.editing import edit_section
from edge_lpr.config.types import Section
from edge_lpr.errors import ConfigError
from edge_lpr.resources import example_settings
from edge_lpr.setup import answers, files, installation
from edge_lpr.setup.asking import ask, ask_yes
from edge_lpr.setup.broker import ask_broker
from edge_lpr.setup.camera import ask_camera


def set_up(path: Path) -> int:
    """Asks, tests, writes ``path``, and offers to install the service; returns the exit code.

    An existing file gives the default answers, and keeps its comments and other settings. Raises EdgeLprError,
    KeyboardInterrupt.
    """
    path = path.resolve()
    files.check_writable(path)
    try:
        texts = _ask_all(path)
        backups = {old: files.backup_path(old) for old in texts if old.exists()}
        is_confirmed = _may_write(path, backups)
    except KeyboardInterrupt:
        print("\nNothing was written.")
        raise
    if not is_confirmed:
        print("Nothing was written.")
        return 0
    files.write_all(texts, backups)
    print("\n".join(f"  written: {written}" for written in texts))
    _offer_service(path, texts)
    return 0


def _ask_all(path: Path) -> dict[Path, str]:
    """Returns the text of each file to write, the settings first."""
    present = load_settings(path, {}) if path.exists() else Settings()
    console = Console(highlight=False, soft_wrap=True)
    print(f"Settings for {path}. Enter takes the answer in [ ]; Ctrl-C leaves, and nothing is written.\n")
    camera = ask_camera(present.camera, path.parent, console)
    broker = ask_broker(present, path.parent, console)
    name = _ask_name(present, path.parent, console)
    text = (path if path.exists() else example_settings()).read_text(encoding="utf-8-sig")
    text = edit_section(text, path, "device", _changes(present.device, {"id": name}))
    text = edit_section(text, path, "camera", _changes(present.camera, camera))
    texts = {path: edit_section(text, path, "mqtt", _changes(present.mqtt, broker.values))}
    if broker.password is not None:
        texts[path.parent / broker.values["password_file"]] = broker.password + "\n"
    return texts


def _changes(present: Section, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of one section that change. All others stay as they are written."""
    before = present.model_dump(mode="json", exclude_unset=True)
    defaults = type(present)().model_dump(mode="json")
    return {key: value for key, value in values.items() if before.get(key, defaults[key]) != value}


def _ask_name(present: Settings, folder: Path, console: Console) -> str:
    print("\nThe gate's name becomes part of its MQTT topics; each gate at one broker has its own.")
    while True:
        name = ask("Name", present.device.id)
        try:
            answers.section(present.device, {"id": name}, folder)
        except ConfigError as error:
            print_finding(console, Finding("name", "failed", str(error)))
        else:
            topic = f"{present.mqtt.topic_prefix}/{name}/plate"
            print_finding(console, Finding("name", "ok", f"passages go to the topic {topic}"))
            return name


def _may_write(path: Path, backups: dict[Path, Path]) -> bool:
    if not backups:
        return ask_yes(f"\nWrite {path}?", default=True)
    kept = " and ".join(f"{old.name} as {backup.name}" for old, backup in backups.items())
    return ask_yes(f"\nChange {path}? What is there is kept, {kept}.", default=False)


def _offer_service(path: Path, written: dict[Path, str]) -> None:
    called = Path(sys.argv[0])
    program = called if called.name == "edge-lpr" else "edge-lpr"
    print(f"\nTo look at everything: {program} check -c {path}")
    if reason := installation.why_not(path):
        print(f"To run it here:        {program} run -c {path}")
        print(f"Not installed as a service: {reason}; docs/install.md has the steps.")
        return
    commands = installation.steps(list(written))
    if installation.may_install() and ask_yes(
        "\nInstall the service and start it, now and at every boot?", default=True
    ):
        installation.install(commands)
        print("Started. `systemctl status edge-lpr` tells how it fares, `journalctl -u edge-lpr -f` what it does.")
        return
    print("\nTo install the service and start it, now and at every boot:\n")
    print("\n".join(f"    {command}" for command in commands))
