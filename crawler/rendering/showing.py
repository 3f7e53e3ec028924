"""One page shown in a browser until it is quiet: the document that it came to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Error, Page

from crawler.rendering.chromium import CLOSE_SECONDS, Chromium
from crawler.rendering.pagerequests import PageRequests
from crawler.rendering.rendered import NoBrowser, NotRendered

QUIET_SECONDS = 0.5
CLICK_SECONDS = 3.0
LOOK_SECONDS = 0.05
LAST_WORD_SECONDS = 3.0
"""How long a page may still take to give its document when its time is up."""
MEMORY_LOOK_SECONDS = 0.5
MOST_MEMORY_BYTES = 1_500_000_000
VIEWPORT = {"width": 1280, "height": 1024}

# on a busy machine a page may be quiet only since nobody has drawn it yet
_DRAWN = """new Promise((done) => {
  setTimeout(done, 500);
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)));
})"""
_DOCUMENT = """(() => {
  const type = document.doctype ? new XMLSerializer().serializeToString(document.doctype) + "\\n" : "";
  const root = document.documentElement ? document.documentElement.outerHTML : "";
  return type.length + root.length > %d ? null : type + root;
})()"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a page is shown: how long, which buttons are pressed in this order, how many screens it is scrolled down.

    `seconds` are those in which it waits for nobody but itself: the host's turns and answers are not counted.
    """

    seconds: float
    click: tuple[str, ...]
    scroll: int
    user_agent: str
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page came to: its document, which buttons were there, whether it was quiet in the end."""

    document: str
    clicked: tuple[str, ...]
    is_quiet: bool
    seconds: float


async def show(chromium: Chromium, requests: PageRequests, wishes: Wishes) -> Shown:
    """Show the page of these requests.

    Raises NotRendered, and what `requests.problem` is; then the browser is not to be used again.
    """
    chromium.replying = requests.reply
    try:
        context = await _bounded(_context(chromium, wishes))
        shown = await _Showing(chromium, context, requests, wishes).watched()
        chromium.pages_shown += 1
        try:
            await _bounded(context.close())
        except NoBrowser:
            # the document is there; the next page gets another browser
            chromium.kill()
        return shown
    finally:
        chromium.replying = None


async def _context(chromium: Chromium, wishes: Wishes) -> BrowserContext:
    return await chromium.browser.new_context(
        user_agent=wishes.user_agent,
        viewport={"width": VIEWPORT["width"], "height": VIEWPORT["height"]},
        service_workers="block",
        accept_downloads=False,
    )


async def _bounded(work: Coroutine[Any, Any, Any]) -> Any:
    """What the browser gives within a few seconds. Raises NoBrowser."""
    try:
        return await asyncio.wait_for(work, CLOSE_SECONDS)
    except (Error, TimeoutError) as problem:
        raise NoBrowser(f"the browser does not answer: {_told(problem)}") from problem


