"""A worker: one process of a cluster that crawls the groups it is given, with one reactor and one archive."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess
from sqlalchemy.exc import SQLAlchemyError

from crawler.report import SourceReport
from crawler.run import Errand, crawl_source, run_in_reactor, unfinished
from crawler.services import Services
from newsark.cluster.groups import SentErrand
from newsark.cluster.orders import Orders, catalogue_sum, named_after_machine
from newsark.cluster.tally import Seen
from newsark.crawling import crawl_options, end_tasks, services_for
from newsark.logs import begin_logs
from storage.database import first_line
from storage.deliveries import Backlog
from storage.errors import NewsarkError
from storage.log import SOURCE, Said
from storage.takeover import bring_home

MOST_LOG_LINES = 1000
START_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a worker is: `machine` names its working state, see `machine_of`; `busy` are sources left on its disk that
    others work on. `problem` is what keeps it from working at all."""

    host: str
    pid: int
    machine: str = ""
    catalogue_sum: str = ""
    busy: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of what a worker told has arrived: an answer may be lost on its way, and is then told again."""

    reports: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What a worker did that was not heard yet, and how its sources are doing now; `heard` is for the next look."""

    progress: list[Seen] = field(default_factory=list)
    reports: list[SourceReport] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)


@dataclass(frozen=True, slots=True)
class LogLine:
    """An event on its way to the driver's log: `name` is its logger's."""

    name: str
    level: int
    event: str
    sentence: str
    facts: dict[str, str | int | float | bool | None]

    def say(self, worker: str) -> None:
        """Log it here, with the worker that it is from."""
        sentence = f"{worker}: {self.sentence}" if self.sentence else ""
        said = Said(self.event, sentence, {**self.facts, "worker": worker})
        logging.getLogger(self.name).log(self.level, said if self.event else f"{worker}: {self.sentence}")


class Lines(logging.Handler):
    """Keeps what is to be told to the driver."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[int, LogLine]] = deque(maxlen=MOST_LOG_LINES)
        self._told = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; the driver's log looks at it for secrets."""
        said = record.msg if isinstance(record.msg, Said) else Said("", record.getMessage(), {})
        facts = {name: _plain(value) for name, value in said.facts.items()}
        if "source" not in facts and (source := SOURCE.get()) is not None:
            facts["source"] = source
        self._told += 1
        self._lines.append((self._told, LogLine(record.name, record.levelno, said.event, said.sentence, facts)))

    def since(self, heard: int) -> tuple[list[LogLine], int]:
        """The lines after the one of that number, and the number of the last; those before are forgotten."""
        with self.lock or nullcontext():
            while self._lines and self._lines[0][0] <= heard:
                self._lines.popleft()
            return [line for _, line in self._lines], self._told


def _plain(value: object) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


class CrawlWorker:
    """The actor. Its methods run in threads of Ray; the crawl has a thread of its own, in which the reactor runs."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._log = Lines()
        begin_logs(orders.home().settings, self._log)
        self._errands: dict[str, Errand] = {}
        self._reports: list[SourceReport] = []
        self._ready: Future[Hello] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._services: Services | None = None
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="crawl", daemon=True)
        self._thread.start()

    # what the driver calls

    def there(self) -> None:
        """Return when the process is there."""

    def hello(self) -> Hello:
        """Who this is, when what earlier crawls left on this disk is on its way to the stores."""
        return self._ready.result(START_SECONDS)

    def crawl(self, group: Sequence[SentErrand], living: frozenset[str] | None) -> None:
        """Begin with a group of sources. What lies on machines that are not among the living is given up."""
        assert self._services is not None
        self._services.living = living
        self._call(self._begin(group))

    def look(self, heard: Heard) -> Look:
        """What happened that was not heard yet; asked again with the same, it says the same and what is new."""
        reports = self._reports[heard.reports :]
        progress = [Seen.of(errand.progress) for errand in list(self._errands.values())]
        lines, number = self._log.since(heard.lines)
        return Look(progress, reports, lines, Heard(heard.reports + len(reports), number))

    def stop(self) -> None:
        """End what is being crawled, as Ctrl-C does."""
        assert self._services is not None
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._services.stopping.set)

    def stored(self, patience_seconds: float) -> list[Backlog]:
        """What the stores have not confirmed of this machine's disk, waited for so long.

        What lies here of sources that others have done with is sealed and sent first.
        """
        assert self._services is not None
        archive = self._services.keeper.archive
        self._call(self._bring_home()).result()
        return [] if archive.courier.wait(patience_seconds) else archive.courier.look()

    def leave(self) -> None:
        """End; what is not stored stays on this disk for the next time."""
        self._call(self._leave()).result()
        self._thread.join()

    # the crawl's own thread

    def _run(self) -> None:
        try:
            home = self._orders.home()
            options = crawl_options(home, **self._orders.options)
            with services_for(home, options, reads_pages=self._orders.reads_pages) as services:
                self._services = services
                hello = self._begin_work(services)
                run_in_reactor(lambda process: self._serve(process, hello))
        except (NewsarkError, SQLAlchemyError, OSError) as problem:
            if self._ready.done():
                raise
            # as words: not every error can be sent from process to process
            self._ready.set_result(Hello(socket.gethostname(), os.getpid(), problem=first_line(problem)))

    def _begin_work(self, services: Services) -> Hello:
        archive = services.keeper.archive
        named_after_machine(archive)
        archive.courier.start()
        busy = tuple(bring_home(archive))
        machine = archive.machine or socket.gethostname()
        found = catalogue_sum(archive, self._orders.sources)
        return Hello(socket.gethostname(), os.getpid(), machine, found, busy)

    async def _serve(self, process: AsyncCrawlerProcess, hello: Hello) -> None:
        self._process, self._loop = process, asyncio.get_running_loop()
        self._ready.set_result(hello)
        try:
            await self._over.wait()
        finally:
            await end_tasks()

    def _call(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _begin(self, group: Sequence[SentErrand]) -> None:
        """Crawl a group's sources, one after the other; for good all at once, since a watch never ends."""
        assert self._services is not None
        errands = [one.errand() for one in group]
        self._errands.update({errand.source.id: errand for errand in errands})
        if self._services.options.watch:
            together = replace(self._services, hosts={})
            await asyncio.gather(*(self._crawl(errand, together) for errand in errands))
            return
        for errand in errands:
            await self._crawl(errand, self._services)

    async def _crawl(self, errand: Errand, services: Services) -> None:
        try:
            report = await crawl_source(self._process, services, errand)
        except Exception as problem:  # noqa: BLE001 - the worker's border: the driver waits for a report
            report = unfinished(errand, "internal-error", f"{type(problem).__name__}: {problem}")
        self._reports.append(report)
        del self._errands[errand.source.id]

    async def _bring_home(self) -> None:
        assert self._services is not None
        await self._services.keeper.run(bring_home, self._services.keeper.archive)

    async def _leave(self) -> None:
        assert self._services is not None
        await self._services.browsers.close()
        self._over.set()
