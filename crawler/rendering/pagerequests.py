"""What a page asks for in the browser, answered with what the wire brings: manners, robots.txt, guard, budgets, archive
hold for it as for any other request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import DownloadFailedError, IgnoreRequest

from crawler.keeper import Stopped
from crawler.manners import HostHeld
from crawler.problem import problem_from
from crawler.scope import site_of
from crawler.trackers import tracker
from crawler.visit import Answer
from crawler.weburl import parse_web_url
from pipelines.decode import decode_body
from pipelines.page import ReadLimits
from storage.errors import PageError, Refused

if TYPE_CHECKING:
    from crawler.spiders.newsroom import NewsroomSpider
    from storage.exchange import Exchange

MOST_ASKED = 5000
MOST_TOLD = 100
MOST_RELOADS = 3
TOLD_CHARACTERS = 300
PAGES, DATA = frozenset({"Document"}), frozenset({"XHR", "Fetch"})
FILES = frozenset({"Stylesheet", "Script", "Other"})
WANTED_FILES = {"page": frozenset({"Image", "Font"}), "images": frozenset({"Image"}), "none": frozenset[str]()}
"""What beside them is asked for, by the source's `requisites`; sounds, films and streams never are."""

# The body is handed on unpacked, and its length is another one then.
_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"})
# A part of an answer, or "as before", is no answer to keep.
_NOT_SENT = frozenset({"accept-encoding", "range", "if-none-match", "if-modified-since", "if-range", "host"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the browser, stopped before it is sent: `kind` is the protocol's ResourceType."""

    url: str
    method: str
    kind: str
    headers: Mapping[str, str]
    frame: str

    def header(self, name: str) -> str | None:
        """The value of a header, matched without case, or None."""
        return next((value for key, value in self.headers.items() if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the browser is given: the body unpacked."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Declined(Exception):
    """The request is not made; `ends_navigation` leaves the page as it is."""

    def __init__(self, reason: str, *, ends_navigation: bool = False) -> None:
        self.ends_navigation = ends_navigation
        super().__init__(reason)


class PageRequests:
    """The requests of one page. `under_way` counts those that the wire is asked for, `last` is when one was
    (monotonic).

    `answered_by` are the records that it was given, `declined` says what was not asked for and why. `problem` is what
    ends the showing: the host is to be left alone, or the crawl ends. `frame` is the page's own, `frames` those in it,
    as the browser calls them.
    """

    def __init__(self, spider: NewsroomSpider, answer: Answer) -> None:
        self._spider = spider
        self._answer = answer
        self._limit_bytes = ReadLimits().max_page_bytes
        self._site = site_of(parse_web_url(answer.url))
        self._reloads = 0
        self.frame: str | None = None
        self.frames: set[str] = set()
        self.asked = self.under_way = 0
        self.last = time.monotonic()
        self.answered_by: dict[str, None] = {}
        self.declined: list[str] = []
        self.problem: Exception | None = None

    @property
    def url(self) -> str:
        """The page's own address."""
        return self._answer.url

    async def reply(self, asked: Asked) -> Reply:
        """What is to be answered. Raises Declined."""
        self.asked += 1
        try:
            return await self._reply(asked)
        except Declined as declined:
            if len(self.declined) < MOST_TOLD:
                self.declined.append(f"{asked.method} {asked.url[:TOLD_CHARACTERS]}: {declined}")
            raise

    async def _reply(self, asked: Asked) -> Reply:
        if self.asked > MOST_ASKED or self.problem is not None:
            raise Declined("the page asks for too much", ends_navigation=True)
        if asked.kind in PAGES and asked.frame == self.frame:
            return await self._own_page(asked)
        if asked.method == "OPTIONS" and asked.header("access-control-request-method") == "GET":
            return _allowed_across_origins(asked)
        if asked.method != "GET":
            raise Declined("only GET is asked for")
        self._refuse_unneeded(asked)
        return await self._from_wire(asked)

    async def _own_page(self, asked: Asked) -> Reply:
        """The page itself: as it was fetched already."""
        self._reloads += 1
        if asked.method != "GET" or asked.url != self._answer.url.partition("#")[0]:
            raise Declined("the page leads elsewhere", ends_navigation=True)
        if self._reloads > MOST_RELOADS:
            raise Declined("the page loads itself again and again", ends_navigation=True)
        answer = self._answer
        body = await self._unpacked(answer.body, answer.header("Content-Encoding"))
        return Reply(answer.status, _headers(answer.headers), body)

    def _refuse_unneeded(self, asked: Asked) -> None:
        kind = "Image" if asked.url.endswith("/favicon.ico") else asked.kind
        wanted = FILES | DATA | PAGES | WANTED_FILES[self._spider.source.requisites]
        if kind not in wanted:
            raise Declined(f"{kind} is not needed")
        try:
            parsed = parse_web_url(asked.url)
        except Refused as problem:
            raise Declined(f"{problem.rule}: {problem.problem}") from problem
        if kind in PAGES and (asked.frame not in self.frames or site_of(parsed) != self._site):
            raise Declined("another window, or a frame of another site, is not needed", ends_navigation=True)
        if (host := tracker(asked.url)) is not None:
            raise Declined(f"block: {host} is on the list of trackers and advertising")
        if (pattern := self._spider.source.blocks(asked.url)) is not None:
            raise Declined(f"block: it matches {pattern!r} of the source file")

    async def _from_wire(self, asked: Asked) -> Reply:
        self.under_way += 1
        try:
            exchange = await self._exchange(asked)
            if exchange.truncated is not None:
                raise Declined(f"truncated-{exchange.truncated}: {exchange.truncated_detail}")
            body = await self._unpacked(exchange.body, exchange.header("Content-Encoding"))
        finally:
            self.under_way -= 1
            self.last = time.monotonic()
        return Reply(exchange.status or 0, _headers(exchange.headers), body)

    async def _exchange(self, asked: Asked) -> Exchange:
        engine = self._spider.crawler.engine
        assert engine is not None
        request = self._request(asked)
        try:
            response = await engine.download_async(request)
        except (HostHeld, Stopped) as problem:
            self.problem = problem
            raise Declined(str(problem)) from problem
        except (Refused, IgnoreRequest, DownloadFailedError) as problem:
            named = problem_from(problem)
            raise Declined(f"{named.kind}: {named.detail}") from problem
        assert response.request is not None
        self.answered_by[response.request.meta["capture"].record_id] = None
        exchange: Exchange = response.request.meta["exchange"]
        return exchange

    def _request(self, asked: Asked) -> Request:
        own = self._spider.headers
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in _NOT_SENT}
        headers |= {name: own[name] for name in ("User-Agent", "Accept-Encoding", "From") if name in own}
        meta = {"any_host": True, "as_it_comes": True, "via": self.url, "page": self.url}
        meta["is_file"] = asked.kind not in DATA | PAGES
        return Request(str(parse_web_url(asked.url)), headers=headers, meta=meta, dont_filter=True)

    async def _unpacked(self, body: bytes, content_encoding: str | None) -> bytes:
        try:
            decoded = await asyncio.to_thread(decode_body, body, content_encoding, self._limit_bytes)
        except PageError as problem:
            raise Declined(f"{problem.kind}: {problem}") from problem
        return decoded.data


def _headers(headers: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() not in _OF_THE_TRANSFER)


def _allowed_across_origins(asked: Asked) -> Reply:
    """The answer to a preflight (Fetch, 4.8): the GET behind it is asked for; its own answer says who may read it."""
    headers = [
        ("Access-Control-Allow-Origin", asked.header("origin") or "*"),
        ("Access-Control-Allow-Methods", "GET"),
        ("Access-Control-Allow-Headers", asked.header("access-control-request-headers") or ""),
        ("Access-Control-Allow-Credentials", "true"),
    ]
    return Reply(204, tuple(headers), b"")
