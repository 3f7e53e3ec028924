"""Step 1, discover: what names a newsroom's articles. Feeds, then sitemaps; sections only where there is neither."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import DownloadFailedError, IgnoreRequest

from crawler.kinds import FEED, SECTION, SITEMAP, priority_of
from crawler.links import FEED_PATHS, SITEMAP_PATHS, normalise
from crawler.listing import Listing, read_listing
from crawler.visit import Answer, Problem
from crawler.weburl import resolve
from pipelines.page import PageInput
from storage.errors import NewsarkError, Refused
from storage.leads import Lead, Leads, NewLead, lead_identity

if TYPE_CHECKING:
    from crawler.spiders.newsroom import NewsroomSpider
    from pipelines.read import Reading

ENOUGH_FEEDS = 25


@dataclass(slots=True)
class Found:
    """One place that lists articles: what it is, who named it, and what it yields now."""

    kind: str
    url: str
    via: str
    entries: int = 0
    title: str | None = None
    newest: str | None = None
    problem: str | None = None


@dataclass(slots=True)
class Discovery:
    """Everything found for one newsroom, and what went wrong on the way."""

    home: str
    feeds: list[Found] = field(default_factory=list)
    sitemaps: list[Found] = field(default_factory=list)
    sections: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    title: str | None = None
    language: str | None = None

    @property
    def all(self) -> list[Found]:
        """Feeds, sitemaps and sections in this order."""
        return [*self.feeds, *self.sitemaps, *self.sections]


async def seed(spider: NewsroomSpider) -> None:
    """Put the source's feeds, sitemaps and sections into the catalogue, listed ones and found ones."""
    source = spider.source
    await spider.prepare_leads()
    listed = [
        *(Found(FEED, url, "source file") for url in source.feeds),
        *(Found(SITEMAP, url, "source file") for url in source.sitemaps),
        *(Found(SECTION, url, "source file") for url in source.sections),
        *(Found(kind, url, "command line") for kind, url in spider.extra),
    ]
    if source.discover == "auto":
        spider.progress.doing = "looking for feeds and sitemaps"
        found = await discover(spider)
        spider.problems += found.problems
        listed += found.all
    leads = [lead_for(one) for one in listed]
    now = spider.services.clock()

    def add(table: Leads) -> int:
        return table.add(leads, now)

    spider.progress.found += await spider.with_leads(add)


def lead_for(found: Found) -> NewLead:
    """The lead of a place that lists articles."""
    return NewLead(
        url=found.url,
        identity=lead_identity(normalise(found.url)),
        kind=found.kind,
        priority=priority_of(found.kind, "news-sitemap" if found.kind == SITEMAP and "news" in found.url else None),
        via=found.via,
        method="discovery",
    )


async def discover(spider: NewsroomSpider) -> Discovery:
    """What names the newsroom's articles: robots.txt and link tags first, common paths where these are silent.

    Every request is archived. A home page that cannot be read is a problem, and robots.txt and the common paths are
    tried all the same.
    """
    source = spider.source
    discovery = Discovery(source.home)
    home = await _home(spider, discovery)
    await _feeds(spider, discovery, home)
    await _sitemaps(spider, discovery)
    if not discovery.feeds and not discovery.sitemaps:
        discovery.sections = [Found(SECTION, source.home, "home page", len(home.links) if home else 0)]
    return discovery


async def _home(spider: NewsroomSpider, discovery: Discovery) -> Reading | None:
    answer = await fetch(spider, spider.source.home, discovery.problems)
    if answer is None:
        return None
    page = PageInput(url=answer.url, body=answer.body, headers=answer.headers, status=answer.status, fetched_at=None)
    reading: Reading = await asyncio.wrap_future(spider.services.pool.submit(page))
    if reading.kind == "unreadable":
        discovery.problems.append(Problem("home-unreadable", reading.reason or ""))
    return reading


