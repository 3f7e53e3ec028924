"""The bounds of a source, for every request: a redirect may not lead a lead out of its newsroom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.http import Response

from storage.errors import Refused

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.spiders.newsroom import NewsroomSpider


class BoundsMiddleware:
    """Refuses requests that are outside the source, before robots.txt of the other site is asked for."""

    def __init__(self, spider: NewsroomSpider) -> None:
        self.spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy asks for it."""
        return cls(crawler.spider)  # type: ignore[arg-type]  # the only spider there is

    def process_request(self, request: Request) -> Request | Response | None:
        """Let the request pass, or raise Refused with the rule."""
        if request.meta.get("any_host"):
            return None
        verdict = self.spider.source.in_scope(request.url)
        if not verdict.inside:
            raise Refused("scope", request.url, verdict.rule)
        return None
