"""What the files of pages came to in this crawl: each is asked for once, whether a browser or a lead needs it first."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from scrapy import Request

from crawler.kinds import RESOURCE
from crawler.outcome import PASSING_STATUS
from storage.capture import Capture
from storage.exchange import Exchange

MOST_BYTES = 64 * 1024 * 1024
HOLDS_SECONDS = 3600.0
"""A watch is one crawl for good, and newsrooms change their scripts."""


class Fetched(NamedTuple):
    """An exchange, and where it is kept."""

    exchange: Exchange
    capture: Capture


def is_shared(request: Request) -> bool:
    """Whether a request is for a file that other pages may need too: never for data that a page's script asks for."""
    lead = request.meta.get("lead")
    return bool(request.meta.get("is_file")) or (lead is not None and lead.kind == RESOURCE)


class SharedFiles:
    """Remembers whole answers by URL, those last used, for an hour, up to `most_bytes` of bodies as they came.

    What failed, and what the server itself calls passing, is asked for again.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._size_bytes = 0
        self._kept: OrderedDict[str, tuple[float, Fetched]] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def once(self, url: str, fetch: Callable[[], Awaitable[Fetched]]) -> Fetched:
        """What is remembered for the URL, or what `fetch` brings now; whoever wants it meanwhile waits."""
        while (waited_for := self._under_way.get(url)) is not None:
            await asyncio.wait({waited_for})
        since, known = self._kept.get(url, (0.0, None))
        if known is not None and time.monotonic() - since < HOLDS_SECONDS:
            self._kept.move_to_end(url)
            return known
        done = self._under_way[url] = asyncio.get_running_loop().create_future()
        try:
            fetched = await fetch()
        finally:
            del self._under_way[url]
            done.set_result(None)
        if _lasts(fetched.exchange):
            self._keep(url, fetched)
        return fetched

    def _keep(self, url: str, fetched: Fetched) -> None:
        if url in self._kept:
            self._forget(self._kept.pop(url)[1])
        self._kept[url] = time.monotonic(), fetched
        self._size_bytes += len(fetched.exchange.body)
        while self._size_bytes > self._most_bytes and self._kept:
            self._forget(self._kept.popitem(last=False)[1][1])

    def _forget(self, fetched: Fetched) -> None:
        self._size_bytes -= len(fetched.exchange.body)


def _lasts(exchange: Exchange) -> bool:
    is_whole = exchange.failure is None and exchange.truncated is None and exchange.status is not None
    return is_whole and exchange.status != 304 and exchange.status not in PASSING_STATUS
