"""The broker killed and started again while the real program publishes: what was lost.

    python -m tests.faults.broker_kills [--times 50] [--persistence]

Without ``--persistence`` the broker forgets everything, its subscriptions and retained messages too. After each restart
the subscriber is let in before the gate: such a broker hands a passage to whoever is subscribed, and acknowledges it
also where nobody is.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading

from rich.progress import track

from tests.faults.bench import bench
from tests.faults.tally import Tally


def kill_broker(times: int, *, persistence: bool = False) -> Tally:
    """Restart it so often at random moments; the passages' fate."""
    with bench(persistence=persistence) as at:
        for _ in track(range(times), "killing the broker", disable=not sys.stdout.isatty()):
            threading.Event().wait(random.uniform(0, 1))
            at.restart_broker()
            at.wait_received(at.gate.last_passage)
        return at.settle()


def main() -> None:
    """Kill, count, print; exit code 1 where anything was lost, mixed up or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--persistence", action="store_true")
    arguments = parser.parse_args()
    counts = kill_broker(arguments.times, persistence=arguments.persistence)
    print(f"{arguments.times} broker kills: {counts}")
    sys.exit(0 if counts.is_sound else 1)


if __name__ == "__main__":
    main()
