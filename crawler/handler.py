"""Steps 3 and 4: Scrapy's download handler fetches over the wire and archives before anyone else sees the answer."""

from __future__ import annotations

import asyncio
import ipaddress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadFailedError
from scrapy.http import Headers, Response

from crawler.budget import Allowance
from crawler.guard import Guard
from crawler.keeper import Stopped
from crawler.manners import Manners, retry_after_seconds
from crawler.rendering.sharedfiles import Fetched, is_shared
from crawler.wire import Wire
from storage.capture import Capture
from storage.exchange import Exchange
from storage.log import Log

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawler.spiders.newsroom import NewsroomSpider

log = Log(__name__)


class FetchFailed(DownloadFailedError):
    """Nothing that can be read came back; the attempt is kept in the archive."""

    def __init__(self, exchange: Exchange, capture: Capture) -> None:
        self.exchange, self.capture = exchange, capture
        failure = exchange.failure
        self.kind = failure.kind if failure is not None else "disconnect"
        super().__init__(failure.message if failure is not None else "no response")


class WireHandler(BaseDownloadHandler):
    """One source's way to the network: manners, wire, archive, in this order, for every request there is."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        spider: NewsroomSpider = crawler.spider  # type: ignore[assignment]  # the only spider there is
        self.spider = spider
        options = spider.services.options
        guard = Guard([*options.allow_hosts, *spider.source.allow_hosts])
        self.wire = Wire(guard, options.wire, resolver=spider.services.resolver, clock=spider.services.clock)
        spider.attach_handler(self)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The handler of a crawler whose spider exists already; http and https share one."""
        spider: NewsroomSpider = crawler.spider  # type: ignore[assignment]  # the only spider there is
        shared = spider.handler
        return shared if isinstance(shared, cls) else cls(crawler)

    @property
    def manners(self) -> Manners:
        """The source's manners."""
        return self.spider.manners

    async def download_request(self, request: Request) -> Response:
        """The response as kept in the archive.

        Raises FetchFailed when nothing readable came, Refused when the guard or the page's budget refuses, HostHeld
        when the host is to be left alone (BudgetSpent when the day's budget is used up), Stopped when the crawl ends.
        """
        files = self.spider.files
        if files is not None and is_shared(request):
            fetched = await files.once(request.url, partial(self._fetch, request))
        else:
            fetched = await self._fetch(request)
        exchange = fetched.exchange
        if exchange.failure is not None or exchange.status is None:
            raise FetchFailed(exchange, fetched.capture)
        return self._response(request, exchange, fetched.capture)

    async def _fetch(self, request: Request) -> Fetched:
        host = urlsplit(request.url).netloc
        share = self.spider.pages.take(request)
        async with self.manners.visiting(host), self.spider.budget.request(host) as allowance:
            allowance.max_bytes = self.spider.pages.limit(request, share, allowance.max_bytes)
            try:
                return await self._visit(host, request, allowance)
            finally:
                if share is not None:
                    share.bytes += allowance.used

    async def _visit(self, host: str, request: Request, allowance: Allowance) -> Fetched:
        if self.spider.is_stopping():
            raise Stopped("the crawl was stopped")
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in request.headers.items()
            for value in values
        ]
        exchange = await self.wire.fetch(
            request.url,
            headers,
            method=request.method,
            verify_tls=not self.spider.source.insecure_tls,
            max_body_bytes=allowance.max_bytes,
        )
        allowance.used = len(exchange.body)
        if self.spider.is_stopping() and (exchange.failure is not None or exchange.truncated == "time"):
            raise Stopped("the crawl was stopped")
        self._obey_retry_after(host, exchange)
        exchange.via = request.meta.get("via")
        return Fetched(exchange, await self.spider.keep(exchange, request))

    def _obey_retry_after(self, host: str, exchange: Exchange) -> None:
        if exchange.status in (429, 503):
            seconds = retry_after_seconds(exchange.header("Retry-After"))
            if seconds is not None:
                log.info("told-to-wait", host=host, status=exchange.status, seconds=seconds)
                self.manners.hold(host, seconds)

    def _response(self, request: Request, exchange: Exchange, capture: Capture) -> Response:
        request.meta["capture"] = capture
        request.meta["exchange"] = exchange
        address = exchange.peer_address
        return Response(
            url=request.url,
            status=exchange.status or 0,
            headers=Headers([(name, value) for name, value in exchange.headers]),
            body=exchange.body,
            flags=[f"truncated-{exchange.truncated}"] if exchange.truncated else None,
            ip_address=ipaddress.ip_address(address.partition("%")[0]) if address else None,
            protocol=exchange.http_version,
        )

    async def close(self) -> None:
        """Close the connections, also those of requests that are still under way."""
        await asyncio.shield(self.wire.close())
