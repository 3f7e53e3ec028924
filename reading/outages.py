"""When a whole source was away: one event about the source, not one about each of its articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

HOUR = timedelta(hours=1)
MIN_VISITS = 3
"""Fewer articles that are away in an hour may be an accident of these articles."""

MIN_SHARE = 0.9
CONFIRMING_VISITS = 10
AWAY = ("unreachable", "blocked")


@dataclass(frozen=True, slots=True)
class Outage:
    """The hours in which nearly every visit found the source's articles away in the same way."""

    kind: str
    begins: datetime
    ends: datetime
    visits: int
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.begins <= at < self.ends


def outages_in(hours: Iterable[tuple[datetime, str, int]]) -> list[Outage]:
    """The outages in these (hour, outcome, count), which are in order of time.

    Hours without visits are nothing; the first hour with other findings ends an outage.
    """
    found: list[Outage] = []
    for hour, rows in groupby(hours, key=lambda row: row[0]):
        counts = Counter({outcome: count for _, outcome, count in rows})
        kind = _away(counts)
        current = found[-1] if found and found[-1].ended_at is None else None
        if current is not None and current.kind != kind:
            found[-1] = replace(current, ended_at=hour)
            current = None
        if kind is None:
            continue
        if current is None:
            current = Outage(kind, hour, hour, 0)
            found.append(current)
        visits = current.visits + counts[kind]
        is_sure = visits >= CONFIRMING_VISITS
        sure = current.confirmed_at or (hour if is_sure else None)
        found[-1] = replace(current, ends=hour + HOUR, visits=visits, confirmed_at=sure)
    return found


def _away(counts: Counter[str]) -> str | None:
    """How the source is away in an hour with these findings; None when it is not."""
    kind = max(AWAY, key=lambda word: counts[word])
    return kind if counts[kind] >= MIN_VISITS and counts[kind] >= MIN_SHARE * counts.total() else None
