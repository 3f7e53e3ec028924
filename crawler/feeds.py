"""RSS, Atom and JSON feeds: what a newsroom says it has published, with the dates and names it gives.

feedparser reads the XML (crawler/xmlfeed.py); what its words mean for an entry is decided here.
"""

from __future__ import annotations

import html
import re
from calendar import timegm
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import struct_time
from typing import Any, Literal

import orjson
from w3lib.html import remove_tags

from crawler.listerrors import NotAFeed
from crawler.weburl import resolve
from crawler.xmlfeed import AT, Piece, XmlFeed
from crawler.xmltext import Sniffed, sniff, tell
from pipelines.charset import page_text
from pipelines.dates import parse_date
from storage.errors import Refused

_DATE_ELEMENT = re.compile(r"</(?:[\w.-]+:)?date\s*>")
_WEEKDAY_TO_ZONE = re.compile(r"[^\W\d_]+,.*\s(?:[+-]\d{2}:?\d{2}|GMT|UTC?|[ECMP][SD]T)", re.DOTALL)
_MARKUP_BUDGET = 50_000


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """How much of a feed is read: what goes beyond is left, and a problem says so."""

    max_bytes: int = 16 << 20
    max_entries: int = 5_000
    max_text_characters: int = 2_000


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry. `url` is absolute; dates are ISO 8601 with the offset that was given, or None."""

    url: str
    title: str | None = None
    published: str | None = None
    updated: str | None = None
    summary: str | None = None
    author: str | None = None
    language: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed in its own order; `problems` are sentences about what could not be read."""

    kind: Literal["rss", "atom", "json"]
    title: str | None
    entries: tuple[FeedEntry, ...]
    problems: tuple[str, ...] = ()
    language: str | None = None


def parse_feed(body: bytes, content_type: str | None, url: str, limits: FeedLimits = FeedLimits()) -> Feed:
    """The feed in a body whose content-encoding is undone; `url` is where it came from.

    The bytes decide what it is, not `content_type`, which only helps with the characters. Raises NotAFeed
    with what it looks like; keep the exchange and record the reason.
    """
    problems: list[str] = []
    if len(body) > limits.max_bytes:
        problems.append(f"larger than {limits.max_bytes} bytes: only the beginning is read")
    text = page_text(body[: limits.max_bytes], content_type)
    if text.witness == "replaced":
        problems.append(f"not all of it is {text.encoding}: some characters are lost")
    sniffed = sniff(text.text)
    if sniffed.look == "json":
        return _json_feed(text.text, url, limits, problems)
    if sniffed.look != "feed":
        raise NotAFeed(url, sniffed.look, _INSTEAD[sniffed.look])
    return _xml_feed(text.text, sniffed, url, limits, problems)


_INSTEAD = {
    "html": "it is a web page; the feed moved, or the address is that of the page about the feed",
    "sitemap": "it is a sitemap; list it under sitemaps",
    "xml": "it is XML of another kind",
    "text": "it is neither XML nor JSON",
    "empty": "it is empty",
}


def _xml_feed(text: str, sniffed: Sniffed, url: str, limits: FeedLimits, problems: list[str]) -> Feed:
    entries: list[FeedEntry] = []
    kind: Literal["atom", "rss"] = "atom" if sniffed.root == "feed" else "rss"
    listed = XmlFeed(text, sniffed)
    for number, piece in enumerate(listed, 1):
        if number > limits.max_entries:
            problems.append(f"more than {limits.max_entries} entries: only the first are read")
            break
        entry = _entry(piece, kind, url, limits, problems)
        if entry:
            entries.append(entry)
    said = listed.channel.said if listed.channel else {}
    title, language = _words_of(said, "title", kind, limits), _text(said, "language")
    if listed.channel and listed.channel.flaw and not title:
        problems.append(f"what stands before its entries is broken XML ({listed.channel.flaw})")
    filled = tuple(entry if entry.language else replace(entry, language=language) for entry in entries)
    return Feed(kind, title, filled, tell(problems + listed.problems), language)


def _entry(piece: Piece, kind: str, url: str, limits: FeedLimits, problems: list[str]) -> FeedEntry | None:
    said = piece.said
    title = _words_of(said, "title", kind, limits)
    if piece.flaw:
        problems.append(f"an entry is broken XML ({piece.flaw}), so that parts may be lost: {title or 'no title'}")
    links = _links(said, kind)
    if not links:
        problems.append(f"an entry has no link: {title or 'no title either'}")
        return None
    try:
        address = str(resolve(_base(piece, url), links[0]))
    except Refused as error:
        problems.append(f"an entry's link is not one to visit: {error}")
        return None
    published, updated = _text(said, "published") or _text(said, "created"), _text(said, "updated")
    if kind == "rss" and _DATE_ELEMENT.search(piece.text):
        # feedparser takes Dublin Core's date, which is RSS 1.0's only one, for that of a change.
        published, updated = published or updated, None
    return FeedEntry(
        url=address,
        title=title,
        published=_date(published, said, address, problems),
        updated=_date(updated, said, address, problems),
        summary=_words_of(said, "summary", kind, limits),
        author="; ".join(_authors(said, kind, limits)) or None,
        language=_text(said, "language") or _marked_language(said),
        id=_text(said, "id"),
    )


def _base(piece: Piece, url: str) -> str:
    """The address that the entry's relative links are relative to (XML Base)."""
    for base in piece.bases:
        with suppress(Refused):
            url = str(resolve(url, base))
    return url


