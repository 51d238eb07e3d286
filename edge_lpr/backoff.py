"""Waits between attempts: doubling, limited, and with jitter so that many devices do not retry at the same moment."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """Exponential back-off.

    The default limit is low: a broker that is available again should receive the waiting passages within seconds.

    Attributes:
        first_s: First delay, in seconds. It doubles with each failure.
        ceiling_s: Longest delay, in seconds, including the jitter.
        jitter: Range of the random factor of a delay.
    """

    first_s: float = 1.0
    ceiling_s: float = 15.0
    jitter: tuple[float, float] = (0.5, 1.0)

    def full_delay(self, failures: int) -> float:
        """Returns the delay after this many failures in a row, in seconds, without jitter."""
        doublings = min(max(failures - 1, 0), 32)
        delay_s: float = min(self.ceiling_s, self.first_s * 2**doublings)
        return delay_s

    def delay(self, failures: int) -> float:
        """Returns the delay after this many failures in a row, in seconds, with jitter."""
        return min(self.full_delay(failures) * random.uniform(*self.jitter), self.ceiling_s)
