"""What metrics say of the whole archive: read in a thread of its own, now and then, as long as somebody asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from newsark.home import Home
from reading.vitals import LeadCounts, Standing, TooLong, lead_counts, ledger_counts, standing
from storage.archive import Archive
from storage.errors import NewsarkError
from storage.log import Log

log = Log(__name__)

LEAST_SECONDS = 15.0
TIMES_AS_LONG = 50
"""Facts are kept for so many times as long as reading them took: that takes a fiftieth of a processor at most."""

BUDGET_SECONDS = 30.0
ASKED_SECONDS = 600.0
FIRST_WAIT_SECONDS = 3.0


@dataclass(slots=True)
class Part:
    """Facts that are read together. `value` is None until they were read; times are those of the wall clock."""

    name: str
    read: Callable[[], Any]
    value: Any = None
    at: float | None = None
    seconds: float = 0.0
    failures: int = 0
    again: float = 0.0

    def refresh(self) -> None:
        """Read them, if it is time; what cannot be read now is as it was before."""
        if time.monotonic() < self.again:
            return
        began = time.monotonic()
        try:
            self.value, self.at = self.read(), time.time()
        except (SQLAlchemyError, NewsarkError, OSError, TooLong) as problem:
            self.failures += 1
            log.info("facts-not-read", facts=self.name, problem=str(problem).splitlines()[0])
        self.seconds = time.monotonic() - began
        self.again = time.monotonic() + max(LEAST_SECONDS, TIMES_AS_LONG * self.seconds)


class Facts:
    """The facts of an open archive. Start it, ask `wanted` at each scrape, close it."""

    def __init__(self, home: Home, archive: Archive) -> None:
        self.archive = archive
        self.standing = Part("standing", lambda: standing(archive, BUDGET_SECONDS))
        self.leads = Part("leads", lambda: lead_counts(archive, BUDGET_SECONDS))
        self.ledger = Part("ledger", lambda: ledger_counts(archive, home.confirmations, BUDGET_SECONDS))
        self._asked = -ASKED_SECONDS
        self._wake, self._stopping, self._first = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, name="facts", daemon=True)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Each part."""
        return (self.standing, self.leads, self.ledger)

    def known(self) -> tuple[Standing, LeadCounts, dict[tuple[str, str, str], int]]:
        """What is known now; what was not read yet is empty."""
        return self.standing.value or Standing(), self.leads.value or LeadCounts(), self.ledger.value or {}

    def start(self) -> None:
        """Begin to read when somebody asks."""
        self._thread.start()

    def wanted(self) -> None:
        """Somebody asks: read on for a while. The first who asks waits a moment, so as not to see nothing."""
        self._asked = time.monotonic()
        self._wake.set()
        self._first.wait(FIRST_WAIT_SECONDS)

    def close(self) -> None:
        """Read no more; what is being read now is not waited for long."""
        self._stopping.set()
        self._wake.set()
        self._first.set()
        self._thread.join(FIRST_WAIT_SECONDS)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            if time.monotonic() - self._asked >= ASKED_SECONDS:
                self._wake.wait()
                self._wake.clear()
                continue
            for part in self.parts:
                if not self._stopping.is_set():
                    part.refresh()
            self._first.set()
            self._stopping.wait(1.0)
