"""How long to wait before the next try: doubling, capped, and with jitter so that gates don't come back in step."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """``first_s`` doubles with each try up to ``ceiling_s``; both in seconds.

    The ceiling is low: a broker that is back should have the passages that waited within seconds.
    """

    first_s: float = 1.0
    ceiling_s: float = 15.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after this many failures in a row: between half and the whole of the doubled time."""
        doublings = min(max(failures - 1, 0), 32)
        whole: float = min(self.ceiling_s, self.first_s * 2**doublings)
        return whole * random.uniform(0.5, 1.0)
