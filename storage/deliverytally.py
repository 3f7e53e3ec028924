"""How deliveries went, for whoever shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from storage.spread import Spread


class DeliveryTally:
    """What was brought to each store since this process began: numbers that only grow, read at any time."""

    def __init__(self, stores: Iterable[str]) -> None:
        self.seconds = {store: Spread() for store in stores}
        self.bytes: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def stored(self, store: str, size_bytes: int, seconds: float) -> None:
        """The store has confirmed one parcel more, so many seconds after it was begun."""
        self.seconds[store].add(seconds)
        self.bytes[store] += size_bytes
