"""A crawl of several sources in one process: each with its own Scrapy crawler, all with one archive and one pool."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings

from crawler import settings as crawl_settings
from crawler.keeper import STORAGE_PROBLEMS
from crawler.progress import Progress
from crawler.report import SourceReport, source_report
from crawler.services import Services
from crawler.source import Source, dump_source
from crawler.spiders.newsroom import NewsroomSpider
from storage.errors import SourceBusy
from storage.runs import Runs

logger = logging.getLogger(__name__)
T = TypeVar("T")

SOURCES_AT_ONCE = 4
LEASE_SECONDS = 120.0


@dataclass(slots=True)
class Errand:
    """One source to crawl. `extra` are further lists to visit, as (kind, url); `file` is the text of its file."""

    source: Source
    extra: tuple[tuple[str, str], ...] = ()
    file: str | None = None
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.source.id)


def run_in_reactor(main: Callable[[AsyncCrawlerProcess], Awaitable[T]]) -> T:
    """The result of `main`, run on Scrapy's asyncio reactor. Once per process: a reactor cannot start again."""
    process = AsyncCrawlerProcess(_scrapy_settings())
    from twisted.internet import reactor

    async def run() -> T:
        return await main(process)

    task = asyncio.get_event_loop().create_task(run())
    task.add_done_callback(lambda _: reactor.stop())  # type: ignore[attr-defined,misc,unused-ignore]
    process.start(stop_after_crawl=False, install_signal_handlers=False)
    return task.result()


def _scrapy_settings() -> Settings:
    loaded = Settings()
    loaded.setmodule(crawl_settings, priority="project")
    loaded.set("LOG_INSTALL_ROOT_HANDLER", False, priority="cmdline")
    return loaded


async def crawl_all(process: AsyncCrawlerProcess, services: Services, errands: Sequence[Errand]) -> list[SourceReport]:
    """Crawl every errand's source until nothing is due, and report each, in the order given.

    SIGINT and SIGTERM end the crawls cleanly; a second one ends the process at once, which loses nothing either.
    """
    slots = asyncio.Semaphore(SOURCES_AT_ONCE)

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
        services.stopping.set()

    async def one(errand: Errand) -> SourceReport:
        async with slots:
            if services.stopping.is_set():
                return _unfinished(errand, "interrupted", "the crawl was stopped before this source's turn")
            try:
                return await _crawl_one(process, services, errand)
            except SourceBusy as problem:
                return _unfinished(errand, "busy", str(problem))
            except STORAGE_PROBLEMS as problem:
                return _unfinished(errand, "storage", f"{type(problem).__name__}: {problem}")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return list(await asyncio.gather(*(one(errand) for errand in errands)))


def _unfinished(errand: Errand, reason: str, detail: str) -> SourceReport:
    problem = {"state": "failed", "reason": reason, "count": 1, "kind": "source", "url": errand.source.home}
    return SourceReport(errand.source.id, errand.source.name, outcome=reason, problems=[problem | {"detail": detail}])


async def _crawl_one(process: AsyncCrawlerProcess, services: Services, errand: Errand) -> SourceReport:
    source, keeper = errand.source, services.keeper
    archive = keeper.archive
    text = errand.file or dump_source(source)
    await keeper.run(archive.enlist, source.id, name=source.name, home=source.home, toml=text)
    await keeper.run(archive.own, source.id, LEASE_SECONDS)
    renewing = asyncio.create_task(_renew(services, source.id))
    try:
        run_id = await keeper.run(_begin_run, services, source.id)
        await keeper.run(archive.recover, source.id)
        crawler = crawler_for(source)
        await process.crawl(crawler, source=source, services=services, progress=errand.progress, extra=errand.extra)
        await keeper.run(archive.seal, source.id)
        report = await keeper.run(source_report, archive, source.id, source.name)
        assert isinstance(crawler.spider, NewsroomSpider)
        _complete(report, crawler.spider, errand.progress)
        await keeper.run(_end_run, services, run_id, report)
        return report
    finally:
        renewing.cancel()
        # A lease that cannot be given back ends by itself.
        with contextlib.suppress(*STORAGE_PROBLEMS):
            await keeper.run(archive.disown, source.id)


def crawler_for(source: Source) -> Crawler:
    """A Scrapy crawler for one source, with the source's own concurrency."""
    own = _scrapy_settings()
    own.set("CONCURRENT_REQUESTS_PER_DOMAIN", source.max_concurrency, priority="spider")
    return Crawler(NewsroomSpider, own)


async def _renew(services: Services, source_id: str) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        with contextlib.suppress(*STORAGE_PROBLEMS):
            await services.keeper.run(services.keeper.archive.own, source_id, LEASE_SECONDS)


def _begin_run(services: Services, source_id: str) -> int:
    with services.keeper.archive.catalogue.begin() as connection:
        return Runs(connection, source_id).begin(services.clock())


def _end_run(services: Services, run_id: int, report: SourceReport) -> None:
    with services.keeper.archive.catalogue.begin() as connection:
        Runs(connection, report.id).end(run_id, services.clock(), report.outcome, report.run, report.problems)


def _complete(report: SourceReport, spider: NewsroomSpider, progress: Progress) -> None:
    """Add what only this run knows: its counts, its own problems, how it ended."""
    report.run = {
        "requests": progress.requests,
        "received_bytes": progress.received_bytes,
        "leads_found": progress.found,
        **{f"leads_{state}": count for state, count in sorted(progress.visited.items())},
    }
    for problem in spider.problems:
        report.problems.insert(
            0,
            {
                "state": "refused" if problem.refused else "failed",
                "reason": problem.kind,
                "count": 1,
                "kind": "source",
                "url": spider.source.home,
                "detail": problem.detail,
            },
        )
    if spider.failed is not None:
        report.outcome = spider.failed
    elif spider.stopping:
        report.outcome = "interrupted"
    elif not report.leads.get("known"):
        report.outcome = "nothing-found"
