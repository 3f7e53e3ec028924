"""A crawl of several sources in one process: each with its own Scrapy crawler, all with one archive and one pool."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings

from crawler import settings as crawl_settings
from crawler.keeper import STORAGE_PROBLEMS, Stopped
from crawler.progress import Progress
from crawler.report import SourceReport, source_report
from crawler.services import Services
from crawler.source import Source, dump_source
from crawler.spiders.newsroom import NewsroomSpider
from crawler.visit import Problem
from storage.errors import SourceBusy
from storage.events import RunBegan, RunEnded
from storage.log import Log, about_source
from storage.lostsegment import REASON
from storage.runs import Runs
from storage.settling import Settlement
from storage.takeover import left_elsewhere, take_over

log = Log(__name__)
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
    task.add_done_callback(lambda _: reactor.stop())  # type: ignore[attr-defined,misc,unused-ignore]  # Twisted publishes it as a module
    process.start(stop_after_crawl=False, install_signal_handlers=False)
    return task.result()


def _scrapy_settings() -> Settings:
    loaded = Settings()
    loaded.setmodule(crawl_settings, priority="project")
    loaded.set("LOG_INSTALL_ROOT_HANDLER", False, priority="cmdline")
    return loaded


async def crawl_all(process: AsyncCrawlerProcess, services: Services, errands: Sequence[Errand]) -> list[SourceReport]:
    """Crawl every errand's source until nothing is due, and report each, in the order given.

    SIGINT and SIGTERM end the crawls cleanly; a second one, or one that comes later, is what it is without a crawl.
    """
    # a watch never ends, so that no source may wait for another's turn
    slots = asyncio.Semaphore(max(1, len(errands)) if services.options.watch else SOURCES_AT_ONCE)

    def stop() -> None:
        forget()
        services.stopping.set()

    def forget() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    async def one(errand: Errand) -> SourceReport:
        async with slots:
            return await crawl_source(process, services, errand)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return list(await asyncio.gather(*(one(errand) for errand in errands)))
    finally:
        forget()
        await services.browsers.close()


async def crawl_source(process: AsyncCrawlerProcess, services: Services, errand: Errand) -> SourceReport:
    """Crawl one source until nothing is due, and report; whatever ends it before is the report's outcome."""
    if services.stopping.is_set():
        return unfinished(errand, "interrupted", "the crawl was stopped before this source's turn")
    try:
        with about_source(errand.source.id):
            return await _crawl_one(process, services, errand)
    except SourceBusy as problem:
        return unfinished(errand, "busy", str(problem))
    except STORAGE_PROBLEMS as problem:
        return unfinished(errand, "storage", services.keeper.told(problem))


def unfinished(errand: Errand, reason: str, detail: str) -> SourceReport:
    """The report of a source that was not crawled to its end, for that reason."""
    source = errand.source
    return SourceReport(source.id, source.name, outcome=reason, problems=[_problem(source, Problem(reason, detail))])


async def _crawl_one(process: AsyncCrawlerProcess, services: Services, errand: Errand) -> SourceReport:
    source, keeper = errand.source, services.keeper
    archive = keeper.archive
    text = errand.file or dump_source(source)
    await keeper.run(archive.enlist, source.id, name=source.name, home=source.home, toml=text)
    await keeper.run(archive.own, source.id, LEASE_SECONDS)
    crawler = crawler_for(source)
    renewing = asyncio.create_task(_renew(services, source.id, crawler))
    try:
        await keeper.run(archive.recover, source.id)
        lost = await _take_over(services, source)
        began = services.clock()
        await keeper.run(archive.settle, source.id, Settlement(runs=[RunBegan(began)]))
        log.info("source-began", home=source.home)
        await process.crawl(crawler, source=source, services=services, progress=errand.progress, extra=errand.extra)
        assert isinstance(crawler.spider, NewsroomSpider)
        with contextlib.suppress(Stopped):
            await crawler.spider.budget.close()
        told = await _end_run(crawler.spider, errand.progress, began)
        await _seal(crawler.spider)
        report = await _report(crawler.spider, errand.progress)
        report.problems[:0] = lost
        if told != report.outcome:
            await _correct_run(services, began, report)
        log.info("source-ended", outcome=report.outcome, **report.run)
        return report
    finally:
        renewing.cancel()
        # A lease that cannot be given back ends by itself.
        with contextlib.suppress(*STORAGE_PROBLEMS):
            await keeper.run(archive.disown, source.id)


