"""What shows how an archive is doing, in numbers: for metrics, read now and then and each part by itself.

Nobody waits for any of it: counting ten million leads takes seconds, so each part has a time budget.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from reading.ledger import Wanted, entries
from reading.life import GOOD, Confirmation
from storage.archive import Archive
from storage.catalogue import READY, WAITING, leads, observations, segments, versions
from storage.deliveries import Backlog
from storage.leads import STATES
from storage.sources import Sources
from storage.timebudget import time_budget

LEDGER_DAYS = 7
LEDGER_KINDS = ("removed", "restored", "edited", "headline", "moved", "paywalled", "blocked", "unreachable")


class TooLong(Exception):
    """The time budget was over before all was read."""


@dataclass(frozen=True, slots=True)
class SourceTimes:
    """When something last happened to a source; None for never. `oldest_due` is the time for which the lead was due
    that waits longest, None when none is late."""

    oldest_due: datetime | None = None
    last_version: datetime | None = None
    last_success: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known soon: times by source, what is kept of each, what waits for stores, segments that are open."""

    times: Mapping[str, SourceTimes] = field(default_factory=dict)
    segments: Mapping[str, int] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
    backlogs: tuple[Backlog, ...] = ()
    open_segments: int = 0


@dataclass(frozen=True, slots=True)
class LeadCounts:
    """Leads by source and state, and how many of a source are due."""

    states: Mapping[tuple[str, str], int] = field(default_factory=dict)
    due: Mapping[str, int] = field(default_factory=dict)


def standing(archive: Archive, seconds: float) -> Standing:
    """What can be read soon, with how many sources there ever are. Raises OperationalError when time is over."""
    now = archive.clock()
    with archive.catalogue.whole() as connection, time_budget(connection, seconds):
        ids = [source.id for source in Sources(connection).known() if source.home]
        kept = select(segments.c.source_id, func.count(), func.sum(segments.c.bytes)).group_by(segments.c.source_id)
        rows = connection.execute(kept).all()
        return Standing(
            times={source_id: _times(connection, source_id, now) for source_id in ids},
            segments=dict.fromkeys(ids, 0) | {source_id: int(count) for source_id, count, _ in rows},
            bytes=dict.fromkeys(ids, 0) | {source_id: int(size or 0) for source_id, _, size in rows},
            backlogs=tuple(archive.backlogs()),
            open_segments=sum(1 for _ in archive.place.open_segments.glob("*/*.warc.gz.open")),
        )


def _times(connection: Connection, source_id: str, now: datetime) -> SourceTimes:
    mine, due = leads.c.source_id == source_id, leads.c.next_due
    late = [
        connection.execute(select(func.min(due)).where(mine, leads.c.queue == queue, due <= now)).scalar()
        for queue in (WAITING, READY)
    ]
    captured = select(func.max(versions.c.captured_at)).where(versions.c.source_id == source_id)
    seen = select(observations.c.at).where(observations.c.source_id == source_id, observations.c.outcome.in_(GOOD))
    version = connection.execute(captured).scalar()
    good = connection.execute(seen.order_by(observations.c.at.desc()).limit(1)).scalar()
    return SourceTimes(
        oldest_due=min(filter(None, late), default=None),
        last_version=version,
        last_success=max(filter(None, (version, good)), default=None),
    )


def lead_counts(archive: Archive, seconds: float) -> LeadCounts:
    """All leads, counted: the one thing that takes longer the more there are. Raises OperationalError when time is
    over."""
    now = archive.clock()
    with archive.catalogue.whole() as connection, time_budget(connection, seconds):
        ids = [source.id for source in Sources(connection).known()]
        by_state = select(leads.c.source_id, leads.c.state, func.count()).group_by(leads.c.source_id, leads.c.state)
        found = {(source, state): int(count) for source, state, count in connection.execute(by_state)}
        return LeadCounts(
            {(source, state): found.get((source, state), 0) for source in ids for state in STATES},
            {source: _due(connection, source, now) for source in ids},
        )


def _due(connection: Connection, source_id: str, now: datetime) -> int:
    count = select(func.count()).where(leads.c.source_id == source_id)
    ready = connection.execute(count.where(leads.c.queue == READY)).scalar_one()
    late = connection.execute(count.where(leads.c.queue == WAITING, leads.c.next_due <= now)).scalar_one()
    return int(ready + late)


def ledger_counts(
    archive: Archive, confirmations: Mapping[str, Confirmation], seconds: float
) -> dict[tuple[str, str, str], int]:
    """The ledger's entries of the last LEDGER_DAYS by source, kind and state.

    Raises TooLong or OperationalError when time is over.
    """
    end = time.monotonic() + seconds

    def look_at_clock() -> None:
        if time.monotonic() > end:
            raise TooLong(f"the ledger takes longer than {seconds:g} s")

    wanted = Wanted(kinds=LEDGER_KINDS, since=archive.clock() - timedelta(days=LEDGER_DAYS))
    with archive.catalogue.whole() as connection, time_budget(connection, seconds):
        ids = [source.id for source in Sources(connection).known() if source.home]
        found = entries(connection, wanted, confirmations, look_at_clock)
    counts = Counter((entry.source, entry.kind, entry.state) for entry in found)
    states = [("removed", "suspected"), ("removed", "confirmed"), ("restored", "confirmed"), ("edited", "confirmed")]
    # what did not happen yet is 0 and not absent, or its first rise would not be seen
    return {(source, kind, state): 0 for source in ids for kind, state in states} | counts
