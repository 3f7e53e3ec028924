"""What is known of each source: leads by state, articles, segments, the last run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from reading.pulse import pulse
from storage.archive import Archive
from storage.catalogue import findable, versions
from storage.hidden import Hidden
from storage.leads import Leads
from storage.publicview import hidden_from
from storage.runs import Runs
from storage.segments import Segments
from storage.sources import Sources
from storage.suppressions import Suppressions
from storage.unread import Unread
from storage.unsent import Unsent


def source_states(archive: Archive, ids: list[str] | None = None) -> list[dict[str, Any]]:
    """One dictionary for each source, by id: leads, kinds, articles, versions, segments, bytes, what is kept and not
    read, problems, last run, its pulse (what is due and what came in), and how many suppressions are in force.

    What is suppressed is counted, so that every sum stays true, and not named among the problems.
    """
    states: list[dict[str, Any]] = []
    with archive.catalogue.whole() as connection, archive.catalogue.public() as public:
        unnamed = hidden_from(public) or Hidden()
        holding = Suppressions(connection).holding(archive.clock())
        for source in Sources(connection).known(ids):
            leads = Leads(connection, source.id)
            articles = _count(connection, findable.c.source_id == source.id, findable.c.latest)
            count = _count(connection, versions.c.source_id == source.id)
            segments, size = Segments(connection).totals(source.id)
            run = Runs(connection, source.id).last()
            states.append(
                {
                    "id": source.id,
                    "name": source.name,
                    "home": source.home,
                    "leads": leads.counts(),
                    "kinds": leads.counts_by_kind(),
                    "articles": articles,
                    "versions": count,
                    "segments": segments,
                    "bytes": size,
                    "unread": Unread(connection, source.id).counts(),
                    "pulse": pulse(connection, source.id, archive.clock()),
                    "suppressed": sum(one.source_id == source.id for one in holding),
                    "problems": Leads(public, source.id).problems(),
                    "lost": asdict(Unsent(connection).losses(source.id)),
                    "last_run": None
                    if run is None
                    else {
                        "started": run.started_at.isoformat(),
                        "ended": run.ended_at.isoformat() if run.ended_at else None,
                        "outcome": run.outcome,
                        "problems": [one for one in run.problems if one.get("url") not in unnamed.urls],
                    },
                }
            )
    return states


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(*conditions)).scalar_one())
