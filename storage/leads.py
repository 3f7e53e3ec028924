"""Leads: URLs worth visiting, as rows of the catalogue; leased, acknowledged, due again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from storage.acknowledgement import Acknowledgement, acknowledge
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import LEASED, READY, WAITING, captures, insert_new, leads
from storage.events import LeadState
from storage.lead import LISTS_BELOW, RESOURCES_FROM, Lead, LeadName, NewLead
from storage.unread import Unread

__all__ = ["STATES", "Acknowledgement", "LeadState", "Leads"]

STATES: tuple[LeadState, ...] = ("captured", "unchanged", "failed", "refused", "pending")
INSERT_ROWS, PROBLEM_URLS = 500, 20
LONGEST_WAIT = timedelta(days=30)


class Leads:
    """The leads of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id
        self.added: list[tuple[NewLead, datetime]] = []

    def add(self, found: Sequence[NewLead], now: datetime) -> int:
        """How many of them were not known; known ones keep what is known about them.

        A lead that comes with a `refusal` ("rule: detail") is recorded as refused and never handed out. `added` has
        those that were not known, with the time: events tell of them.
        """
        (new,) = self.unknown([found])
        self.insert(new, now)
        self.added += [(lead, now) for lead in new]
        return len(new)

    def insert(self, new: Sequence[NewLead], now: datetime) -> None:
        """Record leads that are not known, in their order; one that is known all the same stays as it is."""
        for start in range(0, len(new), INSERT_ROWS):
            rows = [self._row(lead, now) for lead in new[start : start + INSERT_ROWS]]
            self.connection.execute(insert_new(self.connection, leads), rows)

    def unknown(self, lists: Sequence[Sequence[NewLead]]) -> list[list[NewLead]]:
        """Of each list the leads that neither the catalogue has nor an earlier place in the lists."""
        seen = self.known(dict.fromkeys(lead.identity for found in lists for lead in found))
        new: list[list[NewLead]] = []
        for found in lists:
            new.append([])
            for lead in found:
                if lead.identity not in seen:
                    seen.add(lead.identity)
                    new[-1].append(lead)
        return new

    def _row(self, lead: NewLead, now: datetime) -> dict[str, Any]:
        reason, _, detail = (lead.refusal or "").partition(": ")
        return {
            "source_id": self.source_id,
            "identity": lead.identity,
            "url": lead.url,
            "kind": lead.kind,
            "via": lead.via,
            "method": lead.method,
            "depth": lead.depth,
            "hints": dict(lead.hints),
            "first_seen": now,
            "last_seen": now,
            "state": "refused" if lead.refusal else "pending",
            "reason": reason or None,
            "detail": detail or None,
            "attempts": 0,
            "queue": WAITING if lead.refusal else READY,
            "priority": lead.priority,
            "rank": lead.rank,
        }

    def known(self, identities: Iterable[str]) -> set[str]:
        """Those of the identities that are leads already."""
        wanted = list(identities)
        found: set[str] = set()
        for start in range(0, len(wanted), INSERT_ROWS):
            part = wanted[start : start + INSERT_ROWS]
            query = select(leads.c.identity).where(self._mine, leads.c.identity.in_(part))
            found.update(self.connection.execute(query).scalars())
        return found

    def names(self, ids: Iterable[int]) -> dict[int, LeadName]:
        """The names of these leads, by id."""
        return {row.id: LeadName(row.url, row.identity) for row in self._named(leads.c.id, ids)}

    def ids(self, identities: Iterable[str]) -> dict[str, int]:
        """The ids of those of these identities that are leads."""
        return {row.identity: row.id for row in self._named(leads.c.identity, identities)}

    def _named(self, column: Any, values: Iterable[int | str]) -> Iterator[Any]:
        wanted = list(dict.fromkeys(values))
        # asked for the source and for ids, SQLite would read all leads of the source
        narrow = () if column is leads.c.id else (self._mine,)
        query = select(leads.c.id, leads.c.url, leads.c.identity, leads.c.source_id).where(*narrow)
        for start in range(0, len(wanted), INSERT_ROWS):
            rows = self.connection.execute(query.where(column.in_(wanted[start : start + INSERT_ROWS])))
            yield from (row for row in rows if row.source_id == self.source_id)

    @property
    def _mine(self) -> Any:
        return leads.c.source_id == self.source_id

    def reclaim(self) -> int:
        """Make ready again what an earlier process leased and never acknowledged; call when the source is owned."""
        query = update(leads).where(self._mine, leads.c.queue == LEASED).values(queue=READY)
        return self.connection.execute(query).rowcount

    def promote(self, now: datetime) -> int:
        """Make ready what has fallen due; each lead is promoted once, so the cost does not grow with the table.

        It keeps the time that it was due at: how late it is can be told then.

        So is what is due later than anybody ever waits: then a clock that was ahead has set it.
        """
        is_due = or_(leads.c.next_due <= now, leads.c.next_due > now + LONGEST_WAIT)
        query = update(leads).where(self._mine, leads.c.queue == WAITING, is_due).values(queue=READY)
        return self.connection.execute(query).rowcount

    def ready_all(self, kinds: Sequence[str]) -> int:
        """Make every lead of these kinds ready now, due or not; refused ones are asked again too."""
        query = (
            update(leads)
            .where(self._mine, leads.c.queue == WAITING, leads.c.kind.in_(kinds))
            .values(queue=READY, next_due=None, attempts=0)
        )
        return self.connection.execute(query).rowcount

    def ready_newest(self, kind: str, count: int, before: datetime) -> int:
        """Make the `count` leads of a kind that became known last ready now, if they wait; how many that were.

        Only those whose last visit was before that moment.
        """
        newest = select(leads.c.id).where(
            self._mine, leads.c.kind == kind, leads.c.state.in_(["captured", "unchanged"])
        )
        ids = list(self.connection.execute(newest.order_by(leads.c.id.desc()).limit(count)).scalars())
        waits = (leads.c.queue == WAITING, leads.c.visited_at < before)
        query = update(leads).where(leads.c.id.in_(ids), *waits).values(queue=READY, next_due=None)
        return self.connection.execute(query).rowcount if ids else 0

    def lease(
        self,
        count: int,
        *,
        from_priority: int | None = None,
        below_priority: int | None = None,
        max_rank: int | None = None,
        oldest_first: bool = False,
    ) -> list[Lead]:
        """Up to `count` ready leads, most urgent first; they are leased until acknowledged or reclaimed.

        Only those with at least the priority `from_priority`, with a smaller one than `below_priority`, and only those
        whose rank is unknown (0) or at most `max_rank`, when these are given. With `oldest_first` in exactly the
        opposite order: what is urgent is what is only in old lists, and has no date or an old one.
        """
        chosen = select(leads.c.id).where(self._mine, leads.c.queue == READY)
        if from_priority is not None:
            chosen = chosen.where(leads.c.priority >= from_priority)
        if below_priority is not None:
            chosen = chosen.where(leads.c.priority < below_priority)
        if max_rank is not None:
            chosen = chosen.where(or_(leads.c.rank == 0, leads.c.rank <= max_rank))
        order = (leads.c.priority, leads.c.rank, leads.c.id)
        chosen = chosen.order_by(*((one.desc() for one in order) if oldest_first else order)).limit(count)
        # whoever leases at the same moment gets others, where the database locks rows
        chosen = chosen.with_for_update(skip_locked=True)
        ids = list(self.connection.execute(chosen).scalars())
        if not ids:
            return []
        self.connection.execute(update(leads).where(leads.c.id.in_(ids)).values(queue=LEASED))
        return Unread(self.connection, self.source_id).told(self.of(ids))

    def of(self, ids: Sequence[int]) -> list[Lead]:
        """The leads of these ids, in that order, as those of their visits left them that were read."""
        joined = leads.outerjoin(captures, captures.c.id == leads.c.capture_id)
        query = select(*_LEAD_COLUMNS, *capture_columns()).select_from(joined).where(leads.c.id.in_(ids))
        rows = {row[0]: row for row in self.connection.execute(query)}
        return [_lead_from_row(rows[lead_id]) for lead_id in ids]

    def release(self, ids: Sequence[int]) -> None:
        """Give back leases that were not used."""
        if ids:
            self.connection.execute(update(leads).where(leads.c.id.in_(list(ids))).values(queue=READY))

    def acknowledge(self, done: Sequence[Acknowledgement]) -> None:
        """Record what visits found; each lead waits until its `next_due` (forever, when None)."""
        acknowledge(self.connection, self.source_id, done)

    def counts(self) -> dict[str, int]:
        """Leads known and by state; the five states sum to `known`."""
        known = sum((Counter(counts) for counts in self.counts_by_kind().values()), Counter[str]())
        return {"known": known.total(), **{state: known[state] for state in STATES}}

    def are_found_by(self, kind: str, methods: Iterable[str]) -> bool:
        """Whether a lead of that kind was found by one of these methods; looks no further than the first."""
        this = (self._mine, leads.c.kind == kind, leads.c.method.in_(list(methods)))
        return self.connection.execute(select(leads.c.id).where(*this).limit(1)).first() is not None

    def counts_by_kind(self) -> dict[str, dict[str, int]]:
        """For each kind of lead its counts by state."""
        query = (
            select(leads.c.kind, leads.c.state, func.count()).where(self._mine).group_by(leads.c.kind, leads.c.state)
        )
        table: dict[str, dict[str, int]] = {}
        for kind, state, count in self.connection.execute(query):
            table.setdefault(str(kind), {})[str(state)] = int(count)
        return table

    def problems(self, limit: int = 50) -> list[dict[str, Any]]:
        """Every reason that leads of pages have, with how many have it and the first of them; most first.

        Each is {"state", "reason", "count", "kind", "url", "detail", "urls"}, with `urls` of the first PROBLEM_URLS;
        a captured lead may have one too, as a note.
        """
        groups = self.connection.execute(
            select(leads.c.state, leads.c.reason, func.count().label("count"))
            .where(self._mine, leads.c.reason.is_not(None), leads.c.priority < RESOURCES_FROM)
            .group_by(leads.c.state, leads.c.reason)
            .order_by(func.count().desc(), leads.c.reason)
            .limit(limit)
        )
        return [self._problem(*group) for group in groups.all()]

    def _problem(self, state: str, reason: str, count: int) -> dict[str, Any]:
        query = (
            select(leads.c.kind, leads.c.url, leads.c.detail)
            .where(self._mine, leads.c.state == state, leads.c.reason == reason, leads.c.priority < RESOURCES_FROM)
            .order_by(leads.c.id)
            .limit(PROBLEM_URLS)
        )
        examples = self.connection.execute(query).all()
        first = {"kind": examples[0].kind, "url": examples[0].url, "detail": examples[0].detail}
        return {"state": state, "reason": reason, "count": count, **first, "urls": [one.url for one in examples]}

    def last_list_visit(self) -> datetime | None:
        """When a feed, sitemap or section was visited last, or None."""
        lists = (leads.c.queue.in_([WAITING, READY, LEASED]), leads.c.priority < LISTS_BELOW)
        return self.connection.execute(select(func.max(leads.c.visited_at)).where(self._mine, *lists)).scalar()

    def left(self) -> int:
        """How many leads are ready or leased."""
        query = select(func.count()).where(self._mine, leads.c.queue.in_([READY, LEASED]))
        return int(self.connection.execute(query).scalar_one())

    def newest_articles(self, count: int) -> list[str]:
        """The URLs of articles that became known last."""
        query = select(leads.c.url).where(self._mine, leads.c.kind == "article").order_by(leads.c.id.desc())
        return list(self.connection.execute(query.limit(count)).scalars())

    def soonest_retry(self) -> datetime | None:
        """When the next lead that failed for a passing reason is due again, or None."""
        query = select(func.min(leads.c.next_due)).where(
            self._mine, leads.c.queue == WAITING, leads.c.state == "pending"
        )
        return self.connection.execute(query).scalar()

    def soonest_due(self) -> datetime | None:
        """When the next lead falls due, whatever it waits for, or None."""
        query = select(func.min(leads.c.next_due)).where(self._mine, leads.c.queue == WAITING)
        return self.connection.execute(query).scalar()


_LEAD_COLUMNS = (
    leads.c.id,
    leads.c.url,
    leads.c.kind,
    leads.c.via,
    leads.c.method,
    leads.c.depth,
    leads.c.hints,
    leads.c.attempts,
    leads.c.visited_at,
    leads.c.etag,
    leads.c.last_modified,
)


def _lead_from_row(row: Any) -> Lead:
    fixed = len(_LEAD_COLUMNS)
    known = {column.name: value for column, value in zip(_LEAD_COLUMNS, row[:fixed], strict=True)}
    return Lead(**known, last_capture=capture_from_row(row[fixed:]))
