"""The articles that are known and not saved, each with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, exists, select

from storage.catalogue import leads, versions

ARTICLE = "article"


def unsaved(connection: Connection, sources: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Each known article without any version: source, url, state, reason, detail, visited and due (ISO 8601 or None).

    One that was saved and is gone now is none of them: its last good copy is kept.
    """
    has_version = exists().where(versions.c.lead_id == leads.c.id)
    query = (
        select(leads)
        .where(leads.c.kind == ARTICLE, ~has_version)
        .order_by(leads.c.source_id, leads.c.state, leads.c.id)
    )
    if sources is not None:
        query = query.where(leads.c.source_id.in_(list(sources)))
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield {
            "source": row.source_id,
            "url": row.url,
            "state": row.state,
            "reason": row.reason,
            "detail": row.detail,
            "visited": row.visited_at.isoformat() if row.visited_at else None,
            "due": row.next_due.isoformat() if row.next_due else None,
        }


def saved_by_year(connection: Connection, source_id: str) -> list[dict[str, Any]]:
    """For each year of publication, the newest first, how many articles are `known` and how many `saved`: `year` is
    None where no list gave a date."""
    has_version = exists().where(versions.c.lead_id == leads.c.id)
    query = select(leads.c.rank, has_version).where(
        leads.c.source_id == source_id, leads.c.kind == ARTICLE, leads.c.state != "refused"
    )
    known: Counter[int | None] = Counter()
    saved: Counter[int | None] = Counter()
    for rank, is_saved in connection.execute(query.execution_options(yield_per=1000)):
        # a lead's rank is minus its date in epoch seconds, and 0 without one
        year = datetime.fromtimestamp(-rank, UTC).year if rank else None
        known[year] += 1
        saved[year] += bool(is_saved)
    years = sorted(known, key=lambda year: (year is None, -(year or 0)))
    return [{"year": year, "known": known[year], "saved": saved[year]} for year in years]
