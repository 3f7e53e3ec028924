"""Between 4. archive and 5. judge: the document that a browser makes of an article's page, where its source says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from crawler.keeper import Stopped
from crawler.kinds import ARTICLE
from crawler.manners import HostHeld
from crawler.problem import problem_from
from crawler.rendering.pagerequests import PageRequests
from crawler.rendering.rendered import NotRendered, Rendered
from crawler.visit import Answer, Visit
from pipelines.page import HTML_TYPES, ReadLimits

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.rendering.showing import Shown, Wishes
    from crawler.spiders.newsroom import NewsroomSpider


class RenderStage:
    """Shows one page of the source at a time."""

    def __init__(self, spider: NewsroomSpider) -> None:
        self.spider = spider
        self._turn = asyncio.Lock()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy asks for it."""
        return cls(crawler.spider)  # type: ignore[arg-type]  # the only spider there is

    async def process_item(self, visit: Visit) -> Visit:
        """The visit with what a browser made of its page, or with the problem that it met."""
        if visit.answer is None or visit.lead.has_unread or not self._is_due(visit, visit.answer):
            return visit
        try:
            visit.rendered = await self.spider.unless_stopped(self._rendered(visit.answer))
        except Stopped:
            visit.cut_short = True
        except (NotRendered, HostHeld) as problem:
            visit.problem = problem_from(problem)
        return visit

    def _is_due(self, visit: Visit, answer: Answer) -> bool:
        media = (answer.header("Content-Type") or "").partition(";")[0].strip().lower()
        is_page = 200 <= answer.status < 300 and media in HTML_TYPES
        return self.spider.source.render and visit.lead.kind == ARTICLE and visit.problem is None and is_page

    async def _rendered(self, answer: Answer) -> Rendered:
        from crawler.rendering.showing import show

        requests = PageRequests(self.spider, answer)
        async with self._turn, self.spider.services.browsers.one() as chromium:
            shown = await show(chromium, requests, self._wishes())
            document = shown.document.encode("utf-8", "replace")
            told = (*_told(shown), *(("declined", one) for one in requests.declined))
            return Rendered(document, chromium.name, tuple(requests.answered_by), told)

    def _wishes(self) -> Wishes:
        from crawler.rendering.showing import Wishes

        source = self.spider.source
        return Wishes(
            seconds=source.render_seconds,
            click=source.click,
            scroll=source.scroll,
            user_agent=self.spider.headers["User-Agent"],
            most_bytes=ReadLimits().max_page_bytes,
        )


def _told(shown: Shown) -> tuple[tuple[str, str], ...]:
    """How the showing went, as the metadata record beside the document says it."""
    quiet = () if shown.is_quiet else (("cutShort", "the page was not quiet when its time was up"),)
    clicked = tuple(("clicked", one) for one in shown.clicked)
    return (("renderTimeMs", str(round(shown.seconds * 1000))), *quiet, *clicked)
