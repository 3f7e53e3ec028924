"""Steps 5 to 9 as Scrapy item pipelines: thin adapters that hand a visit to plain functions and wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.keeper import Stopped
from crawler.kinds import ARTICLE, LISTS, RESOURCE, SECTION
from crawler.listing import read_listing
from crawler.pagelinks import leads_from_page
from crawler.pagereading import page_input, take_reading
from crawler.requisites import RequisiteLeads, read_style
from crawler.visit import Answer, Note, Problem, Visit
from storage.errors import PageError, ReaderCrashed

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.spiders.newsroom import NewsroomSpider


class ReadStage:
    """5. judge and 6. extract, in a worker process with a time limit."""

    def __init__(self, spider: NewsroomSpider) -> None:
        self.spider = spider
        self._lists: set[int] = set()
        self._requisites = RequisiteLeads(spider.source)
        self._reads_later = (spider.services.options.extract or spider.source.extract) == "later"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy asks for it."""
        return cls(crawler.spider)  # type: ignore[arg-type]  # the only spider there is

    async def process_item(self, visit: Visit) -> Visit:
        """The visit with what was read from its answer, or with the problem that reading met."""
        if visit.answer is None or visit.problem is not None or visit.answer.status == 304:
            return visit
        if visit.lead.has_unread:
            # what came before is read first; see SettleStage
            return visit
        if visit.is_the_same and (visit.lead.kind not in LISTS or visit.lead.id in self._lists):
            # What was read then holds: a newer extractor reads articles again with `newsark reextract`, and a list is
            # read by each run once, since the source file may say otherwise by now what belongs to it.
            return visit
        if visit.lead.kind == ARTICLE and self._reads_later:
            visit.is_put_off = True
            return visit
        if visit.lead.kind in LISTS:
            self._lists.add(visit.lead.id)
        try:
            if visit.lead.kind in (ARTICLE, SECTION):
                await self._read_page(visit, visit.answer)
            elif visit.lead.kind == RESOURCE:
                await self._read_file(visit, visit.answer)
            else:
                await self._read_list(visit, visit.answer)
        except Stopped:
            visit.cut_short = True
        # A signal to the whole process group ends the readers too.
        visit.cut_short |= self.spider.stopping and _was_crash(visit)
        return visit

    async def _read_page(self, visit: Visit, answer: Answer) -> None:
        page = page_input(visit, answer, self.spider.source)
        reading = await self.spider.reading(self.spider.services.pool.submit(page))
        take_reading(visit, answer, reading, self._requisites)
        if visit.lead.kind == SECTION:
            sweep = self.spider.services.options.sweep
            visit.found = leads_from_page(reading.links, visit.lead, self.spider.source, sweep=sweep)

    async def _read_file(self, visit: Visit, answer: Answer) -> None:
        """A page's file is kept as it is; a style sheet names further ones."""
        if visit.lead.method != "style":
            return
        try:
            named = await self.spider.reading(self.spider.services.pool.call(read_style, answer))
        except PageError as problem:
            visit.notes = [Note(problem.kind, str(problem))]
            return
        visit.found = self._requisites.of(named, visit.lead, answer)

    async def _read_list(self, visit: Visit, answer: Answer) -> None:
        limits = self.spider.services.options.wire.max_body_bytes
        future = self.spider.services.pool.call(read_listing, visit.lead, answer, self.spider.source, 4 * limits)
        try:
            listing = await self.spider.reading(future)
        except PageError as problem:
            visit.problem = Problem(problem.kind, str(problem))
            return
        visit.found, visit.notes = listing.found, listing.notes
        if listing.problem is not None:
            visit.problem = Problem(*listing.problem)


def _was_crash(visit: Visit) -> bool:
    return visit.problem is not None and visit.problem.kind == ReaderCrashed.kind


class SettleStage:
    """7. compare, 8. record and 9. acknowledge: many visits at once in the keeper's thread; durable on return."""

    def __init__(self, spider: NewsroomSpider) -> None:
        self.spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy asks for it."""
        return cls(crawler.spider)  # type: ignore[arg-type]  # the only spider there is

    async def process_item(self, visit: Visit) -> Visit:
        """The visit, when everything about it is on disk."""
        if not visit.cut_short:
            await self.spider.settler.settle(visit)
        return visit
