"""Sitemaps: XML ones with the Google News extension, indexes of them, and plain lists (sitemaps.org)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from crawler.listerrors import NotASitemap
from crawler.weburl import resolve
from crawler.xmltext import Entries, Sniffed, inner_text, name_of, sniff, tell
from pipelines.charset import page_text
from pipelines.dates import parse_date
from pipelines.decode import GZIP_MAGIC, decode_body
from storage.errors import Refused

PROTOCOL_MAX_ENTRIES = 50_000
PROTOCOL_MAX_BYTES = 52_428_800

_NEWS = ("http://www.google.com/schemas/sitemap-news/", "news")  # or the bare prefix, when it is not declared
_LINE_URL = re.compile(r"https?://\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SitemapLimits:
    """How much of a sitemap is read, and for the caller how deep indexes may nest.

    All are above what the protocol allows (50,000 entries, 50 MiB, an index of sitemaps): newsrooms overdo
    it.
    """

    max_bytes: int = 2 * PROTOCOL_MAX_BYTES
    max_entries: int = 250_000
    max_depth: int = 5


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """One page. `url` is absolute; dates are ISO 8601 with the offset that was given, or None."""

    url: str
    lastmod: str | None = None
    news_title: str | None = None
    news_date: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap in its own order. `children` are the sitemaps that an index names, with their lastmod.

    `problems` are sentences about what could not be read. `publication` is the name that news entries give.
    """

    kind: Literal["urlset", "index", "text"]
    entries: tuple[SitemapEntry, ...] = ()
    children: tuple[tuple[str, str | None], ...] = ()
    problems: tuple[str, ...] = ()
    publication: str | None = None


def parse_sitemap(body: bytes, url: str, limits: SitemapLimits = SitemapLimits()) -> Sitemap:
    """The sitemap in a body whose content-encoding is undone; a `.gz` payload is unpacked here.

    `url` is where it came from. Raises NotASitemap with what it looks like, and the BodyTooLarge or
    BodyUndecodable of a payload; keep the exchange and record the reason.
    """
    problems: list[str] = []
    body = _unpacked(body, limits, problems)
    if len(body) > limits.max_bytes:
        problems.append(f"larger than {limits.max_bytes} bytes: only the beginning is read")
    elif len(body) > PROTOCOL_MAX_BYTES:
        problems.append(f"larger than the {PROTOCOL_MAX_BYTES} bytes that the protocol allows")
    text = page_text(body[: limits.max_bytes], None)
    if text.witness == "replaced":
        problems.append(f"not all of it is {text.encoding}: some characters are lost")
    sniffed = sniff(text.text)
    if sniffed.look == "sitemap":
        return _xml_sitemap(text.text, sniffed, url, limits, problems)
    if sniffed.look == "text" and _LINE_URL.match(text.text.lstrip("\ufeff \t\r\n")):
        return _text_sitemap(text.text, url, limits, problems)
    raise NotASitemap(url, sniffed.look, _INSTEAD[sniffed.look])


_INSTEAD = {
    "html": "it is a web page; the sitemap moved or does not exist",
    "feed": "it is a feed; list it under feeds",
    "json": "it is JSON",
    "xml": "it is XML of another kind",
    "text": "it is neither XML nor a list of URLs",
    "empty": "it is empty",
}


def _unpacked(body: bytes, limits: SitemapLimits, problems: list[str]) -> bytes:
    if not body.startswith(GZIP_MAGIC):
        return body
    payload = decode_body(body, "gzip", limits.max_bytes)
    if not payload.complete:
        problems.append("cut short: its gzip payload is not whole")
    return payload.data


def _xml_sitemap(text: str, sniffed: Sniffed, url: str, limits: SitemapLimits, problems: list[str]) -> Sitemap:
    pages: list[SitemapEntry] = []
    children: list[tuple[str, str | None]] = []
    publication: str | None = None
    listed = Entries(text, sniffed, ("url", "sitemap"))
    for number, element in enumerate(listed, 1):
        if number > limits.max_entries:
            problems.append(f"more than {limits.max_entries} entries: only the first are read")
            break
        said = _own_fields(element)
        address = _address(_text(said.get("loc")), url, problems)
        if address is None:
            continue
        lastmod = _date(_text(said.get("lastmod")))
        if name_of(element)[1] == "sitemap":
            children.append((address, lastmod))
            continue
        news = _news_fields(element)
        paper = _own_fields(news["publication"]) if "publication" in news else {}
        publication = publication or _text(paper.get("name"))
        pages.append(
            SitemapEntry(
                url=address,
                lastmod=lastmod,
                news_title=_text(news.get("title")),
                news_date=_date(_text(news.get("publication_date"))),
                language=_text(paper.get("language")) or _text(news.get("language")),
            )
        )
    if len(pages) + len(children) > PROTOCOL_MAX_ENTRIES:
        problems.append(f"it has more than the {PROTOCOL_MAX_ENTRIES} entries that the protocol allows")
    kind: Literal["urlset", "index"] = "index" if sniffed.root.lower() == "sitemapindex" else "urlset"
    return Sitemap(kind, tuple(pages), tuple(children), tell(problems + listed.problems), publication)


def _own_fields(element: etree._Element) -> dict[str, etree._Element]:
    """Children by local name, of the element's own namespace alone: `image:loc` is no `loc`."""
    space = name_of(element)[0]
    named = ((*name_of(child), child) for child in reversed(element))
    return {name: child for own, name, child in named if own == space}


def _news_fields(element: etree._Element) -> dict[str, etree._Element]:
    """The Google News extension of an entry, whatever version it names; empty without one."""
    for child in element:
        space, name = name_of(child)
        if name == "news" and space.startswith(_NEWS):
            return _own_fields(child)
    return {}


def _text(element: etree._Element | None) -> str | None:
    return (" ".join(inner_text(element).split()) or None) if element is not None else None


def _date(raw: str | None) -> str | None:
    return parse_date(raw) if raw else None


def _address(raw: str | None, url: str, problems: list[str]) -> str | None:
    if not raw:
        problems.append("an entry has no loc")
        return None
    try:
        return str(resolve(url, raw))
    except Refused as error:
        problems.append(f"an entry's loc is not one to visit: {error}")
        return None


def _text_sitemap(text: str, url: str, limits: SitemapLimits, problems: list[str]) -> Sitemap:
    pages: list[SitemapEntry] = []
    for line in _lines(text):
        if len(pages) == limits.max_entries:
            problems.append(f"more than {limits.max_entries} entries: only the first are read")
            break
        address = _address(line, url, problems) if _LINE_URL.fullmatch(line) else None
        if address:
            pages.append(SitemapEntry(address))
        elif not _LINE_URL.fullmatch(line):
            problems.append(f"a line is no URL: {line[:80]!r}")
    if len(pages) > PROTOCOL_MAX_ENTRIES:
        problems.append(f"it has more than the {PROTOCOL_MAX_ENTRIES} entries that the protocol allows")
    return Sitemap("text", tuple(pages), problems=tell(problems))


def _lines(text: str) -> Iterator[str]:
    for line in text.lstrip("\ufeff").splitlines():
        stripped = line.strip()
        if stripped:
            yield stripped
