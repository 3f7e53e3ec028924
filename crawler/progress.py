"""How a crawl is doing, for whoever shows it: counters that only grow, read at any time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from storage.leads import LeadState
from storage.spread import SHARES, Spread


@dataclass(slots=True)
class Progress:
    """What one source's crawl has done so far; `doing` and `paused` are short phrases for people.

    `paused` says why nothing is done now, and is None otherwise; `left` is how many leads a sweep still has to
    visit, as far as it knows. `results` counts exchanges by how they ended, `visits` leads by kind and state, `refused`
    by rule, `observed` by what articles were found to be.
    """

    source: str
    requests: int = 0
    received_bytes: int = 0
    found: int = 0
    visited: Counter[str] = field(default_factory=Counter)
    doing: str = "starting"
    paused: str | None = None
    left: int | None = None
    results: Counter[str] = field(default_factory=Counter)
    archived_bytes: int = 0
    visits: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    observed: Counter[str] = field(default_factory=Counter)
    versions: int = 0
    confidence: Spread = field(default_factory=lambda: Spread(SHARES))
    succeeded_at: datetime | None = None

    def fetched(self, size_bytes: int, result: str, archived_bytes: int) -> None:
        """One exchange more is in the archive."""
        self.requests += 1
        self.received_bytes += size_bytes
        self.results[result] += 1
        self.archived_bytes += archived_bytes

    def settled(self, url: str, kind: str, state: LeadState, at: datetime) -> None:
        """One lead more has an end state."""
        self.visited[state] += 1
        self.visits[kind, state] += 1
        self.doing = url
        if state in ("captured", "unchanged"):
            self.succeeded_at = at

    def waiting(self, seconds: float) -> None:
        """Nothing to do before a retry."""
        self.doing = f"waiting {seconds:.0f} s to try again"

    def watching(self, due: datetime) -> None:
        """Nothing to do before a lead falls due."""
        self.doing = f"watching; next visit at {due:%H:%M:%S} UTC"
