"""Visits that are finished later: their pages are kept and not read, and what came after waits for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, bindparam, delete, distinct, func, or_, select

from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import captures, insert_new, unread, versions

if TYPE_CHECKING:
    from storage.lead import Lead

NO_RECORD = "none"
"""In place of the record id of an exchange: the visit made none."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """What a visit found out that waits: its own exchange (a record id, or NO_RECORD), which is to be read, or else the
    word of its observation, an `absence`."""

    record_id: str
    absence: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadVisit:
    """A visit that is to be finished. Its page is to be read when `absence` is None; else that is what it found, for
    `reason`. `refers_to` is the whole response that its capture stands for, where that is a revisit."""

    lead_id: int
    at: datetime
    capture: Capture | None
    absence: str | None
    reason: str | None
    detail: str | None


class Unread:
    """The unread visits of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note visits, as rows of the table without the source; one that is noted already is left as it is."""
        if rows:
            self.connection.execute(
                insert_new(self.connection, unread), [{**row, "source_id": self.source_id} for row in rows]
            )

    def remove(self, visits: Sequence[tuple[int, datetime]]) -> None:
        """Forget visits that are finished, each given by its lead's id and its time."""
        if visits:
            rows = [{"lead": lead_id, "moment": at} for lead_id, at in visits]
            self.connection.execute(_REMOVE, rows)

    def since(self, after: tuple[datetime, int] | None, count: int) -> list[UnreadVisit]:
        """The next of them in the order in which they were made, after one that is given by its time and its lead."""
        query = (
            select(
                unread.c.lead_id,
                unread.c.at,
                unread.c.absence,
                unread.c.reason,
                unread.c.detail,
                *capture_columns(),
            )
            .select_from(unread.outerjoin(captures, captures.c.record_id == unread.c.record_id))
            .where(unread.c.source_id == self.source_id)
            .order_by(unread.c.at, unread.c.lead_id)
            .limit(count)
        )
        if after is not None:
            at, lead_id = after
            query = query.where(or_(unread.c.at > at, and_(unread.c.at == at, unread.c.lead_id > lead_id)))
        return [
            UnreadVisit(row[0], row[1], capture_from_row(row[5:]), row[2], row[3], row[4])
            for row in self.connection.execute(query)
        ]

    def told(self, leads: Sequence[Lead]) -> list[Lead]:
        """The leads as their next visit needs them: of one that has unread visits, what the last of these brought."""
        if not leads:
            return []
        query = (
            select(unread.c.lead_id, unread.c.etag, unread.c.last_modified, *capture_columns())
            .select_from(unread.outerjoin(captures, captures.c.record_id == unread.c.response))
            .where(unread.c.lead_id.in_([lead.id for lead in leads]))
            .order_by(unread.c.lead_id, unread.c.at)
        )
        found = {lead.id: lead for lead in leads}
        for lead_id, etag, last_modified, *row in self.connection.execute(query):
            lead = replace(found[lead_id], has_unread=True)
            if (capture := capture_from_row(row)) is not None:
                lead = replace(lead, last_capture=capture)
            if etag or last_modified:
                lead = replace(lead, etag=etag, last_modified=last_modified)
            found[lead_id] = lead
        return list(found.values())

    def of_article(self, article: str) -> int:
        """How many of them are visits to places where this article was shown, by its key."""
        shown = select(versions.c.lead_id).where(
            versions.c.source_id == self.source_id, versions.c.article == article, versions.c.lead_id.is_not(None)
        )
        count = select(func.count()).select_from(unread).where(unread.c.lead_id.in_(shown))
        return int(self.connection.execute(count).scalar_one())

    def counts(self) -> dict[str, int]:
        """How many `visits` are to be finished, and of how many `pages` that is."""
        query = select(func.count(), func.count(distinct(unread.c.lead_id)))
        visits, pages = self.connection.execute(query.where(unread.c.source_id == self.source_id)).one()
        return {"visits": int(visits), "pages": int(pages)}


_REMOVE = delete(unread).where(unread.c.lead_id == bindparam("lead"), unread.c.at == bindparam("moment"))


def sources_with_unread(connection: Connection) -> Iterator[str]:
    """The ids of the sources of which something is kept and not read."""
    yield from connection.execute(select(unread.c.source_id).distinct().order_by(unread.c.source_id)).scalars()
