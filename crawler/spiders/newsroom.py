"""The spider of one newsroom: seeds its leads, turns leads into requests and answers into visits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler import agent, discovery
from crawler.budget import Budget
from crawler.diskspace import RoomyManners, size
from crawler.frontier import Frontier
from crawler.handler import FetchFailed, WireHandler
from crawler.keeper import STORAGE_PROBLEMS, Stopped
from crawler.kinds import ARTICLE, FEED, LISTS, RESOURCE, SITEMAP
from crawler.manners import retry_after_seconds
from crawler.outcome import problem_of
from crawler.problem import problem_from
from crawler.progress import Progress
from crawler.rendering.sharedfiles import SharedFiles
from crawler.requisites import PageBudgets
from crawler.robots import RobotsMiddleware
from crawler.settlement import Settler
from crawler.source import Source
from crawler.standalone import Standalone
from crawler.telling import tell_fetch
from crawler.visit import Answer, Problem, Visit
from crawler.weburl import parse_web_url
from storage.capture import Capture
from storage.errors import CatalogueUnreachable, SourceBusy, WrongUse
from storage.exchange import Exchange
from storage.lead import Lead
from storage.leads import Leads
from storage.log import Log
from storage.spending import Spending, Spent

if TYPE_CHECKING:
    from crawler.services import Services

log = Log(__name__)
P = ParamSpec("P")
T = TypeVar("T")

# How long a page that is being read may still take when the crawl is stopped; it is visited again otherwise.
LAST_READING_SECONDS = 2.0
# How long an exchange that is under way may still take then; it is cut off and made again otherwise.
LAST_FETCH_SECONDS = 5.0


class NewsroomSpider(Spider):
    """Crawls one source. `frontier`, `robots` and `handler` are put in place by Scrapy's own components."""

    name = "newsroom"
    frontier: Frontier
    robots: RobotsMiddleware

    def __init__(
        self,
        *,
        source: Source,
        services: Services,
        progress: Progress | None = None,
        extra: Sequence[tuple[str, str]] = (),
        task: Callable[[NewsroomSpider], Awaitable[None]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.extra, self._task = extra, task
        self.source = source
        self.services = services
        self.progress = progress or Progress(source.id)
        options = services.options
        delay = source.delay_seconds if options.delay_seconds is None else options.delay_seconds
        self.manners = RoomyManners(
            delay,
            asyncio.get_running_loop().time,
            max_concurrency=source.max_concurrency,
            patience_seconds=options.retry_patience_seconds,
            hosts=services.hosts,
            room=self._room,
        )
        self.budget = Budget(
            source.daily_requests,
            source.daily_bytes,
            most_bytes=options.wire.max_body_bytes,
            load=self._spent,
            save=self._promise,
            clock=services.clock,
        )
        self.pages = PageBudgets(source.page_requests, source.page_bytes)
        self.files = SharedFiles() if source.render else None
        contact = source.contact or options.contact
        self.headers = agent.request_headers(source.user_agent or options.user_agent, contact)
        self.handler: WireHandler | None = None
        self.settler = Settler(self)
        self.problems: list[Problem] = []
        self.failed: str | None = None
        self.stopping = False
        self._stop = asyncio.Event()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """As Scrapy asks for it; with only `-a source=FILE` it opens an archive itself and seals it at the end."""
        if "services" in kwargs:
            spider = super().from_crawler(crawler, *args, **kwargs)
            spider._listen(crawler)
            return spider
        if "source" not in kwargs:
            raise WrongUse("name a source file: scrapy crawl newsroom -a source=FILE -a archive=DIR")
        alone = Standalone(kwargs.pop("source"), kwargs.pop("archive", "./archive"), kwargs.pop("contact", None))
        spider = super().from_crawler(crawler, *args, source=alone.source, services=alone.services, **kwargs)
        crawler.signals.connect(alone.finish, signal=signals.engine_stopped, weak=False)
        spider._listen(crawler)
        return spider

    def _listen(self, crawler: Crawler) -> None:
        crawler.signals.connect(self._visit_failed, signal=signals.item_error)
        crawler.signals.connect(self._answer_failed, signal=signals.spider_error)
        crawler.signals.connect(self._leave_disk, signal=signals.spider_closed)
        self.services.keeper.disk.listen(self._disk_told)

    def attach_handler(self, handler: WireHandler) -> None:
        """Called by the download handler when Scrapy makes it; http and https share the first."""
        self.handler = handler

    # 1. discover

    async def start(self) -> AsyncIterator[Any]:
        """Seed the catalogue with what the source file names and what discovery finds, then let the frontier lease.

        With a `task` that is done instead, and no lead is visited.
        """
        self._watching = asyncio.create_task(self._stop_when_asked())
        seeded = False
        try:
            await (self._task or discovery.seed)(self)
            seeded = True
        except Stopped:
            log.debug("stopped", "stopped while looking for feeds and sitemaps")
        finally:
            if seeded and self._task is None:
                self.frontier.begin()
            else:
                self.frontier.give_up()
        nothing: tuple[Request, ...] = ()
        for request in nothing:
            yield request

    async def with_leads(self, work: Callable[[Leads], T]) -> T:
        """The result of `work(leads)`, run in one transaction by the keeper. Raises Stopped as `store` does."""
        return await self.store(self.services.keeper.archive.with_leads, self.source.id, work)

    async def prepare_leads(self) -> None:
        """Take back leases of a crawl that died; make lists ready, and articles too where `again` asks for it."""

        def prepare(leads: Leads) -> None:
            leads.reclaim()
            leads.ready_all(LISTS)
            if self.services.options.again:
                leads.ready_all((ARTICLE,))

        await self.with_leads(prepare)

    # 2. lease

    def request_for(self, lead: Lead) -> Request:
        """The request that visits a lead; conditional where an earlier whole response is kept (RFC 9110, 13.1), unless
        scripts fill the page: its own validators say nothing of its text."""
        headers = dict(self.headers)
        if lead.kind == RESOURCE:
            # as a browser would ask for it: some newsrooms refuse their pictures otherwise
            headers |= {"Accept": "*/*", "Referer": lead.hints.get("page", "")}
        if lead.last_capture is not None and not (self.source.render and lead.kind == ARTICLE):
            if lead.etag:
                headers["If-None-Match"] = lead.etag
            if lead.last_modified:
                headers["If-Modified-Since"] = lead.last_modified
        return Request(
            str(parse_web_url(lead.url)),
            callback=self.visited,
            errback=self.ended,
            headers=headers,
            # Another company may serve a newsroom's feeds and files.
            meta={"lead": lead, "via": lead.via, "any_host": lead.kind in (FEED, SITEMAP, RESOURCE)},
            dont_filter=True,
        )

    # 4. archive

    async def keep(self, exchange: Exchange, request: Request) -> Capture:
        """Where the exchange is kept now. A 304 refers to the response that the request's validators came from.

        Raises Stopped as `store` does.
        """
        lead: Lead | None = request.meta.get("lead")
        hops = request.meta.get("hops", [])
        original = lead.last_capture if lead is not None and not hops else None
        capture = await self.store(
            self.services.keeper.archive.keep,
            self.source.id,
            exchange,
            lead_id=lead.id if lead is not None else None,
            original=original,
            hops=len(hops),
        )
        tell_fetch(self.source.id, self.progress, exchange, capture)
        return capture

    # 3. fetch: what came back, as a visit for the item pipelines

    async def visited(self, response: Response) -> AsyncIterator[Visit]:
        """A visit with its answer, whatever the status."""
        assert response.request is not None
        meta = response.request.meta
        exchange: Exchange = meta["exchange"]
        lead: Lead = meta["lead"]
        answer = Answer(
            url=response.url,
            status=response.status,
            headers=tuple(exchange.headers),
            body=exchange.body,
            capture=meta["capture"],
            truncated=exchange.truncated,
            truncated_detail=exchange.truncated_detail,
            tls_verified=exchange.tls.verified if exchange.tls is not None else None,
        )
        problem = problem_of(answer, lead.kind)
        if problem is not None and problem.passing:
            wait = retry_after_seconds(exchange.header("Retry-After"))
            problem = Problem(problem.kind, problem.detail, passing=True, retry_after_seconds=wait)
        yield Visit(lead, self.services.clock(), answer=answer, problem=problem)

    async def ended(self, failure: Failure) -> AsyncIterator[Visit]:
        """A visit without an answer: every way a request can end is a named problem of its lead."""
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        lead: Lead = request.meta["lead"]
        assert failure.value is not None
        if isinstance(failure.value, Stopped):
            self.frontier.release(lead.id)
            return
        kept = failure.value.capture if isinstance(failure.value, FetchFailed) else None
        yield Visit(lead, self.services.clock(), problem=problem_from(failure.value), failure_capture=kept)

    def _visit_failed(self, item: Visit, failure: Failure) -> None:
        """A stage raised what no stage may raise: its visit is settled with that, or the crawl would never end."""
        assert failure.value is not None
        if not self.stopping:
            visit = Visit(item.lead, item.at, answer=item.answer, problem=problem_from(failure.value))
            self._settling = asyncio.create_task(self.settler.settle(visit))

    def _answer_failed(self, failure: Failure, response: Response | None) -> None:
        """A callback raised; without a response it was `start`, and there is nothing to go on with."""
        assert failure.value is not None
        if response is None or response.request is None:
            self.fail("internal-error", f"{type(failure.value).__name__}: {failure.value}")
        else:
            self._visit_failed(Visit(response.request.meta["lead"], self.services.clock()), failure)

    # 4. archive and 9. acknowledge

    async def store(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a function of the archive, run in the keeper's thread; a full disk is waited for.

        Raises Stopped when bytes or facts cannot be stored: the crawl ends then, since going on would only lose more.
        """
        keeper = self.services.keeper
        try:
            return await keeper.run_when_room(self._stop, self.source.id, function, *args, **kwargs)
        except SourceBusy as problem:
            self.fail("busy", str(problem))
            raise Stopped("another process has the source") from problem
        except STORAGE_PROBLEMS as problem:
            self.fail("storage", keeper.told(problem))
            raise Stopped("nothing can be stored") from problem

    async def end_old_segment(self) -> None:
        """Seal the source's segment when it is old enough, also where nothing new is written to it."""
        await self.store(self.services.keeper.archive.seal_old, self.source.id)

    async def _spent(self, day: str) -> Spent:
        return await self.store(self._spending, lambda spending: spending.on(day))

    async def _promise(self, spent: Spent) -> None:
        await self.store(self._spending, lambda spending: spending.promise(spent))

    def _spending(self, work: Callable[[Spending], T]) -> T:
        with self.services.keeper.archive.catalogue.begin() as connection:
            return work(Spending(connection, self.source.id))

    async def _room(self) -> bool:
        """Wait until a request may start; whether that took any time. Raises Stopped as `store` does."""
        disk = self.services.keeper.disk
        try:
            return await disk.room(self._stop)
        except STORAGE_PROBLEMS as problem:
            self.fail("storage", self.services.keeper.told(problem))
            raise Stopped("nothing can be stored") from problem

    def _disk_told(self, paused: str | None) -> None:
        """Let Scrapy ask the frontier for nothing as long as there is no room."""
        self.progress.paused = paused
        engine = self.crawler.engine
        if engine is not None and not self.stopping:
            if paused:
                engine.pause()
            else:
                engine.unpause()

    def fail(self, kind: str, detail: str) -> None:
        """End the crawl for a reason of its own; the first one is the one that is reported."""
        if self.failed is None:
            self.failed = kind
            log.error("crawl-failed", f"the crawl of {self.source.id} ends: {detail}", kind=kind)
            self.problems.append(Problem(kind, detail))
            self._stopping = asyncio.create_task(self.stop())

    # leaving early

    async def _stop_when_asked(self) -> None:
        await self.services.stopping.wait()
        await self.stop()

    async def stop(self) -> None:
        """End the crawl soon and cleanly: nothing new starts, what is under way has a few seconds, leases go
        back."""
        if self.stopping:
            return
        self.stopping = True
        self._tell_what_waits()
        self.progress.doing = "stopping"
        self._stop.set()
        self.manners.stop()
        if self.handler is not None:
            self._cutting = asyncio.create_task(self.handler.wire.stop_after(LAST_FETCH_SECONDS))
        engine = self.crawler.engine
        if engine is not None and engine.spider is not None:
            await engine.close_spider_async(reason="interrupted")

    def _leave_disk(self) -> None:
        self.services.keeper.disk.leave(self._disk_told)

    def _tell_what_waits(self) -> None:
        disk = self.services.keeper.disk
        if not disk.is_paused or self.failed is not None:
            return
        if isinstance(disk.error, CatalogueUnreachable):
            self.fail("storage", str(disk.error))
            return
        self.failed = "disk-full"
        detail = (
            f"stopped while the disk of {disk.place} was full ({size(disk.free_bytes())} free): "
            f"{self.frontier.under_way} leads under way are visited again, and what was acknowledged is kept; "
            "make room and run the same command again"
        )
        log.error("disk-full", f"{self.source.id}: {detail}", source=self.source.id)
        self.problems.append(Problem("disk-full", detail))

    def is_stopping(self) -> bool:
        """Whether the crawl is being stopped; asked again after every wait."""
        return self.stopping

    async def reading(self, reading: Future[T]) -> T:
        """What a reader process makes of a page. Raises Stopped when the crawl is stopped and the page takes long."""
        read = asyncio.wrap_future(reading)
        stop = asyncio.create_task(self._stop.wait())
        read.add_done_callback(lambda _: stop.cancel())
        await asyncio.wait({stop})
        await asyncio.wait({read}, timeout=LAST_READING_SECONDS)
        if not read.done():
            read.cancel()
            raise Stopped("the page was still being read")
        return read.result()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`. Raises Stopped when the crawl is stopped first; the work is ended then."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Stopped("the crawl was stopped")
        finally:
            stop.cancel()
            task.cancel()
            await asyncio.wait({task})

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the crawl is stopped."""
        with contextlib.suppress(Stopped):
            await self.unless_stopped(self.services.sleep(seconds))
