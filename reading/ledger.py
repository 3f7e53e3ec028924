"""The ledger: what happened to the articles of an archive, and to its sources, read from what the catalogue knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, func, select, type_coerce, union

from reading.life import CONFIRMATIONS, MOVED, Confirmation, Entry, life_of
from reading.outages import AWAY, HOUR, Away, Others, Outage, outages_in
from storage.alerts import Alerts
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
        told = f"{entry.headline or ''}\n{entry.url}\n{entry.detail or ''}".casefold()
        return (
            (not self.kinds or entry.kind in self.kinds)
            and (self.since is None or entry.newest >= self.since)
            and (self.text is None or self.text.casefold() in told)
        )


def ledger(
    archive: Archive, wanted: Wanted = Wanted(), confirmations: Mapping[str, Confirmation] = CONFIRMATIONS
) -> list[Entry]:
    """The entries that are wanted, oldest first. Only articles of which something but `unchanged` was ever seen are
    looked at, so the time grows with these and not with the archive."""
    with archive.catalogue.begin() as connection:
        return entries(connection, wanted, confirmations)


def entries(
    connection: Connection,
    wanted: Wanted,
    confirmations: Mapping[str, Confirmation],
    on_article: Callable[[], object] = lambda: None,
) -> list[Entry]:
    """The same inside a transaction; `on_article` is called for each article that is looked at."""
    lives = (_of_source(connection, source, wanted, confirmations, on_article) for source in _known(connection, wanted))
    found = [entry for life in lives for entry in life if wanted.takes(entry)]
    found += filter(wanted.takes, _alerts(connection, wanted))
    return sorted(found, key=lambda entry: (entry.at, entry.source, entry.url, entry.kind, entry.detail or ""))


def count_of(connection: Connection, wanted: Wanted) -> int:
    """How many articles have to be looked at for the entries that are wanted."""
    known = _known(connection, wanted)
    return sum(len(_eventful(connection, source.id, wanted.since)) for source in known)


def _known(connection: Connection, wanted: Wanted) -> list[KnownSource]:
    return Sources(connection).known(list(wanted.sources) or None)


def _of_source(
    connection: Connection,
    source: KnownSource,
    wanted: Wanted,
    confirmations: Mapping[str, Confirmation],
    on_article: Callable[[], object],
) -> Iterator[Entry]:
    outages = source_outages(connection, source.id)
    yield from (entry for outage in outages if outage.is_told for entry in _source_entries(source, outage))
    kept = Versions(connection, source.id)
    for article in _eventful(connection, source.id, wanted.since):
        on_article()
        seen = find_observations(connection, source.id, article)
        yield from life_of(
            source.id,
            kept.history(article),
            seen,
            lambda at: any(outage.covers(at) for outage in outages),
            confirmations,
        )


def _eventful(connection: Connection, source_id: str, since: datetime | None) -> list[str]:
    """The articles that something happened to: seen as other than unchanged, or with a second version.

    With `since` only those of which something was seen since then; nothing is confirmed without a visit.
    """
    seen = select(observations.c.article).where(
        observations.c.source_id == source_id, observations.c.outcome.in_(["edited", MOVED, *CONFIRMATIONS])
    )
    edited = select(versions.c.article).where(versions.c.source_id == source_id, versions.c.version > 1)
    found = [article for article in connection.execute(union(seen, edited)).scalars() if article is not None]
    if since is None:
        return found
    lately = select(observations.c.article).where(observations.c.source_id == source_id, observations.c.at >= since)
    fresh = select(versions.c.article).where(versions.c.source_id == source_id, versions.c.captured_at >= since)
    touched = set(connection.execute(union(lately, fresh)).scalars())
    return [article for article in found if article in touched]


def removals(
    connection: Connection, source_id: str, since: datetime, confirmations: Mapping[str, Confirmation]
) -> list[Entry]:
    """The entries about removals of articles that were found removed since then: looks at nothing else."""
    query = select(observations.c.article).where(
        observations.c.source_id == source_id, observations.c.at >= since, observations.c.outcome == "removed"
    )
    articles = filter(None, connection.execute(query.distinct()).scalars())
    kept = Versions(connection, source_id)
    told: list[Entry] = []
    for article in articles:
        seen = find_observations(connection, source_id, article)
        told += life_of(source_id, kept.history(article), seen, confirmations=confirmations)
    return [entry for entry in told if entry.kind == "removed"]


def outage_now(connection: Connection, source_id: str) -> Outage | None:
    """The outage that goes on, if there is one: looks only at what was seen since anything else was."""
    mine = observations.c.source_id == source_id
    newest = select(observations.c.at, observations.c.outcome, observations.c.article)
    away: list[Away] = []
    for row in connection.execute(newest.where(mine).order_by(observations.c.at.desc())):
        if row.outcome not in AWAY or (away and row.outcome != away[-1].kind):
            break
        away.append(Away(*row))
    found = outages_in(reversed(away), [])
    return found[-1] if found else None


def source_outages(connection: Connection, source_id: str) -> list[Outage]:
    """When the whole source was away, oldest first."""
    mine = observations.c.source_id == source_id
    query = (
        select(observations.c.at, observations.c.outcome, observations.c.article)
        .where(mine, observations.c.outcome.in_(AWAY))
        .order_by(observations.c.at)
    )
    away = [Away(*row) for row in connection.execute(query)]
    if not away:
        return []
    # all moments as texts, which sort as time: only the few that are needed become datetimes
    at = type_coerce(observations.c.at, String)
    hour = func.substr(at, 1, HOUR_LETTERS)
    others = (
        select(hour.label("hour"), func.min(at), func.max(at))
        .where(mine, observations.c.outcome.not_in(AWAY), observations.c.at >= away[0].at - HOUR)
        .group_by(hour)
        .order_by(hour)
    )
    rows = (
        Others(*map(datetime.fromisoformat, (f"{text}:00:00+00:00", first, last)))
        for text, first, last in connection.execute(others)
    )
    return outages_in(away, list(rows))


def _alerts(connection: Connection, wanted: Wanted) -> Iterator[Entry]:
    """What was raised; what is about the whole archive is about none of its sources."""
    for alert in Alerts(connection).since(wanted.since):
        if not wanted.sources or alert.source in wanted.sources:
            yield Entry(
                alert.at,
                alert.source or "",
                alert.url or "",
                "alert",
                "confirmed",
                headline=alert.title,
                confirmed_at=alert.at,
                detail=alert.rule,
            )


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
