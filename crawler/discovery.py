"""Step 1, discover: what names a newsroom's articles. Feeds, then sitemaps; sections only where there is neither."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import DownloadFailedError, IgnoreRequest
from sqlalchemy import update

from crawler.archivepages import calendar_pages
from crawler.handler import FetchFailed
from crawler.kinds import ARTICLE, ARTICLE_PRIORITY, FEED, SECTION, SITEMAP, priority_of
from crawler.links import FEED_PATHS, SITEMAP_PATHS, normalise
from crawler.listing import Listing, read_listing
from crawler.manners import HostHeld
from crawler.pagelinks import leads_from_page
from crawler.problem import problem_from
from crawler.visit import Answer, Problem
from crawler.weburl import parse_web_url, resolve
from pipelines.article import WITH_TEXT
from pipelines.page import PageInput
from storage.catalogue import READY
from storage.catalogue import leads as leads_table
from storage.errors import NewsarkError, Refused
from storage.lead import Lead, NewLead, lead_identity
from storage.leads import Leads

if TYPE_CHECKING:
    from crawler.spiders.newsroom import NewsroomSpider
    from pipelines.reading import Reading

ENOUGH_FEEDS = 25
ENOUGH_ARTICLES = 200


@dataclass(slots=True)
class Found:
    """One place that lists articles: what it is, who named it, and what it yields now.

    `entries` counts articles, `lists` further sitemaps or sections; both are 0 until the place was looked at.
    """

    kind: str
    url: str
    via: str
    entries: int = 0
    lists: int = 0
    title: str | None = None
    newest: str | None = None
    problem: str | None = None

    @property
    def yields(self) -> bool:
        """Whether it was looked at and names something."""
        return self.problem is None and self.entries + self.lists > 0


@dataclass(slots=True)
class Discovery:
    """Everything found for one newsroom, and what went wrong on the way. `home` is the address that answered."""

    home: str
    feeds: list[Found] = field(default_factory=list)
    sitemaps: list[Found] = field(default_factory=list)
    sections: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    title: str | None = None

    @property
    def all(self) -> list[Found]:
        """Feeds, sitemaps and sections in this order."""
        return [*self.feeds, *self.sitemaps, *self.sections]


async def seed(spider: NewsroomSpider) -> None:
    """Put the source's feeds, sitemaps and sections into the catalogue, listed ones and found ones.

    Places that were named for this run are visited first. When they are articles, feeds or sitemaps, nothing is
    looked for, and no other list is visited unless `again` asks for everything: they are what was asked for.
    """
    named = [await look_at(spider, url) for _, url in spider.extra]
    is_broad = not named or any(place.kind == SECTION for place in named)
    if is_broad or spider.services.options.again:
        await spider.prepare_leads()
    listed = [*named, *await _seek(spider)] if is_broad else named
    leads = [lead for one in listed if (lead := _lead_or_problem(one, spider.problems)) is not None]
    asked = {lead_for(one).identity for one in named}
    now = spider.services.clock()

    def add(table: Leads) -> int:
        table.reclaim()
        added = table.add(leads, now)
        _ready(table, asked)
        return added

    spider.progress.found += await spider.with_leads(add)


async def _seek(spider: NewsroomSpider) -> list[Found]:
    """The places that the source file lists, and those that are found now."""
    source = spider.source
    listed = [
        *(Found(FEED, url, "source file") for url in source.feeds),
        *(Found(SITEMAP, url, "source file") for url in source.sitemaps),
        *(Found(SECTION, url, "source file") for url in source.sections),
    ]
    if source.discover == "auto":
        spider.progress.doing = "looking for feeds and sitemaps"
        found = await discover(spider)
        spider.problems += found.problems
        listed += found.all
    elif spider.services.options.sweep:
        listed += [Found(SECTION, source.home, "home page"), *await _calendars(spider)]
    return listed


def _ready(table: Leads, identities: Collection[str]) -> None:
    """Make these leads ready, due or not: somebody asked for them by their address."""
    query = (
        update(leads_table)
        .where(leads_table.c.source_id == table.source_id, leads_table.c.identity.in_(list(identities)))
        .values(queue=READY, next_due=None, attempts=0)
    )
    if identities:
        table.connection.execute(query)


def _lead_or_problem(found: Found, problems: list[Problem]) -> NewLead | None:
    try:
        return lead_for(found)
    except Refused as problem:
        problems.append(Problem(problem.rule, f"{found.via}: {problem}", refused=True))
        return None


def lead_for(found: Found) -> NewLead:
    """The lead of a place that lists articles, or of an article that was named itself. Raises Refused."""
    return NewLead(
        url=found.url,
        identity=lead_identity(normalise(found.url)),
        kind=found.kind,
        # An article that somebody asks for comes before those that lists name.
        priority=ARTICLE_PRIORITY - 1
        if found.kind == ARTICLE
        else priority_of(found.kind, "news-sitemap" if found.kind == SITEMAP and "news" in found.url else None),
        via=found.via,
        method="discovery",
    )


async def discover(spider: NewsroomSpider) -> Discovery:
    """What names the newsroom's articles: robots.txt and link tags first, common paths where these are silent.

    The home page itself is a section to start from where no feed and no sitemap yields anything. Every request is
    archived. A home page that cannot be read is a problem, and robots.txt and the common paths are tried all the same.
    """
    source = spider.source
    discovery = Discovery(source.home)
    try:
        robots = await spider.robots.answer_for(source.home)
    except (Refused, HostHeld, FetchFailed) as problem:
        return _nowhere(discovery, problem_from(problem))
    if robots.verdict == "disallow-all" and source.robots == "obey":
        return _nowhere(discovery, Problem("robots-unreachable", robots.reason, refused=True))
    home = await _home(spider, discovery)
    await _feeds(spider, discovery, home)
    await _sitemaps(spider, discovery, robots.sitemaps)
    if spider.services.options.sweep:
        discovery.sections = [_section(spider, source.home, "home page", home), *await _calendars(spider)]
    elif not await _lists_named_articles(spider) and not await _any_yields(
        spider, [*discovery.feeds, *discovery.sitemaps]
    ):
        discovery.sections = [_section(spider, source.home, "home page", home)]
        if home is not None and home.kind == "empty" and not discovery.sections[0].yields:
            discovery.problems.append(Problem("home-empty", home.reason or ""))
    return discovery


async def _calendars(spider: NewsroomSpider) -> list[Found]:
    """The calendar pages of today that there are, guessed by the addresses of articles that are known."""
    known = await spider.with_leads(lambda leads: leads.newest_articles(ENOUGH_ARTICLES))
    pages = calendar_pages(known, spider.services.clock().date())
    found = [await yield_of(spider, Found(SECTION, url, "calendar")) for url in pages]
    return [one for one in found if one.yields]


def _nowhere(discovery: Discovery, problem: Problem) -> Discovery:
    """Nothing can be looked at; the home page is left as the place to begin another time."""
    discovery.problems.append(problem)
    discovery.sections = [Found(SECTION, discovery.home, "home page", problem=problem.detail)]
    return discovery


async def _home(spider: NewsroomSpider, discovery: Discovery) -> Reading | None:
    answer = await fetch(spider, spider.source.home, discovery.problems)
    if answer is None:
        return None
    if not spider.source.on_site(answer.url).inside:
        detail = f"it leads to {answer.url}, which is another site"
        discovery.problems.append(Problem("home-moved", detail))
        return None
    discovery.home = answer.url
    reading = await _read_page(spider, answer)
    if not _is_page(reading):
        discovery.problems.append(Problem(f"home-{reading.kind}", reading.reason or "; ".join(reading.evidence)))
    publisher = (reading.article or {}).get("publisher") or {}
    discovery.title = publisher.get("name")
    return reading


async def _feeds(spider: NewsroomSpider, discovery: Discovery, home: Reading | None) -> None:
    named = [] if home is None else list(home.feed_links)
    for url in named[:ENOUGH_FEEDS]:
        discovery.feeds.append(Found(FEED, url, "link tag"))
    if not named:
        discovery.feeds += await _guess(spider, FEED, FEED_PATHS)


async def _sitemaps(spider: NewsroomSpider, discovery: Discovery, named: Sequence[str]) -> None:
    for url in dict.fromkeys(named):
        if spider.source.on_site(url).inside:
            discovery.sitemaps.append(Found(SITEMAP, url, "robots.txt"))
    if not discovery.sitemaps:
        discovery.sitemaps += await _guess(spider, SITEMAP, SITEMAP_PATHS)


async def _guess(spider: NewsroomSpider, kind: str, paths: Sequence[str]) -> list[Found]:
    """The first of the common paths that yields something; one that misses is no problem of the source."""
    for path in paths:
        found = await yield_of(spider, Found(kind, str(resolve(spider.source.home, path)), "common path"))
        if found.yields:
            return [found]
    return []


async def _lists_named_articles(spider: NewsroomSpider) -> bool:
    """Whether a feed or sitemap named articles in an earlier crawl: then none is asked only to see what it yields."""
    return await spider.with_leads(lambda leads: leads.are_found_by(ARTICLE, ("feed", "sitemap", "news-sitemap")))


async def _any_yields(spider: NewsroomSpider, places: Sequence[Found]) -> bool:
    """Whether one of them names anything; they are looked at in turn until one does."""
    for place in places:
        if place.yields or (await yield_of(spider, place)).yields:
            return True
    return False


async def look_at(spider: NewsroomSpider, url: str) -> Found:
    """A URL that somebody named, as the feed, sitemap, section or article that it is.

    One that does not answer, or may not be visited, counts as an article: the visit of its lead says why.
    """
    spider.progress.doing = url
    answer = await fetch(spider, url, [])
    if answer is None:
        return Found(ARTICLE, url, "command line")
    for kind in (FEED, SITEMAP):
        if (await _read_list(spider, kind, url, answer)).problem is None:
            return Found(kind, url, "command line")
    reading = await _read_page(spider, answer)
    links = leads_from_page(reading.links, _lead(url, SECTION), spider.source)
    is_list = reading.kind not in WITH_TEXT and any(link.kind == ARTICLE for link in links)
    return Found(SECTION if is_list else ARTICLE, url, "command line")


async def yield_of(spider: NewsroomSpider, found: Found) -> Found:
    """The same place, filled in with what it yields now, or with its problem."""
    problems: list[Problem] = []
    answer = await fetch(spider, found.url, problems)
    if answer is None:
        found.problem = problems[-1].detail if problems else "no answer"
    elif found.kind == SECTION:
        reading = await _read_page(spider, answer)
        _count(found, leads_from_page(reading.links, _lead(found.url, SECTION), spider.source))
        found.problem = None if _is_page(reading) else reading.reason
    else:
        listing = await _read_list(spider, found.kind, found.url, answer)
        found.title, found.problem = listing.title, listing.problem[1] if listing.problem else None
        _count(found, listing.found)
    return found


def _is_page(reading: Reading) -> bool:
    """Whether this is a page to find links on, whatever its text is: not a file, and no challenge in its place."""
    return reading.article is not None and reading.kind != "challenge"


def _section(spider: NewsroomSpider, url: str, via: str, page: Reading | None) -> Found:
    found = Found(SECTION, url, via)
    if page is not None:
        _count(found, leads_from_page(page.links, _lead(url, SECTION), spider.source))
    return found


def _count(found: Found, leads: Sequence[NewLead]) -> None:
    found.entries = sum(lead.kind == ARTICLE for lead in leads)
    found.lists = len(leads) - found.entries
    dates = [value for lead in leads for key, value in lead.hints.items() if key in ("published", "lastmod")]
    found.newest = max(dates, default=None)


async def _read_page(spider: NewsroomSpider, answer: Answer) -> Reading:
    page = PageInput(url=answer.url, body=answer.body, headers=answer.headers, status=answer.status)
    return await spider.reading(spider.services.pool.submit(page))


async def _read_list(spider: NewsroomSpider, kind: str, url: str, answer: Answer) -> Listing:
    limit = 4 * spider.services.options.wire.max_body_bytes
    call = spider.services.pool.call(read_listing, _lead(url, kind), answer, spider.source, limit)
    try:
        return await spider.reading(call)
    except NewsarkError as problem:
        return Listing(problem=("unreadable", str(problem)))


def _lead(url: str, kind: str) -> Lead:
    """A lead for the readers' sake: the URL is none yet."""
    return Lead(0, url, kind, None, None, 0, {}, 0, None, None, None, None)


async def fetch(spider: NewsroomSpider, url: str, problems: list[Problem]) -> Answer | None:
    """A 2xx answer for a URL that is no lead yet, or None and the problem. Raises Stopped."""
    assert spider.crawler.engine is not None
    meta = {"any_host": True, "via": spider.source.home}
    try:
        request = Request(str(parse_web_url(url)), headers=spider.headers, meta=meta, dont_filter=True)
        response = await spider.crawler.engine.download_async(request)
    except (DownloadFailedError, IgnoreRequest, Refused, HostHeld) as problem:
        problems.append(problem_from(problem))
        return None
    assert response.request is not None
    exchange = response.request.meta["exchange"]
    if not 200 <= response.status < 300:
        problems.append(Problem(f"http-{response.status}", f"the server answered {response.status}"))
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
