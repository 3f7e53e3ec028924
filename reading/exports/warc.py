"""A selection as one WARC file: the stored records of its pages and of what these need, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Connection

from reading.exports.hashed import Hashed
from reading.exports.pages import PageCaptures
from reading.exports.selection import Selection, stream
from reading.exports.unreadpages import unread_pages
from storage.capture import Capture
from storage.cdxj import index_line
from storage.errors import NotReadableWarc, ObjectMissing
from storage.gzipmembers import gzip_member
from storage.holdings import Holdings
from storage.warcinfo import SegmentInfo, warcinfo_record
from storage.wholeexchange import exchange_members


@dataclass(frozen=True, slots=True)
class PageLine:
    """A page of the selection: its record's id, where and when it was captured, its title and text.

    Of one that was not read the id is that of its capture, and there is neither title nor text.
    """

    id: str
    url: str
    at: datetime
    title: str | None
    text: str | None


class SelectionWarc:
    """Writes the file. Afterwards `index` has its CDXJ lines, unsorted, and `missing` what could not be read."""

    def __init__(self, connection: Connection, holdings: Holdings, filename: str) -> None:
        self._connection, self._holdings, self._filename = connection, holdings, filename
        self.index: list[bytes] = []
        self.missing: list[str] = []

    def write(
        self, selection: Selection, to: Hashed, clock: Callable[[], datetime], on_row: Callable[[], object]
    ) -> Iterator[PageLine]:
        """Write it, page by page as they are taken; each is given when its records are written.

        A record that no store has, or that is damaged, is left out and named in `missing`.
        """
        query = orjson.dumps(selection.as_json()).decode()
        info = SegmentInfo(part_of="selection", robots=None, description=f"records of an archive, by the query {query}")
        first = warcinfo_record(info, self._filename, clock(), f"<urn:uuid:{uuid4()}>")
        to.write(gzip_member(first.pieces()))
        captures = PageCaptures(self._connection, self._holdings)
        for row in stream(self._connection, selection):
            for capture in captures.of(row):
                self._copy(capture, to)
            page = captures.page(row)
            if page is not None:
                yield PageLine(row.record["id"], page.url, page.date, *_told(row.record))
            on_row()
        for page in unread_pages(self._connection, selection):
            for capture in captures.of_page(page):
                self._copy(capture, to)
            yield PageLine(page.record_id.strip("<>").removeprefix("urn:uuid:"), page.url, page.date, None, None)

    def _copy(self, capture: Capture, to: Hashed) -> None:
        try:
            members = exchange_members(self._holdings, capture)
        except (NotReadableWarc, ObjectMissing) as problem:
            self.missing.append(str(problem))
            return
        for member in members[:-1]:
            to.write(member)
        placed = replace(capture, key=f"warc/{self._filename}", offset=to.size_bytes, length=len(members[-1]))
        to.write(members[-1])
        if (line := index_line(placed)) is not None:
            self.index.append(line)


def _told(record: dict[str, Any]) -> tuple[str | None, str | None]:
    return record.get("headline"), record.get("articleBody")
