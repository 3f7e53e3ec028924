"""When a whole source was away: one event about the source, not one about each of its articles."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)
AWAY = ("unreachable", "blocked")
MIN_ARTICLES = 3
"""Fewer articles in a row that are away may be an accident of these articles."""

CONFIRMING_VISITS = 10


class Away(NamedTuple):
    """A visit that found an article away: `kind` is one of AWAY."""

    at: datetime
    kind: str
    article: str | None


class Others(NamedTuple):
    """The visits of one hour, the begin of which is `hour`, that found anything else: the first and the last."""

    hour: datetime
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """Visits in a row that all found the source's articles away in the same way, from the first to the last of them.

    `ended_at` is when something else was found, None as long as nothing was.
    """

    kind: str
    begins: datetime
    ends: datetime
    visits: int
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.begins <= at <= self.ends

    @property
    def is_told(self) -> bool:
        """Whether it is an entry of the ledger: one that passed before it was sure is none."""
        return self.confirmed_at is not None or self.ended_at is None


def outages_in(away: Iterable[Away], others: Sequence[Others]) -> list[Outage]:
    """The outages that these visits tell of; both in the order of time."""
    calm = _Calm(others)
    found = (_outage(run, calm) for run in _runs(away, calm))
    return [outage for outage in found if outage is not None]


def _runs(away: Iterable[Away], calm: _Calm) -> Iterator[list[Away]]:
    """Visits in a row with the same finding, and nothing else seen between them."""
    run: list[Away] = []
    for one in away:
        if run and (one.kind != run[-1].kind or calm.first_between(run[-1].at, one.at) is not None):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _outage(run: Sequence[Away], calm: _Calm) -> Outage | None:
    if len({one.article for one in run}) < MIN_ARTICLES:
        return None
    first, last = run[0], run[-1]
    outage = Outage(first.kind, first.at, last.at, len(run), ended_at=calm.first_between(last.at, None))
    is_sure = len(run) >= CONFIRMING_VISITS
    return replace(outage, confirmed_at=run[CONFIRMING_VISITS - 1].at) if is_sure else outage


class _Calm:
    """The hours in which something else was seen, and when."""

    def __init__(self, others: Sequence[Others]) -> None:
        self._others = others
        self._hours = [one.hour for one in others]

    def first_between(self, begin: datetime, end: datetime | None) -> datetime | None:
        """When something else was first seen after `begin` and before `end`, as far as hours tell; None for never."""
        start = bisect_left(self._hours, begin - HOUR)
        stop = len(self._hours) if end is None else bisect_right(self._hours, end)
        for one in self._others[start:stop]:
            if one.last > begin and (end is None or one.first < end):
                return one.first if one.first > begin else one.last
        return None
