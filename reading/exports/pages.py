"""The captures that the pages of a selection are made of: the page, what it needs, and what these refer to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urljoin

from lxml.etree import LxmlError
from sqlalchemy import Connection

from pipelines.decode import decode_body
from pipelines.page import PageInput, ReadLimits, open_page
from pipelines.requisites import Requisite, page_requisites, style_requisites
from reading.exports.selection import Row
from storage.capture import Capture
from storage.captures import capture_of_record, captures_between
from storage.errors import NewsarkError, PageError
from storage.holdings import Holdings
from storage.readback import StoredExchange, read_capture
from storage.uris import urlkey
from storage.wholeexchange import told_beside

MAX_HOPS = 10
MAX_IMPORTS = 5
MOST_REFERRED = 2


class PageCaptures:
    """Finds them, each once for all pages of an export."""

    def __init__(self, connection: Connection, holdings: Holdings) -> None:
        self._connection, self._holdings = connection, holdings
        self._given: set[str] = set()

    def of(self, row: Row) -> Iterator[Capture]:
        """The captures of a version's page that no earlier page had, the page's own first, if it was not had.

        What was not kept, and what cannot be read now, is left out.
        """
        page = self.page(row)
        if page is not None:
            yield from self.of_page(page)

    def of_page(self, page: Capture) -> Iterator[Capture]:
        """The same for the page's capture."""
        yield from self._with_original(page)
        for record_id in self._given_to_browser(page):
            answer = capture_of_record(self._connection, record_id)
            if answer is not None and answer.record_id not in self._given:
                yield from self._with_original(answer)
        for requisite in self._named_by(page, "page"):
            yield from self._file(requisite, page.date, 0)

    def page(self, row: Row) -> Capture | None:
        """The capture that a version was read from."""
        record_id = (row.record.get("archive") or {}).get("recordId")
        return capture_of_record(self._connection, str(record_id)) if record_id else None

    def _file(self, requisite: Requisite, at: datetime, depth: int) -> Iterator[Capture]:
        """A file as it was when it was captured nearest to that moment, with what it leads to and what it names."""
        url = requisite.url
        for _ in range(MAX_HOPS):
            capture = self._nearest(url, at)
            if capture is None or capture.record_id in self._given:
                return
            yield from self._with_original(capture)
            if capture.status is None or not 300 <= capture.status < 400:
                break
            stored = self._read(capture)
            location = (
                next((value for name, value in stored.headers if name.lower() == "location"), "") if stored else ""
            )
            url = urljoin(url, location)
        if requisite.kind == "style" and depth < MAX_IMPORTS and capture is not None:
            for named in self._named_by(capture, "style"):
                yield from self._file(named, at, depth + 1)

    def _with_original(self, capture: Capture) -> Iterator[Capture]:
        chain = [capture]
        # what a browser made refers to its page, and that may be a revisit
        while (last := chain[-1]).refers_to and len(chain) <= MOST_REFERRED:
            original = capture_of_record(self._connection, last.refers_to or "")
            if original is None:
                break
            chain.append(original)
        for one in reversed(chain):
            if one.record_id not in self._given:
                self._given.add(one.record_id)
                yield one

    def _given_to_browser(self, page: Capture) -> list[str]:
        """The record ids of what a browser was given when it made this page's document."""
        if page.record_type != "conversion":
            return []
        try:
            return [value for name, value in told_beside(self._holdings, page) if name == "answeredBy"]
        except NewsarkError:
            return []

    def _nearest(self, url: str, at: datetime) -> Capture | None:
        key = urlkey(url)
        found = [capture for _, capture in captures_between(self._connection, key, f"{key}!")]
        return min(found, key=lambda one: abs(one.date - at), default=None)

    def _named_by(self, capture: Capture, kind: str) -> tuple[Requisite, ...]:
        stored = self._read(capture)
        if stored is None or stored.payload is None:
            return ()
        headers = tuple((stored.original or stored).headers)
        page = PageInput(capture.url, stored.payload, headers, requisites="page")
        try:
            if kind == "style":
                data = decode_body(page.body, page.header("Content-Encoding"), ReadLimits().max_page_bytes).data
                return style_requisites(data, None, capture.url)
            opened = open_page(page, ReadLimits())
            return () if opened.tree is None else page_requisites(opened.tree, opened.base, "page")
        except (PageError, LxmlError, ValueError, RecursionError):
            return ()

    def _read(self, capture: Capture) -> StoredExchange | None:
        def original(_: object) -> Capture | None:
            return capture_of_record(self._connection, capture.refers_to) if capture.refers_to else None

        try:
            return read_capture(self._holdings, capture.key, capture.offset, capture.length, resolve=original)
        except NewsarkError:
            return None
