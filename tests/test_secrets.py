"""Secrets appear nowhere else: not in log, topics, state, arguments, error texts or the output of check."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import yaml

from tests.faults.gate_process import Gate
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber, free_port

PASSWORD = "Geheim-4711-word"
SECRET_KEY = "TenantSecretKey0815abcdef"
TOKEN = "PageToken-1234-5678"
ROOT = Path(__file__).resolve().parents[1]


def found_in(*texts: str) -> list[str]:
    return [secret for secret in (PASSWORD, SECRET_KEY, TOKEN) for text in texts if secret in text]


def test_no_secret_is_disclosed(
    start_mosquitto: Callable[..., Mosquitto], subscribe: Callable[..., Subscriber], tmp_path: Path
) -> None:
    # Longer than 50 lines: one run of the program with all secrets at once, and all places where they must not appear.
    accounts, password_file, keys_file = (tmp_path / name for name in ("accounts", "password", "keys.yaml"))
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(accounts), "gate", PASSWORD], check=True, capture_output=True)
    broker = start_mosquitto("allow_anonymous false", f"password_file {accounts}")
    subscriber = subscribe(broker.port, username="gate", password=PASSWORD)
    password_file.write_text(f"{PASSWORD}-but-wrong", encoding="ascii")
    keys_file.write_text(f"AKIDtenant: {SECRET_KEY}\n", encoding="ascii")
    folder = tmp_path / "gate"
    gate = Gate(folder, broker.port, username="gate", password_file=str(password_file))
    config, port = folder / "config.yaml", free_port()
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["api"] = {"enabled": True, "port": port, "keys_file": str(keys_file)}
    settings["page"] = {"enabled": True, "token": TOKEN}
    settings["log"] = {"level": "debug"}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")

    with gate:
        gate.wait_for_line("refuses us")
        password_file.write_text(PASSWORD, encoding="ascii")
        subscriber.wait(lambda all_: any(m.topic.endswith("/plate") for m in all_), 60)
        subscriber.wait(lambda all_: any(m.topic.endswith("/health") for m in all_), DEADLINE_S)
        scope = "Credential=AKIDtenant/2025-01-01/ocr/tc3_request, SignedHeaders=host, Signature=00"
        forged = {"Authorization": f"TC3-HMAC-SHA256 {scope}", "X-TC-Timestamp": "1", "X-TC-Action": "LicensePlateOCR"}
        answers = [
            httpx.post(f"http://127.0.0.1:{port}/", headers=forged, json={"ImageUrl": "http://x/"}, timeout=30).text,
            *(
                httpx.get(f"http://127.0.0.1:{port}/{path}", timeout=30).text
                for path in ("healthz", "metrics", "page/")
            ),
        ]
        process = Path("/proc") / str(gate.pid)
        arguments = (process / "cmdline").read_text() + (process / "environ").read_text()
        assert gate.stop() == 0
    state = "".join(path.read_bytes().decode("latin-1") for path in gate.state.rglob("*") if path.is_file())
    received = "".join(message.payload.decode("utf-8", "replace") for message in subscriber.messages)

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    check = subprocess.run(
        [sys.executable, "-m", "edge_lpr.cli", "check", "-c", str(config)],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    (tmp_path / "bad.yaml").write_text(
        f"mqtt: {{password: {PASSWORD}, host: 'mqtt://gate:{PASSWORD}@host'}}\npage: {{token: [{TOKEN}]}}\n"
    )
    refused = subprocess.run(
        [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(tmp_path / "bad.yaml")],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 2
    assert not found_in(gate.log, arguments, state, received, *answers, check.stdout, check.stderr, refused.stderr)
    assert "connected to" in gate.log and "AKIDtenant" not in received
