"""The questions about the broker, with a test connection."""

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
from edge_lpr.setup.trying import is_accepted

PASSWORD_FILE = "mqtt-password"
"""The file of the password, in the folder of the settings."""

NONE = "-"
"""The answer that removes a present user or file; an empty answer keeps it."""


@dataclass(frozen=True, slots=True, repr=False)
class BrokerAnswer:
    """The section's values, and the password to write; None if it stays as it is."""

    values: dict[str, Any]
    password: str | None


def ask_broker(settings: Settings, folder: Path, console: Console) -> BrokerAnswer:
    """Asks until a broker accepts the gate, or the person keeps it nevertheless."""
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
        with _password_path(password) as held:
            kept = str(present.password_file) if keeps else None
            tried = {**values, "password_file": held or kept}
            if is_accepted(functools.partial(_check, present, settings.device, tried, folder), "broker", console):
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
    # The test of the answers refuses a port that is no number.
    port = int(port) if port.isdecimal() else port
    return {**values, "host": host, "port": port, "tls": tls if has_tls else None}


def _password(keeps: bool) -> str | None:
    return ask_secret(f"Password (Enter: {'the present one' if keeps else 'none'})") or None


@contextmanager
def _password_path(password: str | None) -> Iterator[str | None]:
    """Yields a path from which the password can be read. It is in memory, so nothing remains of it."""
    if password is None:
        yield None
        return
    descriptor = os.memfd_create("password")
    try:
        os.write(descriptor, password.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _check(present: MqttSettings, device: DeviceSettings, values: dict[str, Any], folder: Path) -> Finding:
    return check_broker(answers.section(present, values, folder), device)
