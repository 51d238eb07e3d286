"""A day without a broker, at the speed of the reader, and then the delivery of all passages.

    python -m tests.faults.offline_day [--passages 2000]

Prints the counts of passages, the longest pause between two of them while the broker was away (reading must not stop),
and the time of the delivery.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from tests.faults.rig import running_rig
from tests.faults.tally import Tally

_TIME = re.compile(r"^(\S+ \S+) INFO passage \d+: ", re.MULTILINE)
_SECONDS_EACH = 5
"""Longest time for one passage on a slow machine."""


@dataclass(frozen=True)
class Day:
    """The result of one day without a broker; times in seconds."""

    tally: Tally
    longest_pause_s: float
    delivery_s: float


def offline(passages: int) -> Day:
    """Stops the broker, waits for ``passages`` passages, and starts it again."""
    with running_rig() as rig:
        start = len(rig.gate.log)
        rig.broker.stop()
        rig.gate.wait_for_passages(passages, passages * _SECONDS_EACH + 60)
        times = [datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f") for text in _TIME.findall(rig.gate.log[start:])]
        longest_s = max((later - sooner).total_seconds() for sooner, later in itertools.pairwise(times))
        rig.return_broker()
        last, began_s = rig.gate.last_passage, time.monotonic()
        rig.wait_received(last)
        delivery_s = time.monotonic() - began_s
        return Day(rig.stop_and_count(), longest_s, delivery_s)


def main() -> None:
    """Runs the test. Exit code 1 if a passage was lost, mixed up or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=2000)
    day = offline(parser.parse_args().passages)
    print(f"{day.tally}; longest pause {day.longest_pause_s:.1f} s; delivered in {day.delivery_s:.1f} s")
    sys.exit(0 if day.tally.is_sound else 1)


if __name__ == "__main__":
    main()
