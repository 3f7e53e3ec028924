"""The ledger as an Atom feed (RFC 4287) and as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lxml import etree

from reading.life import Entry
from reading.spreadsheets import cell

ATOM = "http://www.w3.org/2005/Atom"
COLUMNS = ("at", "source", "kind", "state", "confirmedAt", "headline", "url", "detail", "silent", "captures")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(entries: Sequence[Entry], now: datetime) -> bytes:
    """The entries as a feed, the newest first; an entry keeps its id when it is confirmed, and is updated then."""
    spaces: dict[Any, str] = {None: ATOM}
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=spaces)
    _add(feed, "title", "Newsark ledger")
    _add(feed, "id", "urn:newsark:ledger")
    _add(feed, "updated", _iso(max((_updated(entry) for entry in entries), default=now)))
    _add(_add(feed, "author"), "name", "Newsark")
    for entry in sorted(entries, key=_updated, reverse=True):
        one = _add(feed, "entry")
        _add(one, "title", f"{entry.kind} ({entry.state}): {entry.headline or entry.url}")
        _add(one, "id", f"urn:newsark:{entry.source}:{entry.article or 'source'}:{entry.kind}:{_iso(entry.at)}")
        _add(one, "updated", _iso(_updated(entry)))
        _add(one, "published", _iso(entry.at))
        _add(one, "link", href=entry.url)
        _add(one, "category", term=entry.kind)
        _add(one, "summary", entry.detail or "")
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    safe = {key: _xml_text(value) for key, value in attributes.items()}
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", safe)
    element.text = None if text is None else _xml_text(text)
    return element


def csv_text(entries: Sequence[Entry]) -> str:
    """The entries as CSV (RFC 4180) with a header; what a spreadsheet would take for a formula gets a quote before."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for entry in entries:
        told = entry.as_json()
        writer.writerow([cell(told.get(name)) for name in COLUMNS])
    return text.getvalue()


def _updated(entry: Entry) -> datetime:
    return entry.confirmed_at or entry.at


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _xml_text(text: str) -> str:
    """The text with a replacement character for what XML 1.0 (section 2.2) has no way to write."""
    return _FORBIDDEN.sub("\ufffd", text)
