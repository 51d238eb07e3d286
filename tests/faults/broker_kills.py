"""Kills and restarts the broker while the real program publishes, and counts what was lost.

    python -m tests.faults.broker_kills [--times 50] [--persistence]

Without ``--persistence`` the broker loses everything, also subscriptions and retained messages. After each restart the
subscriber connects before the gate. Such a broker acknowledges a passage even if there is no subscriber.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading

from rich.progress import track

from tests.faults.rig import running_rig
from tests.faults.tally import Tally


def kill_broker(times: int, *, persistence: bool = False) -> Tally:
    """Restarts the broker ``times`` times at random moments; returns the counts of passages."""
    with running_rig(persistence=persistence) as rig:
        for _ in track(range(times), "killing the broker", disable=not sys.stdout.isatty()):
            threading.Event().wait(random.uniform(0, 1))
            rig.restart_broker()
            rig.wait_received(rig.gate.last_passage)
        return rig.stop_and_count()


def main() -> None:
    """Kills, counts and prints. Exit code 1 if a passage was lost, mixed up or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--persistence", action="store_true")
    arguments = parser.parse_args()
    counts = kill_broker(arguments.times, persistence=arguments.persistence)
    print(f"{arguments.times} broker kills: {counts}")
    sys.exit(0 if counts.is_sound else 1)


if __name__ == "__main__":
    main()
