"""The ledger: what happened to the articles of an archive, and to its sources, read from what the catalogue knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, String, func, select, type_coerce, union

from reading.life import CONFIRMATIONS, Entry, life_of
from reading.outages import Outage, outages_in
from storage.archive import Archive
from storage.catalogue import observations, versions
from storage.sources import KnownSource, Sources
from storage.versions import Versions, find_observations

HOUR_LETTERS = len("2026-11-24T08")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; what is None or empty asks for all. `text` is in headline, URL or detail."""

    sources: Sequence[str] = ()
    kinds: Collection[str] = ()
    since: datetime | None = None
    text: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is one of these; one that was confirmed since then counts as new."""
        latest = max(filter(None, (entry.at, entry.confirmed_at)))
        told = f"{entry.headline or ''}\n{entry.url}\n{entry.detail or ''}".casefold()
        return (
            (not self.kinds or entry.kind in self.kinds)
            and (self.since is None or latest >= self.since)
            and (self.text is None or self.text.casefold() in told)
        )


def ledger(archive: Archive, wanted: Wanted = Wanted()) -> list[Entry]:
    """The entries that are wanted, oldest first. Only articles of which something but `unchanged` was ever seen are
    looked at, so the time grows with these and not with the archive."""
    with archive.catalogue.begin() as connection:
        known = Sources(connection).known(list(wanted.sources) or None)
        found = [entry for source in known for entry in _of_source(connection, source) if wanted.takes(entry)]
    return sorted(found, key=lambda entry: (entry.at, entry.source, entry.url, entry.kind))


def _of_source(connection: Connection, source: KnownSource) -> Iterator[Entry]:
    outages = outages_in(_hours(connection, source.id))
    yield from (entry for outage in outages for entry in _source_entries(source, outage))
    kept = Versions(connection, source.id)
    for article in _eventful(connection, source.id):
        seen = find_observations(connection, source.id, article)
        yield from life_of(
            source.id, kept.history(article), seen, lambda at: any(outage.covers(at) for outage in outages)
        )


def _eventful(connection: Connection, source_id: str) -> list[str]:
    """The articles that something happened to: seen as other than unchanged, or with a second version."""
    seen = select(observations.c.article).where(
        observations.c.source_id == source_id, observations.c.outcome.in_(["edited", *CONFIRMATIONS])
    )
    edited = select(versions.c.article).where(versions.c.source_id == source_id, versions.c.version > 1)
    return [article for article in connection.execute(union(seen, edited)).scalars() if article is not None]


def _hours(connection: Connection, source_id: str) -> Iterator[tuple[datetime, str, int]]:
    """How many visits had which outcome in each hour of the source, oldest first."""
    hour = func.substr(type_coerce(observations.c.at, String), 1, HOUR_LETTERS)
    query = (
        select(hour.label("hour"), observations.c.outcome, func.count())
        .where(observations.c.source_id == source_id)
        .group_by(hour, observations.c.outcome)
        .order_by(hour)
    )
    for text, outcome, count in connection.execute(query):
        yield datetime.fromisoformat(f"{text}:00:00").replace(tzinfo=UTC), outcome, count


def _source_entries(source: KnownSource, outage: Outage) -> Iterator[Entry]:
    entry = Entry(
        at=outage.begins,
        source=source.id,
        url=source.home,
        kind=f"source-{outage.kind}",
        state="confirmed" if outage.confirmed_at else "suspected",
        headline=source.name,
        confirmed_at=outage.confirmed_at,
        detail=f"{outage.visits} visits in a row found its articles {outage.kind}",
    )
    yield entry
    if outage.ended_at is not None:
        yield Entry(
            outage.ended_at,
            source.id,
            source.home,
            "source-restored",
            "confirmed",
            headline=source.name,
            confirmed_at=outage.ended_at,
        )