def _links(said: dict[str, Any], kind: str) -> list[str]:
    """What may be the entry's address, the likeliest first: before redirection, its page, others, its id."""
    alternates = [link for link in _dicts(said, "links") if link.get("rel") == "alternate"]
    pages = [_text(link, "href") for link in alternates if "html" in str(link.get("type"))]
    others = [_text(link, "href") for link in alternates]
    name = _text(said, "id") or ""
    # An id of RSS 1.0 is rdf:about, of RSS 2.0 a guid that may be a permanent link; Atom's id is no address.
    is_address = kind == "rss" and said.get("guidislink", True) and name.startswith(("http://", "https://"))
    found = (_text(said, "feedburner_origlink"), *pages, *others, name if is_address else None)
    return [link for link in found if link]


def _authors(said: dict[str, Any], kind: str, limits: FeedLimits) -> Iterable[str]:
    """Names in order, each once: Atom's structured authors, RSS's and Dublin Core's texts as they stand."""
    names = ((_text(author, "name") or "").replace(AT, "@") for author in _dicts(said, "authors"))
    shown = (_words(name, limits) if kind == "atom" else _plain(name, limits) for name in names)
    return dict.fromkeys(name for name in shown if name)


def _date(raw: str | None, said: dict[str, Any], url: str, problems: list[str]) -> str | None:
    if not raw:
        return None
    date = parse_date(raw) or _regional_date(raw, said)
    if not date:
        problems.append(f"{url}: the date {raw[:60]!r} cannot be read")
    return date


def _regional_date(raw: str, said: dict[str, Any]) -> str | None:
    """What feedparser alone can read, in UTC: Greek months, years of two digits.

    Only of a weekday at the start and a zone that it knows at the end: of others it guesses, even by today's date.
    """
    key = next((key for key in ("published", "updated", "created") if said.get(key) == raw), "")
    parsed = said.get(f"{key}_parsed")
    if not isinstance(parsed, struct_time) or not _WEEKDAY_TO_ZONE.fullmatch(raw):
        return None
    return parse_date(datetime.fromtimestamp(timegm(parsed), UTC).isoformat())


def _marked_language(said: dict[str, Any]) -> str | None:
    """The xml:lang of the entry, or of what it stands in, as its texts have it."""
    details = (said.get(key) for key in ("title_detail", "summary_detail"))
    return next((found for one in details if isinstance(one, dict) and (found := _text(one, "language"))), None)


def _words_of(said: dict[str, Any], key: str, kind: str, limits: FeedLimits) -> str | None:
    text, detail = _text(said, key), said.get(f"{key}_detail")
    is_plain = kind == "atom" and isinstance(detail, dict) and detail.get("type") == "text/plain"
    return _words(text, limits) if is_plain else _plain(text, limits)


def _text(said: dict[str, Any], key: str) -> str | None:
    """A text of an entry; an element of an unknown kind can stand under any name as something else."""
    value = said.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _dicts(said: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = said.get(key)
    return [dict(one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _plain(markup: object, limits: FeedLimits) -> str | None:
    """Text without tags and escapes, since RSS puts HTML into titles and descriptions."""
    if not isinstance(markup, str):
        return None
    return _words(html.unescape(remove_tags(markup[:_MARKUP_BUDGET])), limits)


def _words(text: object, limits: FeedLimits) -> str | None:
    if not isinstance(text, str):
        return None
    words = re.sub(r"\s+", " ", text[:_MARKUP_BUDGET]).strip()
    cut = words[: limits.max_text_characters]
    return (f"{cut.rstrip()}…" if len(cut) < len(words) else words) or None


def _json_feed(text: str, url: str, limits: FeedLimits, problems: list[str]) -> Feed:
    """JSON Feed 1 and 1.1 (jsonfeed.org)."""
    try:
        document = orjson.loads(text.lstrip("\ufeff \t\r\n"))
    except orjson.JSONDecodeError as error:
        raise NotAFeed(url, "json", f"its JSON is broken: {error}") from None
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list) or "jsonfeed.org/version/1" not in str(document.get("version")):
        raise NotAFeed(url, "json", "it is JSON, but no JSON Feed")
    language = _words(document.get("language"), limits)
    if len(items) > limits.max_entries:
        problems.append(f"more than {limits.max_entries} entries: only the first are read")
    entries = [
        entry
        for item in items[: limits.max_entries]
        if isinstance(item, dict) and (entry := _json_entry(item, url, language, limits, problems))
    ]
    return Feed("json", _words(document.get("title"), limits), tuple(entries), tell(problems), language)


def _json_entry(
    item: dict[str, Any], url: str, language: str | None, limits: FeedLimits, problems: list[str]
) -> FeedEntry | None:
    title = _words(item.get("title"), limits)
    link = item.get("url") or item.get("external_url")
    if not isinstance(link, str):
        problems.append(f"an entry has no link: {title or 'no title either'}")
        return None
    try:
        address = str(resolve(url, link))
    except Refused as error:
        problems.append(f"an entry's link is not one to visit: {error}")
        return None
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_words(author.get("name"), limits) for author in authors or () if isinstance(author, dict)]
    return FeedEntry(
        url=address,
        title=title,
        published=parse_date(str(item.get("date_published") or "")),
        updated=parse_date(str(item.get("date_modified") or "")),
        summary=_words(item.get("summary"), limits),
        author="; ".join(name for name in names if name) or None,
        language=_words(item.get("language"), limits) or language,
        id=_words(str(item["id"]) if "id" in item else None, limits),
    )
