"""The newsroom on a loopback port: inside a test's own loop, in a thread, or in a process of its own."""

from __future__ import annotations

import ipaddress
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aiohttp import web

from tests.newsroom.answer import send
from tests.newsroom.clock import DAY_SECONDS, Clock
from tests.newsroom.loop_thread import in_thread
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.visit import RequestSeen

CLOCK_PATH = "/__clock"
"""GET tells the newsroom's time; POST with `advance=SECONDS` or `now=ISO` moves it. Loopback clients only."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Site:
    """A newsroom that is being served; `requests` grows, oldest first.

    `address` is where it answers, `http://host:port` without a slash at its end.
    """

    newsroom: Newsroom
    busy_once: frozenset[str] = frozenset()
    retry_after: str = "1"
    address: str = ""
    requests: list[RequestSeen] = field(default_factory=list)
    _greeted: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        """What the pages call the site: `address`, or the public URL it was given."""
        return self.newsroom.base_url

    @property
    def clock(self) -> Clock:
        """The clock that decides which stories are out."""
        return self.newsroom.clock

    def paths(self) -> list[str]:
        """The path and query of each request seen, oldest first."""
        return [seen.path for seen in self.requests]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What aiohttp calls for each request."""
        if request.path == CLOCK_PATH:
            return self._answer_clock(request)
        response = await self._answer(request)
        self.requests.append(
            RequestSeen(request.method, request.raw_path, request.host, request.raw_headers, response.status)
        )
        return response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in self.busy_once and request.path not in self._greeted:
            self._greeted.add(request.path)
            headers = {"Retry-After": self.retry_after}
            return web.Response(status=503, text="The presses are busy.\n", headers=headers)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return await send(request, self.newsroom.page(request.path), self.clock.now)

    def _answer_clock(self, request: web.BaseRequest) -> web.StreamResponse:
        if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:
            return web.Response(status=403)
        query = request.query
        try:
            if request.method == "POST" and "now" in query:
                self.clock.set(datetime.fromisoformat(query["now"]))
            elif request.method == "POST":
                self.clock.advance(float(query.get("advance", DAY_SECONDS)))
        except ValueError as problem:
            return web.Response(status=400, text=f"{problem}\n")
        return web.json_response({"now": self.clock.now.isoformat()})


@asynccontextmanager
async def serve_newsroom(
    clock: Clock | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    public_url: str | None = None,
    copies: int = 1,
    robots_extra: str = "",
    busy_once: Collection[str] = (),
    retry_after: str = "1",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Site]:
    """A site in the running loop; port 0 takes a free one.

    `public_url` replaces `http://host:port` in what the pages say. Paths in `busy_once` answer their first
    visit with 503 and Retry-After.
    """
    site = Site(Newsroom(clock, "", copies, robots_extra), frozenset(busy_once), retry_after)
    runner = web.ServerRunner(web.Server(site.answer, access_log=None))
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls, reuse_address=True, backlog=512).start()
        bound = runner.addresses[0][1]
        named = f"[{host}]" if ":" in host else host
        scheme = "https" if tls else "http"
        site.address = f"{scheme}://{named}:{bound}"
        site.newsroom.base_url = (public_url or site.address).rstrip("/")
        yield site
    finally:
        await runner.cleanup()


@contextmanager
def running_newsroom(
    clock: Clock | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    public_url: str | None = None,
    copies: int = 1,
    robots_extra: str = "",
    busy_once: Collection[str] = (),
    retry_after: str = "1",
    tls: ssl.SSLContext | None = None,
) -> Iterator[Site]:
    """The same site in a thread with a loop of its own, for tests that are not asynchronous."""
    serving = serve_newsroom(
        clock,
        host,
        port,
        public_url=public_url,
        copies=copies,
        robots_extra=robots_extra,
        busy_once=busy_once,
        retry_after=retry_after,
        tls=tls,
    )
    with in_thread(serving) as site:
        yield site


@dataclass(frozen=True, slots=True)
class NewsroomProcess:
    """A newsroom in a process of its own, for measurements that must not share an interpreter with it."""

    url: str
    process_id: int

    def advance(self, seconds: float = DAY_SECONDS) -> datetime:
        """The newsroom's new time, `seconds` later."""
        request = urllib.request.Request(f"{self.url}{CLOCK_PATH}?advance={seconds}", method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            return datetime.fromisoformat(json.load(response)["now"])


@contextmanager
def newsroom_process(*options: str) -> Iterator[NewsroomProcess]:
    """A `python -m tests.newsroom --port 0 OPTIONS` that ends with the block."""
    command = [sys.executable, "-m", "tests.newsroom", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first_line = process.stdout.readline()
            if not first_line.startswith("listening on "):
                raise RuntimeError(f"the newsroom did not start: {first_line!r}")
            url = first_line.removeprefix("listening on ").strip().rstrip("/")
            yield NewsroomProcess(url, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=10)
