"""The browsers of one process: a few at most, started when a page needs one, ended when none does for a while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from crawler.rendering.rendered import NoBrowser

if TYPE_CHECKING:
    from playwright.async_api import Playwright

    from crawler.rendering.chromium import Chromium

AT_ONCE = 4
PAGES_EACH = 50
IDLE_SECONDS = 60.0
STOP_SECONDS = 5.0
TOLD_CHARACTERS = 600
# how it was called, and that it was
_NOISE = ("<launch", "[pid=", "Call log:", "Browser logs:")


class Browsers:
    """Lends browsers out, each for one page at a time; one that showed many is replaced. Close it with `close`."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._idle: list[Chromium] = []
        self._running: set[Chromium] = set()
        self._playwright: Playwright | None = None
        self._starting = asyncio.Lock()
        self._ending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[Chromium]:
        """A browser of one's own. After an exception it is ended: whatever a page did to it is gone with it.

        Raises NoBrowser when none can be started.
        """
        async with self._places:
            chromium = await self._taken()
            is_well = False
            try:
                yield chromium
                is_well = chromium.is_alive and chromium.pages_shown < PAGES_EACH
            finally:
                if is_well:
                    self._idle.append(chromium)
                    self._end_later()
                else:
                    await self._end(chromium)

    async def _taken(self) -> Chromium:
        if self._ending is not None:
            self._ending.cancel()
        while self._idle:
            chromium = self._idle.pop()
            if chromium.is_alive:
                return chromium
            await self._end(chromium)
        return await self._started()

    async def _started(self) -> Chromium:
        # here, since whoever renders nothing needs no playwright
        from playwright.async_api import Error, async_playwright

        from crawler.rendering.chromium import Chromium

        try:
            async with self._starting:
                if self._playwright is None:
                    self._playwright = await async_playwright().start()
                chromium = await Chromium.launch(self._playwright)
        except (Error, OSError) as problem:
            # whoever drives the browsers may have been ended from outside; the next page begins anew
            await self._stop_driver()
            raise NoBrowser(f"the browser does not start: {_words(problem)}") from problem
        self._running.add(chromium)
        return chromium

    async def _end(self, chromium: Chromium) -> None:
        self._running.discard(chromium)
        await chromium.close()

    def _end_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._ending = loop.call_later(IDLE_SECONDS, self._end_idle)

    def _end_idle(self) -> None:
        while self._idle:
            task = asyncio.get_running_loop().create_task(self._end(self._idle.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all of them, also those that are in use."""
        if self._ending is not None:
            self._ending.cancel()
        self._idle.clear()
        for chromium in [*self._running]:
            await self._end(chromium)
        await self._stop_driver()

    async def _stop_driver(self) -> None:
        playwright, self._playwright = self._playwright, None
        if playwright is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(playwright.stop(), STOP_SECONDS)


def _words(problem: BaseException) -> str:
    """Why, on one line: what playwright says, and what the browser said itself; not how it was called."""
    said = [line.partition("[err] ")[2] or line for line in str(problem).splitlines()]
    kept = [line.strip(" -=") for line in said if not any(word in line for word in _NOISE)]
    return " ".join(" ".join(dict.fromkeys(kept)).split())[:TOLD_CHARACTERS]
