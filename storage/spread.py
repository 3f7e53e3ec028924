"""How measured values are spread: counts by bound, as Prometheus' histograms have them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Spread:
    """Counts values up to each of `bounds`, and beyond. Any thread may add and read."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)
        self._lock = threading.Lock()

    def add(self, value: float) -> None:
        """One value more."""
        with self._lock:
            self._counts[bisect_left(self.bounds, value)] += 1
            self.sum += value

    def upto(self) -> list[int]:
        """For each bound how many values are not greater than it, then how many there are."""
        total, found = 0, []
        for count in list(self._counts):
            total += count
            found.append(total)
        return found
