"""robots.txt as a downloader middleware: asked once a day for each origin, archived like any other exchange."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.exceptions import DownloadFailedError, IgnoreRequest
from scrapy.http import Response

from crawler.agent import PRODUCT_TOKEN
from crawler.handler import FetchFailed
from crawler.robotstxt import RobotsAnswer
from pipelines.decode import decode_body
from storage.errors import PageError, Refused
from storage.log import Log

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.spiders.newsroom import NewsroomSpider

log = Log(__name__)

MAX_ROBOTS_BYTES = 1 << 20
# RFC 9309, 2.4: not longer than a day; one that could not be had is asked for again as soon as a page is due.
HOLDS = timedelta(hours=23)
UNREACHABLE_HOLDS = timedelta(minutes=30)


@dataclass(slots=True)
class _Asked:
    """A robots.txt that was asked for, and when."""

    at: datetime
    answer: asyncio.Task[RobotsAnswer]

    def is_old(self, now: datetime) -> bool:
        """Whether it has to be asked for again; a clock that was set back counts as time that went by."""
        if not self.answer.done():
            return False
        came = not self.answer.cancelled() and self.answer.exception() is None
        is_known = came and self.answer.result().verdict != "disallow-all"
        return abs(now - self.at) >= (HOLDS if is_known else UNREACHABLE_HOLDS)


class RobotsMiddleware:
    """Refuses what robots.txt forbids (RFC 9309) and hands its Crawl-delay to the manners."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.spider: NewsroomSpider = crawler.spider  # type: ignore[assignment]  # the only spider there is
        self.spider.robots = self
        self._asked: dict[str, _Asked] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy asks for it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> Request | Response | None:
        """Let the request pass, or raise Refused with the line that decided, or as `answer_for` does."""
        if request.meta.get("is_robots") or self.spider.source.robots == "ignore":
            return None
        answer = await self.answer_for(request.url)
        allowed, reason = answer.allowed(request.url, PRODUCT_TOKEN)
        if allowed:
            return None
        rule = "robots" if answer.verdict == "rules" else "robots-unreachable"
        raise Refused(rule, request.url, reason)

    async def answer_for(self, url: str) -> RobotsAnswer:
        """What the robots.txt that governs `url` came to; requests that need the same one wait for it together.

        Raises Refused for a host that is not to be visited, FetchFailed for a server that nobody vouches for, HostHeld
        and Stopped.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        now = self.spider.services.clock()
        asked = self._asked.get(origin)
        if asked is None or asked.is_old(now):
            asked = self._asked[origin] = _Asked(now, asyncio.create_task(self._ask(origin)))
        return await asyncio.shield(asked.answer)

    async def _ask(self, origin: str) -> RobotsAnswer:
        request = Request(
            f"{origin}/robots.txt",
            headers=self.spider.headers,
            meta={"is_robots": True, "any_host": True, "via": origin + "/"},
            dont_filter=True,
        )
        answer = await self._download(request)
        if answer.verdict == "disallow-all":
            log.info("robots-unreachable", origin=origin, problem=answer.reason)
        self.spider.manners.crawl_delay(urlsplit(origin).netloc, answer.crawl_delay(PRODUCT_TOKEN))
        return answer

    async def _download(self, request: Request) -> RobotsAnswer:
        """What robots.txt came to. Raises what says nothing of it: Refused, HostHeld, Stopped, a bad certificate."""
        assert self.crawler.engine is not None
        try:
            response = await self.crawler.engine.download_async(request)
        except DownloadFailedError as problem:
            if isinstance(problem, FetchFailed) and problem.kind == "certificate":
                raise
            return RobotsAnswer.unreachable(str(problem))
        except IgnoreRequest as problem:
            return RobotsAnswer("allow-all", f"robots.txt cannot be had: {problem} (RFC 9309, 2.3.1.3)")
        assert response.request is not None
        exchange = response.request.meta["exchange"]
        try:
            body = decode_body(exchange.body, exchange.header("Content-Encoding"), MAX_ROBOTS_BYTES).data
        except PageError as problem:
            return RobotsAnswer.unreachable(str(problem))
        return RobotsAnswer.of(exchange, body)
