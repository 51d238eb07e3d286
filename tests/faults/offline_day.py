"""A day without a broker, as fast as the reader goes, and then everything delivered.

    python -m tests.faults.offline_day [--passages 2000]

Prints what became of the passages, the longest pause between two of them while the broker was away (reading must not
stop), and how long the delivery took.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from tests.faults.bench import bench
from tests.faults.tally import Tally

_TIME = re.compile(r"^(\S+ \S+) INFO passage \d+: ", re.MULTILINE)
_SECONDS_EACH = 5
"""Patience for one passage on a slow machine."""


@dataclass(frozen=True)
class Day:
    """What one day without a broker did; seconds."""

    tally: Tally
    longest_pause_s: float
    delivery_s: float


def offline(passages: int) -> Day:
    """Take the broker away, wait for so many passages, give it back."""
    with bench() as at:
        start = len(at.gate.log)
        at.broker.stop()
        at.gate.wait_for_passages(passages, passages * _SECONDS_EACH + 60)
        times = [datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f") for text in _TIME.findall(at.gate.log[start:])]
        longest_s = max((later - sooner).total_seconds() for sooner, later in itertools.pairwise(times))
        at.return_broker()
        last, began_s = at.gate.last_passage, time.monotonic()
        at.wait_received(last)
        delivery_s = time.monotonic() - began_s
        return Day(at.settle(), longest_s, delivery_s)


def main() -> None:
    """Live through it; exit code 1 where anything was lost, mixed up or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=2000)
    day = offline(parser.parse_args().passages)
    print(f"{day.tally}; longest pause {day.longest_pause_s:.1f} s; delivered in {day.delivery_s:.1f} s")
    sys.exit(0 if day.tally.is_sound else 1)


if __name__ == "__main__":
    main()
