"""Captures as rows of the catalogue: where each stored exchange is, findable by payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from storage.capture import Capture
from storage.catalogue import captures
from storage.cdxj import is_indexed
from storage.uris import urlkey

_COLUMNS = (
    captures.c.key,
    captures.c.offset,
    captures.c.length,
    captures.c.record_id,
    captures.c.record_type,
    captures.c.date,
    captures.c.url,
    captures.c.status,
    captures.c.mime,
    captures.c.payload_digest,
    captures.c.truncated,
    captures.c.ip_address,
    captures.c.protocol,
    captures.c.refers_to,
)

# Asked once for each exchange: made here, it is compiled once and never built again.
_ORIGINAL = (
    select(*_COLUMNS)
    .where(captures.c.source_id == bindparam("source"), captures.c.payload_digest == bindparam("digest"))
    .where(captures.c.record_type == "response", captures.c.truncated.is_(None))
    .order_by(captures.c.id)
    .limit(1)
)


def capture_columns() -> tuple[Any, ...]:
    """The columns that `capture_from_row` reads, in its order."""
    return _COLUMNS


def capture_from_row(row: Sequence[Any]) -> Capture | None:
    """The Capture of a row of `capture_columns()`, or None when an outer join found none."""
    if row[0] is None:
        return None
    names = [column.name for column in _COLUMNS]
    return Capture(**dict(zip(names, row, strict=True)))


def add_captures(connection: Connection, source_id: str, kept: Sequence[tuple[Capture, int | None]]) -> None:
    """Record captures with the lead each was made for; their bytes must be durable already."""
    if not kept:
        return
    rows = [
        {column.name: getattr(capture, column.name) for column in _COLUMNS}
        | {"source_id": source_id, "lead_id": lead_id}
        | {"urlkey": urlkey(capture.url) if is_indexed(capture) else None}
        for capture, lead_id in kept
    ]
    connection.execute(insert(captures), rows)


def add_missing_captures(connection: Connection, source_id: str, kept: Sequence[tuple[Capture, int | None]]) -> None:
    """Record those captures of a recovered segment that a crash kept out of the catalogue."""
    ids = [capture.record_id for capture, _ in kept]
    known: set[str] = set()
    for start in range(0, len(ids), 500):
        query = select(captures.c.record_id).where(captures.c.record_id.in_(ids[start : start + 500]))
        known.update(connection.execute(query).scalars())
    add_captures(connection, source_id, [one for one in kept if one[0].record_id not in known])


def captures_between(connection: Connection, first: str, end: str) -> Iterator[tuple[str, Capture]]:
    """What can be replayed whose SURT key is at least `first` and less than `end`, by key and date, with its source."""
    query = (
        select(captures.c.source_id, *_COLUMNS)
        .where(captures.c.urlkey >= first, captures.c.urlkey < end)
        .order_by(captures.c.urlkey, captures.c.date)
    )
    for source_id, *row in connection.execute(query.execution_options(yield_per=500)):
        capture = capture_from_row(row)
        assert capture is not None
        yield source_id, capture


def original_of(connection: Connection, source_id: str, payload_digest: str) -> Capture | None:
    """A whole response of this source that holds the payload already, or None.

    Never a revisit and never a record that is not durable: only committed rows are seen (ISO 28500, 6.7).
    """
    row = connection.execute(_ORIGINAL, {"source": source_id, "digest": payload_digest}).first()
    return None if row is None else capture_from_row(row)


def capture_of_record(connection: Connection, record_id: str) -> Capture | None:
    """The capture whose WARC record has that id, angle brackets or not, or None."""
    spelled = record_id if record_id.startswith("<") else f"<{record_id}>"
    row = connection.execute(select(*_COLUMNS).where(captures.c.record_id.in_([spelled, record_id])).limit(1)).first()
    return None if row is None else capture_from_row(row)
