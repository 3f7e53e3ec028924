"""How reading goes, for whoever shows it: numbers that only grow, read at any time."""

from __future__ import annotations

import threading
from collections import Counter

from pipelines.reading import Reading
from storage.errors import NewsarkError, PageError, ReaderCrashed, ReadingTimedOut
from storage.log import Log
from storage.spread import Spread

log = Log(__name__)

TROUBLES = (ReadingTimedOut.kind, ReaderCrashed.kind)


class ReadingTally:
    """What readers were asked for and what came of it; `seconds` is what pages took in the reader itself.

    `results` are `read` and the words of TROUBLES: what else is wrong with a page is a fact about the page.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._lock = threading.Lock()
        self.results: Counter[str] = Counter()
        self.seconds = Spread()

    def ask(self) -> None:
        """A reader was asked for something."""
        with self._lock:
            self.asked += 1

    @property
    def under_way(self) -> int:
        """How many pages and lists are being read, or wait for a reader."""
        return max(self.asked - self.results.total(), 0)

    def all_results(self) -> dict[str, int]:
        """How many came to what; what did not happen yet is 0."""
        return {word: self.results[word] for word in ("read", *TROUBLES)}

    def read(self, url: str, reading: Reading | NewsarkError) -> None:
        """A page was read, or was not."""
        if isinstance(reading, NewsarkError):
            self.called(reading)
            return
        word = next((word for word in TROUBLES if word in reading.evidence), None)
        self._count(word)
        if word is not None:
            log.info(word, url=url, problem=reading.reason)
        elif reading.read_ms:
            self.seconds.add(reading.read_ms / 1000)

    def called(self, result: object) -> None:
        """A list or a file was read, or was not: then the result is the error."""
        kind = result.kind if isinstance(result, PageError) else None
        self._count(kind if kind in TROUBLES else None)

    def _count(self, trouble: str | None) -> None:
        with self._lock:
            self.results[trouble or "read"] += 1
