"""A survey: what a source's feeds, sitemaps and sections yield now. Archived like a crawl, but it adds no leads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from scrapy.crawler import AsyncCrawlerProcess

from crawler.discovery import Discovery, Found, discover, yield_of
from crawler.kinds import FEED, SECTION, SITEMAP
from crawler.run import LEASE_SECONDS, SOURCES_AT_ONCE, crawler_for
from crawler.services import Services
from crawler.source import Source
from crawler.spiders.newsroom import NewsroomSpider
from crawler.visit import Problem
from storage.errors import SourceBusy


async def survey_all(
    process: AsyncCrawlerProcess, services: Services, sources: Sequence[tuple[Source, str]]
) -> list[Discovery]:
    """What was found for each of the sources, given with the text of its file, in order; a few are done at once.

    A source that another process works on is a problem of its own.
    """
    slots = asyncio.Semaphore(SOURCES_AT_ONCE)

    async def one(source: Source, text: str) -> Discovery:
        async with slots:
            try:
                return await _survey(process, services, source, text)
            except SourceBusy as problem:
                return Discovery(source.home, problems=[Problem("busy", str(problem))])

    return list(await asyncio.gather(*(one(source, text) for source, text in sources)))


async def _survey(process: AsyncCrawlerProcess, services: Services, source: Source, text: str) -> Discovery:
    keeper = services.keeper
    archive = keeper.archive
    await keeper.run(archive.enlist, source.id, name=source.name, home=source.home, toml=text)
    await keeper.run(archive.own, source.id, LEASE_SECONDS)
    found: list[Discovery] = []

    async def look(spider: NewsroomSpider) -> None:
        found.append(await _look(spider))

    crawler = crawler_for(source)
    try:
        await keeper.run(archive.recover, source.id)
        await process.crawl(crawler, source=source, services=services, task=look)
        await keeper.run(archive.seal, source.id)
    finally:
        await keeper.run(archive.disown, source.id)
    if found:
        return found[0]
    detail = getattr(crawler.spider, "failed", None) or "looking ended early"
    return Discovery(source.home, problems=[Problem("internal-error", detail)])


async def _look(spider: NewsroomSpider) -> Discovery:
    source = spider.source
    found = await discover(spider) if source.discover == "auto" else Discovery(source.home)
    _add_listed(found.feeds, FEED, source.feeds)
    _add_listed(found.sitemaps, SITEMAP, source.sitemaps)
    _add_listed(found.sections, SECTION, source.sections)
    for place in found.all:
        if not place.yields and place.problem is None:
            await yield_of(spider, place)
    return found


def _add_listed(places: list[Found], kind: str, urls: Sequence[str]) -> None:
    known = {place.url for place in places}
    places += [Found(kind, url, "source file") for url in urls if url not in known]