class _Showing:
    """The showing of one page, and who watches over it."""

    def __init__(self, chromium: Chromium, context: BrowserContext, requests: PageRequests, wishes: Wishes) -> None:
        self._chromium, self._context, self._requests, self._wishes = chromium, context, requests, wishes
        self._spent = self._acted = 0.0
        self._is_loaded = False
        self._protocol: CDPSession | None = None
        self._has_crashed = False
        self._clicked: list[str] = []

    @property
    def _is_over(self) -> bool:
        return self._spent >= self._wishes.seconds

    async def watched(self) -> Shown:
        """What the page came to, or the end of the showing: in time, in memory, with the browser."""
        started = looked = time.monotonic()
        memory_looked = started
        work = asyncio.create_task(self._show(started))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=LOOK_SECONDS)
                now = time.monotonic()
                if not self._requests.under_way:
                    self._spent += now - looked
                looked = now
                self._refuse_what_went_wrong()
                if now - memory_looked > MEMORY_LOOK_SECONDS:
                    await self._refuse_much_memory()
                    memory_looked = time.monotonic()
            return work.result()
        except Error as problem:
            self._refuse_what_went_wrong()
            raise NotRendered(_told(problem)) from problem
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _refuse_what_went_wrong(self) -> None:
        if self._requests.problem is not None:
            raise self._requests.problem
        if self._has_crashed or not self._chromium.is_alive:
            raise NotRendered("the browser crashed, or the page used up its memory")
        if self._spent >= self._wishes.seconds + LAST_WORD_SECONDS:
            raise NotRendered(f"the page gave no document within {self._spent:.0f} s of its own: it hangs")

    async def _refuse_much_memory(self) -> None:
        used = await _bounded(self._chromium.memory_bytes())
        if used > MOST_MEMORY_BYTES:
            raise NotRendered(f"the page took {used // 1_000_000:,} MB of memory")

    async def _show(self, started: float) -> Shown:
        page = await self._context.new_page()
        protocol = await self._context.new_cdp_session(page)
        target = await protocol.send("Target.getTargetInfo")
        self._requests.frame = target["targetInfo"]["targetId"]
        self._protocol = protocol
        self._context.on("page", _close)
        protocol.on("Page.frameAttached", self._frame_attached)
        await protocol.send("Page.enable")
        page.on("crash", self._crashed)
        page.on("load", self._loaded)
        await page.goto(self._requests.url, wait_until="commit", timeout=0)
        self._acted = time.monotonic()
        await self._quiet()
        for selector in self._wishes.click:
            await self._click(page, selector)
        for _ in range(self._wishes.scroll):
            await self._scroll(page)
        is_quiet = await self._quiet()
        if not page.url.startswith(("http://", "https://")):
            raise NotRendered(f"the page led away to {page.url[:100]}")
        document = await self._document()
        return Shown(document, tuple(self._clicked), is_quiet, time.monotonic() - started)

    def _frame_attached(self, event: dict[str, Any]) -> None:
        self._requests.frames.add(event["frameId"])

    def _crashed(self, _: object) -> None:
        self._has_crashed = True

    def _loaded(self, _: object) -> None:
        self._is_loaded = True

    async def _quiet(self) -> bool:
        """Wait until the page is loaded and asks for nothing, or until its time is up; whether it is quiet."""
        while not self._is_over:
            idle = time.monotonic() - max(self._requests.last, self._acted)
            if self._is_loaded and not self._requests.under_way and idle >= QUIET_SECONDS:
                last = self._requests.last
                # a page that loads itself anew takes the question with it
                with contextlib.suppress(Error):
                    await self._evaluate(_DRAWN)
                if self._is_loaded and not self._requests.under_way and self._requests.last == last:
                    return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _click(self, page: Page, selector: str) -> None:
        """Press what the selector finds first; where there is nothing, nothing is pressed."""
        if self._is_over:
            return
        with contextlib.suppress(Error):
            await page.locator(f"css={selector}").first.click(timeout=CLICK_SECONDS * 1000, no_wait_after=True)
            self._clicked.append(selector)
            self._acted = time.monotonic()
        await self._quiet()

    async def _scroll(self, page: Page) -> None:
        if not self._is_over:
            await page.mouse.wheel(0, VIEWPORT["height"])
            self._acted = time.monotonic()
            await self._quiet()

    async def _evaluate(self, expression: str) -> Any:
        """What an expression comes to in a world of our own: the page's scripts cannot change what is read."""
        assert self._protocol is not None
        where = {"frameId": self._requests.frame, "worldName": "newsark"}
        world = await self._protocol.send("Page.createIsolatedWorld", where)
        asked = {"expression": expression, "contextId": world["executionContextId"]}
        how = {"returnByValue": True, "awaitPromise": True}
        return (await self._protocol.send("Runtime.evaluate", asked | how))["result"].get("value")

    async def _document(self) -> str:
        """The document as it stands."""
        while True:
            try:
                document = await self._evaluate(_DOCUMENT % self._wishes.most_bytes)
            except Error:
                # it was just being replaced; whoever watches ends this
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if document is None:
                raise NotRendered(f"the document has more than {self._wishes.most_bytes:,} characters")
            return str(document)


async def _close(page: Page) -> None:
    """A window that the page opened: nothing is asked for in it."""
    with contextlib.suppress(Error):
        await page.close()


def _told(problem: BaseException) -> str:
    """The first line of what the browser says; the rest is a log of calls."""
    return (str(problem) or type(problem).__name__).splitlines()[0][:300]
