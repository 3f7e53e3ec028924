"""From settings to a running crawl: the shared services, the reactor, and the live lines."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

from scrapy.crawler import AsyncCrawlerProcess

from crawler.agent import user_agent
from crawler.diskspace import DiskLimits
from crawler.keeper import Keeper
from crawler.listing import PARSERS
from crawler.rendering.needs import refuse_without_browser
from crawler.report import SourceReport
from crawler.run import Errand, crawl_all, run_in_reactor
from crawler.services import CrawlOptions, Services
from crawler.wire import WireLimits
from newsark.alerting import alerting
from newsark.delivering import wait_for_stores
from newsark.home import Home, utc_now
from newsark.live import show
from newsark.metrics.showing import crawl_metrics
from newsark.readers import reader_pool
from storage.deliveries import Backlog
from storage.log import Log

log = Log(__name__)
T = TypeVar("T")

LAST_TASKS_SECONDS = 2.0


def crawl_options(home: Home, **options: Any) -> CrawlOptions:
    """The options of a run from the settings, with those of the command on top."""
    settings = home.settings
    return CrawlOptions(
        user_agent=settings.user_agent or user_agent(settings.contact),
        contact=settings.contact,
        delay_seconds=settings.delay_seconds,
        allow_hosts=settings.allow_hosts,
        wire=WireLimits(timeout_seconds=settings.fetch_timeout_seconds, max_body_bytes=settings.max_body_bytes),
        **options,
    )


@contextlib.contextmanager
def services_for(home: Home, options: CrawlOptions, *, reads_pages: bool = True) -> Iterator[Services]:
    """The archive's keeper and the readers, closed at the end whatever happens; what happens meanwhile is logged."""
    settings = home.settings
    home.with_logs()
    with home.archive(create=True) as archive:
        limits = DiskLimits(
            settings.disk_reserve_bytes,
            60 * settings.disk_patience_minutes,
            settings.max_waiting_bytes,
            settings.catalogue_patience_seconds,
        )
        keeper = Keeper(archive, limits)
        preload = ["crawler.listing", *PARSERS]
        pool = reader_pool(settings, settings.workers, preload=preload, pages=reads_pages)
        try:
            yield Services(keeper, pool, options, utc_now)
        finally:
            keeper.close()
            pool.close()


def reads_now(errands: Sequence[Errand], extract: str | None) -> bool:
    """Whether any of these crawls reads pages as they come; `extract` is what the command says, None: nothing."""
    return any((extract or errand.source.extract) == "now" for errand in errands)


def crawl_errands(
    home: Home, errands: Sequence[Errand], options: dict[str, Any], *, show_progress: bool
) -> tuple[list[SourceReport], list[Backlog]]:
    """The reports of these crawls, in order, and what the stores have not confirmed when patience ended.

    Raises ExtraMissing and BadSourceFile where one needs a browser, and there is none.
    """
    refuse_without_browser(errand.source for errand in errands)
    chosen = crawl_options(home, **options)
    with services_for(home, chosen, reads_pages=reads_now(errands, chosen.extract)) as services:
        archive = services.keeper.archive
        archive.courier.start()
        progresses = [errand.progress for errand in errands]
        began = time.monotonic()
        log.info("run-began", archive=home.archive_name, sources=len(errands), version=version("newsark"))

        async def main(process: AsyncCrawlerProcess) -> list[SourceReport]:
            showing = asyncio.create_task(show(progresses)) if show_progress else None
            try:
                ids = [errand.source.id for errand in errands]
                async with crawl_metrics(home, services, progresses), alerting(home, services.keeper, ids):
                    return await crawl_all(process, services, errands)
            finally:
                if showing is not None:
                    showing.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await showing

        reports = in_reactor(main)
        waiting = wait_for_stores(archive, home.settings.upload_patience_seconds, show_progress=show_progress)
        seconds, requests = round(time.monotonic() - began, 1), sum(one.requests for one in progresses)
        log.info("run-ended", seconds=seconds, requests=requests, waiting=sum(one.parcels for one in waiting))
        return reports, waiting


class Crawling(Protocol):
    """What crawls errands: on this machine, or on many."""

    def __call__(
        self, home: Home, errands: Sequence[Errand], options: dict[str, Any], *, show_progress: bool
    ) -> tuple[list[SourceReport], list[Backlog]]:
        """The reports in order, and what the stores have not confirmed."""
        ...


def crawling_on(cluster: str | None) -> Crawling:
    """What crawls on the cluster at that address; on this machine without one."""
    if cluster is None:
        return crawl_errands
    from newsark.cluster.crawl import crawl_on_cluster

    return partial(crawl_on_cluster, address=cluster)


def in_reactor(main: Callable[[AsyncCrawlerProcess], Awaitable[T]]) -> T:
    """Run on Scrapy's reactor, and end what is left there."""

    async def whole(process: AsyncCrawlerProcess) -> T:
        try:
            return await main(process)
        finally:
            await end_tasks()

    return run_in_reactor(whole)


async def end_tasks() -> None:
    """Cancel what still waits for something: the reactor ends without doing so, and Python would complain."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=LAST_TASKS_SECONDS)
