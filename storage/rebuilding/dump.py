"""A catalogue in a form in which two can be compared: natural keys instead of row ids, without due times and leases.

Left out is what starts afresh with a rebuild (when a lead is due, how often it was tried, who works on a source) and
what belongs to machines (deliveries, unsent segments, checks); marks are made of the versions' fingerprints, words of
their lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, Table, select

from storage.catalogue import (
    captures,
    findable,
    furniture,
    leads,
    observations,
    runs,
    segments,
    sources,
    suppressions,
    unread,
    versions,
)

_LEFT_OUT = frozenset(
    {"id", "version_id", "lead_id", "capture_id", "owner", "owned_until", "queue", "next_due", "attempts"}
)
_KEYS: dict[Table, tuple[str, ...]] = {
    sources: ("source_id",),
    leads: ("source_id", "identity"),
    captures: ("source_id", "key", "offset"),
    versions: ("source_id", "article", "version"),
    findable: ("source_id", "article", "version"),
    observations: ("source_id", "url", "at", "outcome"),
    furniture: ("source_id", "digest"),
    segments: ("source_id", "stem"),
    runs: ("source_id", "started_at"),
    suppressions: ("source_id", "at"),
    unread: ("source_id", "at", "lead"),
}
ROWS_AT_ONCE = 1000


def dump(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every row of the tables that the store tells, as JSON-ready values, by table and natural key.

    `table` is its table, `place` its place among the rows of its source there in the order in which they were written,
    `lead` and `capture` what it refers to, by identity and record id.
    """
    for table, names in _KEYS.items():
        keyed = [([str(row[name]) for name in names], row["place"], row) for row in _rows(connection, table)]
        yield from (row for _, _, row in sorted(keyed, key=lambda one: one[:2]))


def dump_lines(connection: Connection) -> Iterator[bytes]:
    """The same as lines of JSON with sorted keys."""
    for row in dump(connection):
        yield orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    left_out = _LEFT_OUT - {"id"} if table in (sources, suppressions) else _LEFT_OUT
    chosen = [column for column in table.columns if column.name not in left_out]
    joined: Any = table
    extra: list[Any] = []
    if "lead_id" in table.columns:
        joined = joined.outerjoin(leads, leads.c.id == table.c.lead_id)
        extra.append(leads.c.identity.label("lead"))
    if "capture_id" in table.columns:
        joined = joined.outerjoin(captures, captures.c.id == table.c.capture_id)
        extra.append(captures.c.record_id.label("capture"))
    query = select(*chosen, *extra).select_from(joined).order_by(*table.primary_key.columns)
    places: dict[str, int] = {}
    for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)).mappings():
        facts: dict[str, Any] = {str(name): value for name, value in row.items()}
        if table is sources:
            facts["source_id"] = facts.pop("id")
        source_id = facts["source_id"]
        places[source_id] = places.get(source_id, -1) + 1
        yield facts | {"table": str(table.name), "place": places[source_id]}
