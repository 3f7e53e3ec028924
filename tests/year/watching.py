"""The real crawler watches the newsrooms of the year; time jumps to whatever falls due next."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from aiohttp import web
from scrapy.crawler import AsyncCrawlerProcess

from crawler.keeper import Keeper
from crawler.listing import PARSERS
from crawler.report import SourceReport
from crawler.run import Errand, crawl_all
from crawler.services import CrawlOptions, Services
from crawler.source import Source
from newsark.crawling import in_reactor
from pipelines.page import ReadLimits
from pipelines.pool import ReaderPool
from reading.ledger import ledger
from reading.life import Entry
from storage.archive import Archive
from storage.archivesettings import ArchiveSettings
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place
from tests.year.paper import Paper
from tests.year.script import DAY, START

SHORTEST_JUMP = 1800.0
"""In seconds: what falls due about then is visited together."""
SEGMENT_SECONDS = 7 * DAY.total_seconds()
"""So old a WARC file becomes: a year has fifty of them of each newsroom."""


@dataclass(slots=True)
class Watched:
    """The ledger after the year, and what it took: `memory` is by month, in MB, with the number of open files."""

    entries: list[Entry] = field(default_factory=list)
    seconds: float = 0.0
    size_bytes: int = 0
    catalogue_bytes: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)


class Time:
    """The clock of everything: it stands still while anybody works, and jumps when all of them wait."""

    def __init__(self, papers: Sequence[Paper], end: datetime, watched: Watched) -> None:
        self.papers, self.end = papers, end
        self.over = asyncio.Event()
        self._watched = watched
        self._waiting: dict[asyncio.Future[None], datetime] = {}
        self._lock = threading.Lock()
        self._ticks = 0

    @property
    def moment(self) -> datetime:
        """The moment of the papers."""
        return self.papers[0].now

    def now(self) -> datetime:
        """The moment; never the same twice, so that what follows is later."""
        with self._lock:
            self._ticks += 1
            return self.moment + timedelta(microseconds=self._ticks % 1_000_000)

    async def sleep(self, seconds: float) -> None:
        """Return when everybody waits and this is the next to wake."""
        own: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[own] = self.moment + timedelta(seconds=seconds)
        if len(self._waiting) == len(self.papers):
            self._jump()
        try:
            await own
        finally:
            self._waiting.pop(own, None)

    def _jump(self) -> None:
        soonest = min(self._waiting.values())
        later = max(soonest, self.moment + timedelta(seconds=SHORTEST_JUMP))
        if later.month != self.moment.month:
            own = psutil.Process()
            self._watched.memory.append((round(own.memory_info().rss / 1e6, 1), own.num_fds()))
        for paper in self.papers:
            paper.now = later
        if later >= self.end:
            self.over.set()
        for future, wakes in list(self._waiting.items()):
            if wakes <= later and not future.done():
                del self._waiting[future]
                future.set_result(None)


def watch(root: Path, papers: Sequence[Paper], days: int) -> Watched:
    """What a watch of these newsrooms knows after so many days."""
    started, watched = time.monotonic(), Watched()
    place = Place((DirectoryStore(root),), root / STATE_DIRECTORY)
    clock = Time(papers, START + days * DAY, watched)
    archive = Archive.open(place, ArchiveSettings(segment_max_age_seconds=SEGMENT_SECONDS), clock.now, create=True)
    keeper, pool = (
        Keeper(archive),
        ReaderPool(2, timeout_seconds=20, limits=ReadLimits(), preload=["crawler.listing", *PARSERS]),
    )
    archive.courier.start()
    try:
        for report in in_reactor(lambda process: _watch(process, papers, clock, keeper, pool)):
            if report.outcome != "interrupted":
                raise RuntimeError(f"the watch ended by itself: {report.outcome} {report.problems}")
        watched.entries = ledger(archive)
    finally:
        keeper.close()
        pool.close()
        archive.close()
    watched.seconds = time.monotonic() - started
    watched.size_bytes = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    watched.catalogue_bytes = (root / STATE_DIRECTORY / "catalogue.sqlite").stat().st_size
    return watched


async def _watch(
    process: AsyncCrawlerProcess, papers: Sequence[Paper], clock: Time, keeper: Keeper, pool: ReaderPool
) -> list[SourceReport]:
    options = CrawlOptions(user_agent="newsark-year", watch=True, look_at_clock_seconds=1e9, settle_seconds=0.004)
    services = Services(keeper, pool, options, clock.now, sleep=clock.sleep, stopping=clock.over)
    async with AsyncExitStack() as stack:
        errands = [Errand(await _served(stack, paper, f"paper-{number}")) for number, paper in enumerate(papers)]
        return await crawl_all(process, services, errands)


async def _served(stack: AsyncExitStack, paper: Paper, name: str) -> Source:
    runner = web.ServerRunner(web.Server(paper.answer))
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return Source(
        id=name,
        name=name,
        home=f"{base}/",
        discover="listed",
        sitemaps=(f"{base}/sitemap.xml",),
        allow_hosts=("127.0.0.1",),
        delay_seconds=0,
        max_concurrency=8,
    )
