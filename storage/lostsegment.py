"""A segment that is lost with the machine that had it, taken out of the catalogue as if it had never been written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from storage.catalogue import READY, captures, leads, marks, observations, segments, unread, versions
from storage.findable import Findable
from storage.lead import NewLead
from storage.names import manifest_of_parcel, records_name, warc_name
from storage.unsent import UnsentSegment

REASON = "lost-with-machine"
"""Why a lead that was visited is due again: its capture lay on a machine that is gone."""

ROWS_AT_ONCE = 500


@dataclass(slots=True)
class Forgotten:
    """How much a lost segment held, and the leads that are to be visited again."""

    captures: int = 0
    versions: int = 0
    leads: set[int] = field(default_factory=set)


def forget_segment(connection: Connection, source_id: str, lost: UnsentSegment) -> Forgotten:
    """Take out what the catalogue knows by that segment alone, and make its leads ready: nothing of them is kept."""
    columns = (captures.c.record_id, captures.c.lead_id, captures.c.date)
    rows = connection.execute(select(*columns).where(_in_segment(connection, source_id, lost.stem))).all()
    records = [row.record_id for row in rows]
    gone = Forgotten(len(records))
    # the last that is known of each lead, as far as it is lost
    last = dict.fromkeys(_visited_since(connection, source_id, lost.since), lost.since)
    for row in rows:
        if row.lead_id is not None:
            last[row.lead_id] = max(row.date, last.get(row.lead_id, row.date))
    referring = _referring(connection, source_id, records)
    gone.versions, articles = _forget_versions(connection, source_id, lost)
    for part in _parts(records):
        seen = and_(observations.c.source_id == source_id, observations.c.capture_record_id.in_(part))
        articles |= set(connection.execute(select(observations.c.article).where(seen)).scalars())
        connection.execute(delete(observations).where(seen))
        connection.execute(delete(captures).where(captures.c.record_id.in_(part)))
        connection.execute(delete(unread).where(unread.c.record_id.in_(part)))
    Findable(connection, source_id).tell_apart(sorted(article for article in articles if article))
    gone.leads = referring | last.keys() - _captured_after(connection, last)
    _make_due(connection, gone.leads, lost.host)
    return gone


def _in_segment(connection: Connection, source_id: str, stem: str) -> Any:
    known = connection.execute(select(segments.c.key).where(segments.c.stem == stem)).scalar()
    return and_(captures.c.source_id == source_id, captures.c.key == (known or warc_key(stem)))


def warc_key(stem: str) -> str:
    """The key that the segment's WARC would have."""
    return warc_name(manifest_of_parcel(stem).stem).key


def _visited_since(connection: Connection, source_id: str, since: datetime) -> set[int]:
    """Leads whose last visit was told in the segment, if only to say that nothing was kept."""
    query = select(leads.c.id).where(leads.c.source_id == source_id, leads.c.visited_at >= since)
    return set(connection.execute(query).scalars())


def _captured_after(connection: Connection, moments: Mapping[int, datetime]) -> set[int]:
    """Those of these leads of which a capture is known that was made after their moment: somebody went on already."""
    found: set[int] = set()
    for part in _parts(sorted(moments)):
        newest = select(captures.c.lead_id, func.max(captures.c.date)).where(captures.c.lead_id.in_(part))
        for lead_id, date in connection.execute(newest.group_by(captures.c.lead_id)):
            if date > moments[lead_id]:
                found.add(lead_id)
    return found


def _referring(connection: Connection, source_id: str, records: Sequence[str]) -> set[int]:
    """Leads of captures elsewhere that say no more than: the same bytes as one that is lost."""
    found: set[int] = set()
    for part in _parts(records):
        query = select(captures.c.lead_id).where(captures.c.source_id == source_id, captures.c.refers_to.in_(part))
        found.update(lead for lead in connection.execute(query).scalars() if lead is not None)
    return found


def _forget_versions(connection: Connection, source_id: str, lost: UnsentSegment) -> tuple[int, set[str]]:
    """How many versions stood in the segment's records, and of which articles."""
    records = records_name(manifest_of_parcel(lost.stem).stem).key.removesuffix("0.jsonl.gz")
    query = select(versions.c.id, versions.c.record_id, versions.c.article, versions.c.line).where(
        versions.c.source_id == source_id, versions.c.records_key.startswith(records, autoescape=True)
    )
    rows = connection.execute(query).all()
    Findable(connection, source_id).forget([(row.id, row.line) for row in rows])
    for part in _parts([row.id for row in rows]):
        connection.execute(delete(versions).where(versions.c.id.in_(part)))
    for part in _parts([row.record_id for row in rows]):
        connection.execute(delete(marks).where(marks.c.record_id.in_(part)))
    return len(rows), {row.article for row in rows}


def _make_due(connection: Connection, ids: set[int], host: str) -> None:
    values = {
        "state": "pending",
        "reason": REASON,
        "detail": f"its capture lay on {host} alone, which is gone",
        "queue": READY,
        "next_due": None,
        "attempts": 0,
        "visited_at": None,
        "last_seen": leads.c.first_seen,
        "etag": None,
        "last_modified": None,
        "capture_id": None,
    }
    for part in _parts(sorted(ids)):
        connection.execute(update(leads).where(leads.c.id.in_(part)).values(values))


def found_since(connection: Connection, source_id: str, since: datetime) -> Iterator[tuple[NewLead, datetime]]:
    """The leads that became known since then, for another segment to tell of them."""
    query = select(leads).where(leads.c.source_id == source_id, leads.c.first_seen >= since).order_by(leads.c.id)
    for row in connection.execute(query):
        is_refused = row.state == "refused" and row.visited_at is None
        lead = NewLead(
            url=row.url,
            identity=row.identity,
            kind=row.kind,
            priority=row.priority,
            via=row.via,
            method=row.method,
            depth=row.depth,
            rank=row.rank,
            hints=row.hints,
            refusal=f"{row.reason}: {row.detail or ''}" if is_refused else None,
        )
        yield lead, row.first_seen


def rewind(connection: Connection, source_id: str, lost: Sequence[UnsentSegment], newest: str | None) -> str | None:
    """The manifest that the chain ends with when these are taken off its end; `newest` is what it ends with now."""
    query = select(segments.c.stem, segments.c.manifest_sha256).where(
        segments.c.source_id == source_id, or_(*(segments.c.stem == one.stem for one in lost))
    )
    sums = {row.stem: row.manifest_sha256 for row in connection.execute(query)}
    before = {sums[one.stem]: one.previous_sha256 for one in lost if one.stem in sums}
    while newest in before:
        newest = before.pop(newest)
    return newest


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), ROWS_AT_ONCE):
        yield values[start : start + ROWS_AT_ONCE]
