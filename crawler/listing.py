"""What a feed or a sitemap names, as leads; read in a worker process, since some of them are hostile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from crawler.kinds import ARTICLE, FEED, SITEMAP, priority_of
from crawler.links import normalise
from crawler.source import Source
from crawler.visit import Answer, Note
from pipelines.decode import decode_body
from storage.errors import NewsarkError, PageError, Refused
from storage.lead import Lead, NewLead, lead_identity

if TYPE_CHECKING:
    from crawler.feeds import Feed
    from crawler.sitemaps import Sitemap

PARSERS = ("crawler.feeds", "crawler.sitemaps")
"""What reads lists, loaded where they are read: the process that crawls starts without them."""

MAX_SITEMAP_DEPTH = 5
MAX_SUMMARY_CHARS = 300
"""So much of a feed's summary is kept with the lead: enough to check a text against."""

# A document type stands before the root element, and no honest one is longer.
DOCTYPE_BYTES = 64 * 1024


@dataclass(slots=True)
class Listing:
    """What was read: leads in the list's order, notes worth showing, and what made it useless, if anything."""

    found: list[NewLead] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    problem: tuple[str, str] | None = None
    kind: str = ""
    title: str | None = None


def read_listing(lead: Lead, answer: Answer, source: Source, limit_bytes: int) -> Listing:
    """The listing in an answer to a feed or sitemap lead; never raises for what the page holds."""
    try:
        decoded = decode_body(answer.body, answer.header("Content-Encoding"), limit_bytes)
    except PageError as problem:
        return Listing(problem=(problem.kind, str(problem)))
    try:
        listing = _listing(decoded.data, lead, answer, source)
    except NewsarkError as problem:
        return Listing(problem=(getattr(problem, "kind", "unreadable"), str(problem)))

    if b"<!ENTITY" in decoded.data[:DOCTYPE_BYTES]:
        listing.notes.insert(0, Note("entities-declared", "it declares entities; they are never expanded"))
    return listing


def _listing(data: bytes, lead: Lead, answer: Answer, source: Source) -> Listing:
    from crawler.feeds import parse_feed
    from crawler.sitemaps import SitemapLimits, parse_sitemap

    if lead.kind == FEED:
        return _from_feed(parse_feed(data, answer.header("Content-Type"), answer.url), lead, source)
    return _from_sitemap(parse_sitemap(data, answer.url, SitemapLimits()), lead, source)


def _from_feed(feed: Feed, lead: Lead, source: Source) -> Listing:
    listing = Listing(
        notes=[Note("list-doubtful", problem) for problem in feed.problems], kind=feed.kind, title=feed.title
    )
    for entry in feed.entries:
        hints = _hints(
            title=entry.title,
            published=entry.published,
            updated=entry.updated,
            author=entry.author,
            description=(entry.summary or "")[:MAX_SUMMARY_CHARS] or None,
        )
        found = article_lead(entry.url, lead, source, "feed", hints, entry.published or entry.updated)
        if found is not None:
            listing.found.append(found)
    return listing


def _from_sitemap(sitemap: Sitemap, lead: Lead, source: Source) -> Listing:
    listing = Listing(notes=[Note("list-doubtful", problem) for problem in sitemap.problems], kind=sitemap.kind)
    for entry in sitemap.entries:
        is_news = entry.news_title is not None or entry.news_date is not None
        hints = _hints(title=entry.news_title, published=entry.news_date, lastmod=entry.lastmod)
        method = "news-sitemap" if is_news else "sitemap"
        found = article_lead(entry.url, lead, source, method, hints, entry.news_date or entry.lastmod)
        if found is not None:
            listing.found.append(found)
    listing.found += _children((url for url, _ in sitemap.children), lead, listing.notes)
    return listing


def _children(urls: Iterable[str], lead: Lead, notes: list[Note]) -> list[NewLead]:
    children: list[NewLead] = []
    own = lead_identity(normalise(lead.url))
    for url in urls:
        identity = lead_identity(normalise(url))
        if identity == own:
            notes.append(Note("sitemap-lists-itself", f"{url} names itself; it is read once"))
        elif lead.depth + 1 >= MAX_SITEMAP_DEPTH:
            too_deep = f"{url} would be level {lead.depth + 2}; {MAX_SITEMAP_DEPTH} are read"
            notes.append(Note("sitemap-too-deep", too_deep))
        else:
            children.append(
                NewLead(
                    url=url,
                    identity=identity,
                    kind=SITEMAP,
                    priority=priority_of(SITEMAP, "news-sitemap" if "news" in url else None),
                    via=lead.url,
                    method="sitemap",
                    depth=lead.depth + 1,
                )
            )
    return children


def article_lead(
    url: str, lead: Lead, source: Source, method: str, hints: dict[str, str], date: str | None
) -> NewLead | None:
    """The lead for a URL that a list names, refused with the rule where it is out of scope; None for no URL."""
    try:
        identity = lead_identity(normalise(url))
    except (NewsarkError, ValueError):
        return None
    try:
        verdict = source.in_scope(url)
        refusal = None if verdict.inside else f"scope: {verdict.rule}"
    except Refused as problem:
        refusal = f"{problem.rule}: {problem.problem}"
    return NewLead(
        url=url,
        identity=identity,
        kind=ARTICLE,
        priority=priority_of(ARTICLE, method),
        via=lead.url,
        method=method,
        depth=lead.depth + 1,
        rank=newest_first(date),
        hints=hints,
        refusal=refusal,
    )


def newest_first(date: str | None) -> int:
    """A rank that puts newer articles first: minus the epoch seconds, or 0 when the date is unknown."""
    if not date:
        return 0
    try:
        return -int(datetime.fromisoformat(date).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0


def _hints(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
