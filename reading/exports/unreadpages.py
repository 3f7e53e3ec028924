"""Pages that are kept and not read, as far as a selection can have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection, func, select

from reading.exports.selection import Selection
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import captures, unread


def unread_pages(connection: Connection, selection: Selection) -> Iterator[Capture]:
    """The captures of unread pages by time, of each page the last if only the latest are wanted.

    None where a selection asks for what only a page that was read can tell.
    """
    known = Selection(selection.sources, selection.captured_since, selection.captured_until)
    if replace(selection, latest_only=True) != known:
        return
    query = (
        select(*capture_columns())
        .select_from(unread.join(captures, captures.c.record_id == unread.c.record_id))
        .where(unread.c.absence.is_(None))
        .order_by(unread.c.at, unread.c.lead_id)
    )
    if selection.latest_only:
        of_lead = unread.alias()
        last = select(func.max(of_lead.c.at)).where(of_lead.c.lead_id == unread.c.lead_id, of_lead.c.absence.is_(None))
        query = query.where(unread.c.at == last.scalar_subquery())
    if selection.sources is not None:
        query = query.where(unread.c.source_id.in_(list(selection.sources)))
    if selection.captured_since is not None:
        query = query.where(captures.c.date >= selection.captured_since)
    if selection.captured_until is not None:
        query = query.where(captures.c.date < selection.captured_until)
    for row in connection.execute(query).all():
        capture = capture_from_row(row)
        assert capture is not None
        yield capture
