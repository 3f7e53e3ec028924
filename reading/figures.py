"""The archive in figures: what came in, how long articles stay up, how soon a change is seen, what is covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, String, and_, exists, func, select, type_coerce

from reading.ledger import Wanted, ledger
from reading.life import CONFIRMATIONS, GOOD, Confirmation, Entry
from storage.archive import Archive
from storage.catalogue import findable, leads, versions
from storage.versions import find_observations

DAYS = 90
MONTHS = 12
DAY_LETTERS = len("2026-11-24")
ARTICLE = "article"


# An article and the lead that showed it have the same key, but for articles that call another address their own.
_LEAD = and_(leads.c.source_id == findable.c.source_id, leads.c.identity == findable.c.article)
_CAPTURED = type_coerce(findable.c.captured_at, String)
_LIVES = (
    select(
        findable.c.source_id,
        findable.c.article,
        func.min(_CAPTURED),
        func.max(_CAPTURED),
        func.max(type_coerce(leads.c.visited_at, String)),
    )
    .select_from(findable.outerjoin(leads, _LEAD))
    .group_by(findable.c.source_id, findable.c.article)
)


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many articles of a source were first captured on a day."""

    day: date
    source: str
    articles: int


def articles_by_day(connection: Connection, now: datetime, days: int = DAYS) -> list[DayCount]:
    """First captures of articles, for each of the last days and each source, days without any left out."""
    first = func.min(_CAPTURED).label("first")
    articles = select(findable.c.source_id, first).group_by(findable.c.source_id, findable.c.article).subquery()
    day = func.substr(articles.c.first, 1, DAY_LETTERS).label("day")
    since = (now - timedelta(days=days)).date().isoformat()
    query = (
        select(day, articles.c.source_id, func.count())
        .where(articles.c.first >= since)
        .group_by(day, articles.c.source_id)
        .order_by(day, articles.c.source_id)
    )
    return [DayCount(date.fromisoformat(text), source, count) for text, source, count in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Step:
    """From so many days after its first capture on, so great a share of articles is still up; `at_risk` were seen."""

    days: float
    share: float
    at_risk: int


def survival(archive: Archive, confirmations: Mapping[str, Confirmation] = CONFIRMATIONS) -> list[Step]:
    """The survival of articles as Kaplan and Meier estimate it (1958): the event is a confirmed removal that holds,
    articles that are up count for as long as they were seen."""
    removed = _removed(ledger(archive, Wanted(kinds=("removed", "restored")), confirmations))
    with archive.catalogue.begin() as connection:
        rows = connection.execute(_LIVES).all()
    lives: list[tuple[float, bool]] = []
    for source, article, first, last, visited in rows:
        gone = removed.get((source, article))
        until = gone or datetime.fromisoformat(max(last, visited or ""))
        lives.append((max(0.0, (until - datetime.fromisoformat(first)) / timedelta(days=1)), gone is not None))
    return kaplan_meier(lives)


def kaplan_meier(lives: Iterable[tuple[float, bool]]) -> list[Step]:
    """The steps of the estimate for lives of so many days, each with whether it ended then or was only seen so long."""
    ordered = sorted(lives)
    at_risk, share = len(ordered), 1.0
    steps = [Step(0.0, 1.0, at_risk)]
    ended: Counter[float] = Counter(days for days, is_end in ordered if is_end)
    left: Counter[float] = Counter(days for days, _ in ordered)
    for days in sorted(left):
        if ended[days]:
            share *= 1 - ended[days] / at_risk
            steps.append(Step(days, share, at_risk))
        at_risk -= left[days]
    if ordered and ordered[-1][0] > steps[-1].days:
        steps.append(Step(ordered[-1][0], share, left[ordered[-1][0]]))
    return steps


def _removed(entries: Iterable[Entry]) -> dict[tuple[str, str], datetime]:
    """When each article was removed that still is."""
    found: dict[tuple[str, str], datetime] = {}
    for entry in entries:
        key = (entry.source, entry.article or "")
        if entry.kind == "removed" and entry.state == "confirmed":
            found.setdefault(key, entry.at)
        elif entry.kind == "restored":
            found.pop(key, None)
    return found


@dataclass(frozen=True, slots=True)
class Delay:
    """How long at most a change stood before it was seen: from the last look that found it as it was before."""

    kind: str
    hours: float


def delays(archive: Archive, confirmations: Mapping[str, Confirmation] = CONFIRMATIONS) -> list[Delay]:
    """For each edit and removal of the ledger the time between the look that found it and the one before."""
    entries = ledger(archive, Wanted(kinds=("edited", "headline", "removed")), confirmations)
    looks: dict[tuple[str, str], list[datetime]] = {}
    found: list[Delay] = []
    with archive.catalogue.begin() as connection:
        for entry in entries:
            key = (entry.source, entry.article or "")
            if key not in looks:
                looks[key] = _looks(connection, *key)
            before = [at for at in looks[key] if at < entry.at]
            if before:
                found.append(Delay(entry.kind, (entry.at - max(before)) / timedelta(hours=1)))
    return found


def _looks(connection: Connection, source: str, article: str) -> list[datetime]:
    """When an article was seen to be as it was known to be, or captured anew."""
    query = select(versions.c.captured_at).where(versions.c.source_id == source, versions.c.article == article)
    captured = list(connection.execute(query).scalars())
    return captured + [one.at for one in find_observations(connection, source, article) if one.outcome in GOOD]


@dataclass(frozen=True, slots=True)
class Cover:
    """How many articles of a source from a month are known, and how many of these are saved."""

    source: str
    month: str
    known: int
    saved: int


def coverage(connection: Connection, now: datetime, months: int = MONTHS) -> list[Cover]:
    """For each source and each of the last months (of publication, as lists gave it) what is known and saved."""
    since = datetime(now.year, now.month, 1, tzinfo=UTC)
    for _ in range(months - 1):
        since = (since - timedelta(days=1)).replace(day=1)
    has_version = exists().where(versions.c.lead_id == leads.c.id)
    # a lead's rank is minus its date in epoch seconds
    query = select(leads.c.source_id, leads.c.rank, has_version).where(
        leads.c.kind == ARTICLE, leads.c.state != "refused", leads.c.rank < 0, leads.c.rank <= -since.timestamp()
    )
    known: Counter[tuple[str, str]] = Counter()
    saved: Counter[tuple[str, str]] = Counter()
    for source, rank, is_saved in connection.execute(query.execution_options(yield_per=1000)):
        key = source, f"{datetime.fromtimestamp(-rank, UTC):%Y-%m}"
        known[key] += 1
        saved[key] += bool(is_saved)
    return [Cover(source, month, known[source, month], saved[source, month]) for source, month in sorted(known)]


def quantiles(hours: Sequence[float]) -> dict[str, float | None]:
    """Median and ninetieth percentile, None where there is nothing."""
    ordered = sorted(hours)
    return {
        "median": ordered[len(ordered) // 2] if ordered else None,
        "p90": ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)] if ordered else None,
    }
