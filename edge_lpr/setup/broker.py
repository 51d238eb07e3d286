"""The questions for the broker, and a connection under the name and the password that were given."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from edge_lpr.check.broker import check_broker
from edge_lpr.check.finding import Finding
from edge_lpr.config import DeviceSettings, MqttSettings, Settings
from edge_lpr.setup import answers
from edge_lpr.setup.asking import ask, ask_secret, ask_yes
from edge_lpr.setup.trying import holds

PASSWORD_FILE = "mqtt-password"
"""Beside the settings."""

NONE = "-"
"""The answer that takes a present user or file away; an empty one keeps it."""


@dataclass(frozen=True, slots=True, repr=False)
class BrokerAnswer:
    """The section's values, and the password that is to be written; None where there is no new one."""

    values: dict[str, Any]
    password: str | None


def ask_broker(settings: Settings, folder: Path, console: Console) -> BrokerAnswer:
    """A broker that takes us, or that the person wants all the same."""
    present = settings.mqtt
    tls = None if present.tls is None else present.tls.model_dump(mode="json", exclude_unset=True)
    values: dict[str, Any] = {"host": present.host, "port": present.port, "tls": tls, "username": present.username}
    while True:
        values = _address(values)
        user = values["username"] or ""
        user = ask(f"User at the broker ({NONE}: none)" if user else "User at the broker (Enter: none)", user)
        values["username"] = None if user in ("", NONE) else user
        keeps = values["username"] is not None and values["username"] == present.username
        keeps = keeps and present.password_file is not None
        password = _password(keeps) if values["username"] is not None else None
        with _held(password) as held:
            kept = str(present.password_file) if keeps else None
            tried = {**values, "password_file": held or kept}
            if holds(functools.partial(_look, present, settings.device, tried, folder), "broker", console):
                new = None if password is None else PASSWORD_FILE
                return BrokerAnswer({**values, "password_file": kept or new}, password)


def _address(values: dict[str, Any]) -> dict[str, Any]:
    host = ask("\nBroker: host name or address", values["host"])
    tls = values["tls"]
    has_tls = ask_yes("Does it take TLS?", default=tls is not None)
    port = values["port"] if has_tls == (tls is not None) else 8883 if has_tls else 1883
    port = ask("Port", str(port))
    if has_tls:
        question = f"File of the authority that signed its certificate ({NONE}: the system's authorities)"
        tls = {name: value for name, value in (tls or {}).items() if name != "ca_file"}
        authority = ask(question, (values["tls"] or {}).get("ca_file") or NONE)
        if authority != NONE:
            tls["ca_file"] = str(Path(authority).expanduser().absolute())
    # What is no number is refused with what a port may be, when the answers are tried.
    port = int(port) if port.isdecimal() else port
    return {**values, "host": host, "port": port, "tls": tls if has_tls else None}


def _password(keeps: bool) -> str | None:
    return ask_secret(f"Password (Enter: {'the present one' if keeps else 'none'})") or None


@contextmanager
def _held(password: str | None) -> Iterator[str | None]:
    """A path that the password can be read from for now: in memory, so that nothing of it stays whatever happens."""
    if password is None:
        yield None
        return
    descriptor = os.memfd_create("password")
    try:
        os.write(descriptor, password.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _look(present: MqttSettings, device: DeviceSettings, values: dict[str, Any], folder: Path) -> Finding:
    return check_broker(answers.section(present, values, folder), device)
