"""Captures of feeds, sitemaps and sections that name an article: what an erasure may have to reach as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select

from pipelines.decode import decode_body
from pipelines.page import ReadLimits
from storage.archive import Archive
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import captures, leads
from storage.erasing.plan import Plan
from storage.errors import NewsarkError
from storage.lead import LISTS_BELOW
from storage.readback import read_capture

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """A capture of a list, by its WARC-Record-ID."""

    url: str
    record_id: str


def listings_naming(archive: Archive, plan: Plan) -> list[Listing]:
    """The captures of the plan's sources' lists that name one of its addresses; each list that was kept is read."""
    return [
        Listing(capture.url, capture.record_id)
        for part in plan.sources
        for capture in _lists(archive, part.source_id)
        if _names(archive, capture, _named(part.urls))
    ]


def _named(urls: set[str]) -> re.Pattern[bytes]:
    """The addresses as lists have them: whole, or without the host, and no longer ones that begin so."""
    paths = {urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl() for url in urls}
    words = sorted({*urls, *(path for path in paths if len(path) > 1)}, key=len, reverse=True)
    spellings = {spelled for word in words for spelled in (word, word.replace("&", "&amp;"))}
    told = b"|".join(re.escape(word.encode("utf-8", "replace")) for word in sorted(spellings, key=len, reverse=True))
    return re.compile(rb"(?:" + told + rb")(?![\w/.~%-])" if told else rb"(?!)")


def _lists(archive: Archive, source_id: str) -> Iterator[Capture]:
    """The whole responses of the source's lists."""
    query = (
        select(*capture_columns())
        .join(leads, leads.c.id == captures.c.lead_id)
        .where(captures.c.source_id == source_id, leads.c.priority < LISTS_BELOW)
        .where(captures.c.record_type == "response")
        .order_by(captures.c.id)
    )
    with archive.catalogue.whole() as connection:
        rows = connection.execute(query).all()
    yield from (capture for row in rows if (capture := capture_from_row(row)) is not None)


def _names(archive: Archive, capture: Capture, named: re.Pattern[bytes]) -> bool:
    try:
        stored = read_capture(archive.holdings, capture.key, capture.offset, capture.length)
        coding = next((value for name, value in stored.headers if name.lower() == "content-encoding"), None)
        body = decode_body(stored.payload or b"", coding, ReadLimits().max_page_bytes).data
    except NewsarkError:
        # verify tells of it
        return False
    return named.search(body) is not None
