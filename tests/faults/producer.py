"""A small program that publishes passages with the product's publisher until it is killed.

    python -m tests.faults.producer STATE_DIR PORT LEDGER

When ``publish_passage`` returns, sequence number and RequestId are written to LEDGER as one line.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from edge_lpr.backoff import BackOff
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.mqtt.publisher import PassagePublisher
from tests.benchmarks.disk_writes import PASSAGE

PAUSE_S = 0.02


def main() -> None:
    """Publishes until SIGKILL."""
    folder, port, ledger = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pause = threading.Event()
    publisher = PassagePublisher(
        MqttSettings(port=port), DeviceSettings(id="gate-1", state_dir=folder), backoff=BackOff(0.05, 0.2)
    )
    with publisher:
        while not pause.wait(random.uniform(0, PAUSE_S)):
            stored = publisher.publish_passage(PASSAGE)
            os.write(file, f"{stored.sequence} {stored.request_id}\n".encode())


def accepted(ledger: Path) -> dict[int, str]:
    """Returns the RequestIds in the ledger by sequence number."""
    lines = ledger.read_text(encoding="ascii").splitlines() if ledger.exists() else []
    return {int(number): request_id for number, request_id in (line.split() for line in lines)}


if __name__ == "__main__":
    main()