async def _feeds(spider: NewsroomSpider, discovery: Discovery, home: Reading | None) -> None:
    named = [] if home is None else list(home.feed_links)
    for url in named[:ENOUGH_FEEDS]:
        discovery.feeds.append(Found(FEED, url, "link tag"))
    if named:
        return
    for path in FEED_PATHS:
        url = str(resolve(spider.source.home, path))
        listing = await try_listing(spider, FEED, url)
        if listing is not None and listing.found:
            discovery.feeds.append(_yielding(FEED, url, "common path", listing))
            return


async def _sitemaps(spider: NewsroomSpider, discovery: Discovery) -> None:
    answer = await spider.robots.answer_for(spider.source.home)
    if answer.verdict == "disallow-all":
        discovery.problems.append(Problem("robots-unreachable", answer.reason, refused=True))
        return
    for url in dict.fromkeys(answer.sitemaps):
        if spider.source.on_site(url).inside:
            discovery.sitemaps.append(Found(SITEMAP, url, "robots.txt"))
    if discovery.sitemaps:
        return
    for path in SITEMAP_PATHS:
        url = str(resolve(spider.source.home, path))
        listing = await try_listing(spider, SITEMAP, url)
        if listing is not None and listing.found:
            discovery.sitemaps.append(_yielding(SITEMAP, url, "common path", listing))
            return


def _yielding(kind: str, url: str, via: str, listing: Listing) -> Found:
    dates = [value for lead in listing.found for key, value in lead.hints.items() if key in ("published", "lastmod")]
    return Found(kind, url, via, len(listing.found), listing.title, max(dates, default=None))


async def yield_of(spider: NewsroomSpider, found: Found) -> Found:
    """The same place with what it yields now, or with its problem."""
    problems: list[Problem] = []
    answer = await fetch(spider, found.url, problems)
    if answer is None:
        found.problem = problems[-1].detail if problems else "no answer"
        return found
    if found.kind == SECTION:
        return found
    listing = await _read(spider, found.kind, found.url, answer)
    if listing.problem is not None:
        found.problem = listing.problem[1]
        return found
    return _yielding(found.kind, found.url, found.via, listing)


async def try_listing(spider: NewsroomSpider, kind: str, url: str) -> Listing | None:
    """The listing at a guessed URL, or None; a guess that misses is no problem of the source."""
    answer = await fetch(spider, url, [])
    if answer is None:
        return None
    listing = await _read(spider, kind, url, answer)
    return None if listing.problem is not None else listing


async def _read(spider: NewsroomSpider, kind: str, url: str, answer: Answer) -> Listing:
    lead = Lead(0, url, kind, None, None, 0, {}, 0, None, None, None, None)
    limit = 4 * spider.services.options.wire.max_body_bytes
    call = spider.services.pool.call(read_listing, lead, answer, spider.source, limit)
    try:
        return await asyncio.wrap_future(call)
    except NewsarkError as problem:
        return Listing(problem=("unreadable", str(problem)))


async def fetch(spider: NewsroomSpider, url: str, problems: list[Problem]) -> Answer | None:
    """A 2xx answer for a URL that is no lead yet, or None and the problem."""
    assert spider.crawler.engine is not None
    request = Request(url, headers=spider.headers, meta={"any_host": True, "via": spider.source.home}, dont_filter=True)
    try:
        response = await spider.crawler.engine.download_async(request)
    except (DownloadFailedError, IgnoreRequest, Refused) as problem:
        kind = getattr(problem, "kind", None) or getattr(problem, "rule", "unreachable")
        problems.append(Problem(str(kind), f"{url}: {problem}", refused=isinstance(problem, Refused)))
        return None
    assert response.request is not None
    exchange = response.request.meta["exchange"]
    if not 200 <= response.status < 300:
        problems.append(Problem(f"http-{response.status}", f"{url} answered {response.status}"))
        return None
    return Answer(
        url=response.url,
        status=response.status,
        headers=tuple(exchange.headers),
        body=exchange.body,
        capture=response.request.meta["capture"],
        truncated=exchange.truncated,
        truncated_detail=exchange.truncated_detail,
        tls_verified=exchange.tls.verified if exchange.tls is not None else None,
    )