async def _take_over(services: Services, source: Source) -> list[dict[str, Any]]:
    """Give up what lay on machines of a cluster that are gone; as problems of the source, if it was anything."""
    if services.living is None:
        for host, count in (await services.keeper.run(left_elsewhere, services.keeper.archive, source.id)).items():
            sentence = f"{source.id}: {count} segments lie on the disk of {host} and in no store yet"
            cure = "crawl there to send them; if it is gone for good, newsark crawl --cluster local gives them up"
            log.warning("segments-elsewhere", f"{sentence}; {cure}", host=host, segments=count)
        return []
    gone = await services.keeper.run(take_over, services.keeper.archive, source.id, services.living)
    if not gone.segments:
        return []
    detail = f"{gone.captures} captures lay on a machine that is gone; they come back with its disk"
    return [_problem(source, Problem(REASON, detail))]


async def _seal(spider: NewsroomSpider) -> None:
    """Seal the segment; where that cannot be stored the next crawl does it, and the report says so."""
    with contextlib.suppress(Stopped):
        await spider.store(spider.services.keeper.archive.seal, spider.source.id)


def crawler_for(source: Source) -> Crawler:
    """A Scrapy crawler for one source, with the source's own concurrency."""
    own = _scrapy_settings()
    own.set("CONCURRENT_REQUESTS_PER_DOMAIN", source.max_concurrency, priority="spider")
    return Crawler(NewsroomSpider, own)


async def _renew(services: Services, source_id: str, crawler: Crawler) -> None:
    """Keep the lease on a source; end its crawl when another process has it, as after this one slept."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            await services.keeper.run(services.keeper.archive.own, source_id, LEASE_SECONDS)
        except STORAGE_PROBLEMS as problem:
            why = services.keeper.told(problem)
            log.warning("lease-not-renewed", f"the lease on {source_id} is not renewed: {why}", source=source_id)
        except SourceBusy as problem:
            if isinstance(crawler.spider, NewsroomSpider):
                crawler.spider.fail("busy", str(problem))


async def _report(spider: NewsroomSpider, progress: Progress) -> SourceReport:
    keeper, source = spider.services.keeper, spider.source
    report = await keeper.run(source_report, keeper.archive, source.id, source.name)
    _complete(report, spider, progress)
    return report


async def _end_run(spider: NewsroomSpider, progress: Progress, began: datetime) -> str | None:
    """The outcome of the run as it is recorded now, told in the segment that is sealed next; None when it cannot be."""
    report = await _report(spider, progress)
    ended = _ended(spider.services, began, report)
    try:
        await spider.store(spider.services.keeper.archive.settle, report.id, Settlement(runs=[ended]))
    except Stopped:
        return None
    return report.outcome


def _ended(services: Services, began: datetime, report: SourceReport) -> RunEnded:
    return RunEnded(began, services.clock(), report.outcome, report.run, report.problems)


async def _correct_run(services: Services, began: datetime, report: SourceReport) -> None:
    """Record that the run's own segment could not be stored; the source's next segment tells it."""

    def end() -> None:
        with services.keeper.archive.catalogue.begin() as connection:
            Runs(connection, report.id).take([_ended(services, began, report)])

    try:
        await services.keeper.run(end)
    except STORAGE_PROBLEMS as problem:
        sentence = f"how the crawl of {report.id} ended is not recorded: {services.keeper.told(problem)}"
        log.warning("end-not-recorded", sentence, source=report.id)


def _problem(source: Source, problem: Problem) -> dict[str, Any]:
    """A problem of the whole source, as reports have it."""
    return {
        "state": "refused" if problem.refused else "failed",
        "reason": problem.kind,
        "count": 1,
        "kind": "source",
        "url": source.home,
        "detail": problem.detail,
        "urls": [source.home],
    }


def _complete(report: SourceReport, spider: NewsroomSpider, progress: Progress) -> None:
    """Add what only this run knows: its counts, its own problems, how it ended."""
    report.run = {
        "requests": progress.requests,
        "received_bytes": progress.received_bytes,
        "leads_found": progress.found,
        **{f"leads_{state}": count for state, count in sorted(progress.visited.items())},
    }
    own = list(spider.problems)
    if spider.budget.exhausted is not None:
        detail = f"the budget of {spider.budget.exhausted} a day is used up; the rest waits for the next day"
        own.append(Problem("daily-budget", detail, refused=True))
    report.problems[:0] = [_problem(spider.source, problem) for problem in own]
    if spider.failed is not None:
        report.outcome = spider.failed
    elif spider.stopping:
        report.outcome = "interrupted"
    elif not report.leads.get("known"):
        report.outcome = "nothing-found"
