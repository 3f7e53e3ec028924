"""RSS, Atom and JSON feeds: what a newsroom says it has published, with the dates and names it gives.

Read with lxml rather than feedparser, which half a megabyte of attributes keeps busy for 24 seconds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from lxml import etree
from w3lib.html import remove_tags

from crawler.weburl import resolve
from crawler.xmltext import Entries, Sniffed, inner_text, name_of, sniff, tell
from pipelines.charset import page_text
from pipelines.dates import parse_date
from storage.errors import NotAFeed, Refused

ATOM = "http://www.w3.org/2005/Atom"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_DC = ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/")
_FEEDBURNER = "http://rssnamespace.org/feedburner/ext/1.0"
# By a child's local name; a name stands first where several say the same. Atom 0.3 has `issued` and
# `modified`.
_PUBLISHED = ("pubDate", "published", "issued", "date", "created")
_UPDATED = ("updated", "modified")
_SUMMARY = ("description", "summary", "abstract")
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
    listed = Entries(text, sniffed, ("entry" if kind == "atom" else "item",))
    for number, element in enumerate(listed, 1):
        if number > limits.max_entries:
            problems.append(f"more than {limits.max_entries} entries: only the first are read")
            break
        entry = _entry(element, url, limits, problems)
        if entry:
            entries.append(entry)
    channel = _channel(listed.head)
    language = _language(channel) if channel is not None else None
    title = _first(channel, ("title",), limits) if channel is not None else None
    filled = tuple(entry if entry.language else replace(entry, language=language) for entry in entries)
    return Feed(kind, title, filled, tell(problems + listed.problems), language)


def _entry(element: etree._Element, url: str, limits: FeedLimits, problems: list[str]) -> FeedEntry | None:
    title = _first(element, ("title",), limits)
    links = _links(element)
    if not links:
        problems.append(f"an entry has no link: {title or 'no title either'}")
        return None
    try:
        address = str(resolve(_base(element, url), links[0]))
    except Refused as error:
        problems.append(f"an entry's link is not one to visit: {error}")
        return None
    return FeedEntry(
        url=address,
        title=title,
        published=_date(element, _PUBLISHED, address, problems),
        updated=_date(element, _UPDATED, address, problems),
        summary=_first(element, _SUMMARY, limits),
        author="; ".join(_authors(element, limits)) or None,
        language=_language(element),
        id=_raw(element, ("guid", "id")) or element.get(_ABOUT),
    )


def _links(element: etree._Element) -> list[str]:
    """What may be the entry's address, the likeliest first: before redirection, its page, others, its id."""
    original: list[str] = []
    pages: list[str] = []
    others: list[str] = []
    for child in _children(element, ("link", "origLink", "guid")):
        name, content = name_of(child)[1], (child.text or "").strip()
        if name == "origLink" and content:
            original.append(content)
        elif name == "guid" and child.get("isPermaLink", "true").lower() == "true":
            others.append(content if content.startswith(("http://", "https://")) else "")
        elif name == "link" and (child.get("rel") or "alternate") == "alternate":
            is_page = "html" in (child.get("type") or "html")
            (pages if is_page else others).append((child.get("href") or content).strip())
    return [link for link in (*original, *pages, *others, element.get(_ABOUT)) if link]


def _authors(element: etree._Element, limits: FeedLimits) -> Iterable[str]:
    """Names in order, each once: Atom's structured authors, RSS's and Dublin Core's texts as they stand."""
    names: dict[str, None] = {}
    for child in _children(element, ("author", "creator")):
        name = _first(child, ("name",), limits) if len(child) else _text_of(child, limits)
        if name:
            names[name] = None
    return names


def _date(element: etree._Element, names: tuple[str, ...], url: str, problems: list[str]) -> str | None:
    raw = _raw(element, names)
    date = parse_date(raw) if raw else None
    if raw and not date:
        problems.append(f"{url}: the date {raw[:60]!r} cannot be read")
    return date


def _children(element: etree._Element, names: tuple[str, ...]) -> list[etree._Element]:
    """Children of those local names in the order of the names, but no `media:title` or `itunes:author`."""
    own = ("", name_of(element)[0], ATOM, _FEEDBURNER, *_DC)
    found = [(space, name, child) for child in element for space, name in (name_of(child),)]
    return [child for wanted in names for space, name, child in found if name == wanted and space in own]


def _raw(element: etree._Element, names: tuple[str, ...]) -> str | None:
    texts = (inner_text(child).strip() for child in _children(element, names))
    return next((text for text in texts if text), None)


def _first(element: etree._Element, names: tuple[str, ...], limits: FeedLimits) -> str | None:
    texts = (_text_of(child, limits) for child in _children(element, names))
    return next((text for text in texts if text), None)


def _text_of(element: etree._Element, limits: FeedLimits) -> str | None:
    text = inner_text(element)
    is_plain = element.get("type") in ("text", "xhtml") or (name_of(element)[0] == ATOM and element.get("type") is None)
    return _words(text, limits) if is_plain else _plain(text, limits)


def _plain(markup: object, limits: FeedLimits) -> str | None:
    """Text without tags and escapes, since RSS puts HTML into titles and descriptions."""
    return _words(html.unescape(remove_tags(markup[:_MARKUP_BUDGET])), limits) if isinstance(markup, str) else None


def _words(text: object, limits: FeedLimits) -> str | None:
    if not isinstance(text, str):
        return None
    words = re.sub(r"\s+", " ", text[:_MARKUP_BUDGET]).strip()
    cut = words[: limits.max_text_characters]
    return (f"{cut.rstrip()}…" if len(cut) < len(words) else words) or None


def _channel(root: etree._Element | None) -> etree._Element | None:
    """Where title and language of the whole feed stand: Atom's root, or the channel within RSS and RDF."""
    if root is None:
        return None
    return next((child for child in root if name_of(child)[1] == "channel"), root)


def _language(element: etree._Element) -> str | None:
    """What the element says, or what xml:lang says of it or of what it stands in."""
    said = (one.get(_LANG) for one in (element, *element.iterancestors()))
    return _raw(element, ("language",)) or next((language for language in said if language), None)


def _base(element: etree._Element, url: str) -> str:
    """The address that the entry's relative links are relative to (XML Base)."""
    for one in (*reversed([*element.iterancestors()]), element):
        base = one.get(_BASE)
        if base:
            try:
                url = str(resolve(url, base))
            except Refused:
                continue
    return url


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
