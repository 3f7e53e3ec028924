"""Step 2, lease: Scrapy's scheduler over the leads of the catalogue.

The scheduler's own methods touch memory only. A background task leases in batches and puts requests in; a lead
leaves when its visit is settled. The crawl ends when nothing is queued, nothing is under way and nothing falls due
soon.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.core.scheduler import BaseScheduler
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.defer import Deferred

from crawler.keeper import Stopped
from crawler.kinds import ARTICLE_PRIORITY, RESOURCE, RESOURCE_PRIORITY
from storage.lead import Lead
from storage.leads import Leads
from storage.log import Log

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.spiders.newsroom import NewsroomSpider

log = Log(__name__)

LEASE_COUNT = 64
# The files of pages have a share from the beginning, and never all of it: their hosts may be slow.
LEASE_FILES = 24


class Frontier(BaseScheduler):
    """Hands out what is due, most urgent first, hosts in turn."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.spider: NewsroomSpider = crawler.spider  # type: ignore[assignment]  # the only spider there is
        self._queues: dict[str, deque[Request]] = {}
        self._turns: deque[str] = deque()
        self._outstanding: dict[int, Lead] = {}
        self._changed = asyncio.Event()
        self._more = True
        self._finished = False
        self._articles_left = self.spider.services.options.limit
        self._feeding: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy asks for it."""
        return cls(crawler)

    # What Scrapy calls; all of it synchronous and in memory.

    def open(self, spider: Spider) -> Deferred[None] | None:  # noqa: ARG002 - the signature is Scrapy's
        """Nothing is leased before the spider has seeded its leads and calls `begin`."""
        self.spider.frontier = self
        return None

    def has_pending_requests(self) -> bool:
        """True until the background task found nothing left to do; it closes the spider itself."""
        return not self._finished

    def enqueue_request(self, request: Request) -> bool:
        """Queue a request under its host; the hop of a redirect goes first."""
        host = urlsplit(request.url).netloc
        queue = self._queues.get(host)
        if queue is None:
            queue = self._queues[host] = deque()
            self._turns.append(host)
        if request.meta.get("hops"):
            queue.appendleft(request)
        else:
            queue.append(request)
        return True

    def next_request(self) -> Request | None:
        """The next request of the next host that is not working to its capacity."""
        for _ in range(len(self._turns)):
            host = self._turns[0]
            self._turns.rotate(-1)
            queue = self._queues[host]
            if not queue or self._is_full(host):
                continue
            request = queue.popleft()
            if not queue:
                del self._queues[host]
                self._turns.remove(host)
                self._changed.set()
            return request
        return None

    def _is_full(self, host: str) -> bool:
        assert self.crawler.engine is not None
        slot = self.crawler.engine.downloader.slots.get(urlsplit(f"//{host}").hostname or "")
        return slot is not None and len(slot.active) >= slot.concurrency

    def close(self, reason: str) -> Deferred[None] | None:  # noqa: ARG002 - the signature is Scrapy's
        """Give back every lease whose visit was not settled."""
        return deferred_from_coro(self._give_back())

    async def _give_back(self) -> None:
        self._finished = True
        if self._feeding is not None:
            self._feeding.cancel()
        unused = list(self._outstanding)
        self._outstanding.clear()
        if self.spider.failed == "busy":
            # another process has the source, and may have leased the same
            return
        # Leases that cannot be given back are taken back by the next crawl.
        with contextlib.suppress(Stopped):
            await self.spider.with_leads(lambda leads: leads.release(unused))

    # What the rest of the crawler calls.

    def begin(self) -> None:
        """Start leasing; the source's first leads are in the catalogue."""
        self._feeding = asyncio.create_task(self._feed())
        self._feeding.add_done_callback(self._fed)

    def give_up(self) -> None:
        """Nothing will be leased: seeding failed, and Scrapy may close the spider."""
        self._finished = True

    def settled(self, lead_id: int, *, more: bool) -> None:
        """A visit is over and durable. `more` says that leads were added or fall due again in this run."""
        self._outstanding.pop(lead_id, None)
        self._more = self._more or more
        self._changed.set()

    def release(self, lead_id: int) -> None:
        """A visit was not made; its lease goes back when the crawl closes."""
        self._changed.set()
        log.debug("not-visited", lead=lead_id)

    @property
    def under_way(self) -> int:
        """How many leads are leased and not settled."""
        return len(self._outstanding)

    # The background task.

    def _fed(self, feeding: asyncio.Task[None]) -> None:
        """Nothing would be leased any more: an error in leasing ends the crawl."""
        self._finished = True
        problem = None if feeding.cancelled() else feeding.exception()
        if problem is not None and not isinstance(problem, Stopped):
            self.spider.fail("internal-error", f"{type(problem).__name__}: {problem}")

    async def _feed(self) -> None:
        assert self.crawler.engine is not None
        while not self.spider.stopping:
            self._changed.clear()
            leased = await self._lease() if self._more and self._room() > 0 else []
            for lead in leased:
                self._outstanding[lead.id] = lead
                self.crawler.engine.crawl(self.spider.request_for(lead))
            if leased:
                continue
            if not self._outstanding and not await self._something_falls_due():
                break
            if self._outstanding:
                await self._changed.wait()
                self._more = self._more or self._watches
        self._finished = True
        if not self.spider.stopping:
            # Not awaited: closing waits for this very task's engine slot to drain.
            self._closing = asyncio.create_task(self.crawler.engine.close_spider_async(reason="finished"))

    def _room(self) -> int:
        return LEASE_COUNT - sum(len(queue) for queue in self._queues.values())

    async def _lease(self) -> list[Lead]:
        if self.spider.budget.is_spent:
            self._more = False
            return []
        count = self._room()
        files = max(LEASE_FILES - sum(lead.kind == RESOURCE for lead in self._outstanding.values()), 0)
        articles = count if self._articles_left is None else min(count, self._articles_left)
        since = self.spider.services.options.since
        sweep = self.spider.services.options.sweep
        newest_first = None if since is None else -int(since.timestamp())

        def take(leads: Leads) -> list[Lead]:
            leads.promote(self.spider.services.clock())
            # in a sweep lists may name lists for days: articles have their share from the beginning
            lists = leads.lease(max(1, count // 2) if sweep else count, below_priority=ARTICLE_PRIORITY)
            room = min(files, count - len(lists))
            needed = leads.lease(room, from_priority=RESOURCE_PRIORITY) if room > 0 else []
            room = min(articles, count - len(lists) - len(needed))
            among = {"below_priority": RESOURCE_PRIORITY, "max_rank": newest_first}
            some = leads.lease(room, **among, oldest_first=sweep) if room > 0 else []
            if sweep:
                self.spider.progress.left = leads.left()
            return lists + needed + some

        leased = await self.spider.with_leads(take)
        taken = sum(lead.kind == "article" for lead in leased)
        if self._articles_left is not None:
            self._articles_left -= taken
        self._more = len(leased) == count or sum(lead.kind == RESOURCE for lead in leased) == files
        return leased

    @property
    def _watches(self) -> bool:
        return self.spider.services.options.watch

    async def _something_falls_due(self) -> bool:
        if self._watches:
            return await self._wait_for_what_is_due()
        due = await self.spider.with_leads(lambda leads: leads.soonest_retry())
        if due is None or self._articles_left == 0:
            return False
        wait = (due - self.spider.services.clock()).total_seconds()
        if wait > self.spider.services.options.retry_patience_seconds:
            return False
        self.spider.progress.waiting(wait)
        await self.spider.pause(max(wait, 0.0) + 0.05)
        self._more = True
        return not self.spider.stopping

    async def _wait_for_what_is_due(self) -> bool:
        """Wait until a lead falls due, for good; the wall clock is looked at every few seconds, since it may jump and
        this machine may sleep."""
        due = await self.spider.with_leads(lambda leads: leads.soonest_due())
        left = self.spider.services.options.look_at_clock_seconds
        if due is not None:
            left = min(left, max((due - self.spider.services.clock()).total_seconds(), 0.0) + 0.05)
            self.spider.progress.watching(due)
        await self.spider.end_old_segment()
        await self.spider.pause(left)
        self._more = True
        return not self.spider.stopping
