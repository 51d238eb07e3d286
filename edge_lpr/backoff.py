"""Exponential back-off with jitter: the wait before the next try. Jitter keeps gates from reconnecting in step."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """Wait times that start at ``first_s``, double with each failure and stop growing at ``ceiling_s``; in seconds.

    The default ceiling is low: once the broker is back, waiting passages should reach it within seconds.
    """

    first_s: float = 1.0
    ceiling_s: float = 15.0

    def delay(self, failures: int) -> float:
        """Returns the seconds to wait after ``failures`` failures in a row: 50 to 100 % of the doubled time."""
        doublings = min(max(failures - 1, 0), 32)
        longest: float = min(self.ceiling_s, self.first_s * 2**doublings)
        return longest * random.uniform(0.5, 1.0)
