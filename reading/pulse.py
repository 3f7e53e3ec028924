"""How a source is doing: what is due, how late, how much came in today against its own habit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from storage.catalogue import READY, WAITING, leads, versions

DAY = timedelta(days=1)
HABIT_DAYS = 28


def pulse(connection: Connection, source_id: str, now: datetime) -> dict[str, Any]:
    """`due` now, `oldestDue` and `nextDue` (ISO 8601 or None), `lastCapture`, first versions in the `lastDay`, and
    `usualDay`: how many a day in the 28 days before, None for a source that is not known for longer than a day."""
    mine = leads.c.source_id == source_id
    waits = select(func.count(), func.min(leads.c.next_due)).where(mine, leads.c.queue == WAITING)
    late, oldest = connection.execute(waits.where(leads.c.next_due <= now)).one()
    ready = connection.execute(select(func.count()).where(mine, leads.c.queue == READY)).scalar_one()
    next_due = select(func.min(leads.c.next_due)).where(mine, leads.c.queue == WAITING, leads.c.next_due > now)
    after = connection.execute(next_due).scalar()
    last = connection.execute(
        select(func.max(versions.c.captured_at)).where(versions.c.source_id == source_id)
    ).scalar()
    return {
        "due": late + ready,
        "oldestDue": _iso(oldest),
        "nextDue": _iso(after),
        "lastCapture": _iso(last),
        "lastDay": _first_versions(connection, source_id, now - DAY, now),
        "usualDay": _usual(connection, source_id, now - DAY),
    }


def _usual(connection: Connection, source_id: str, until: datetime) -> float | None:
    begin = connection.execute(
        select(func.min(versions.c.captured_at)).where(versions.c.source_id == source_id)
    ).scalar()
    if begin is None or begin >= until:
        return None
    # what came at once when the source was first crawled is no habit of it
    start = max(begin + DAY, until - HABIT_DAYS * DAY)
    days = (until - start) / DAY
    return round(_first_versions(connection, source_id, start, until) / days, 1) if days >= 1 else None


def _first_versions(connection: Connection, source_id: str, start: datetime, end: datetime) -> int:
    query = select(func.count()).where(
        versions.c.source_id == source_id,
        versions.c.captured_at >= start,
        versions.c.captured_at < end,
        versions.c.version == 1,
    )
    return int(connection.execute(query).scalar_one())


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
