"""Room for what is kept: a crawl pauses when there is none, or hardly any, and goes on by itself when there is.

It pauses in the same way while the server that has the catalogue does not answer.

Below the disk's reserve, or while too much waits for a store, nothing new is asked for, and what is under way is kept:
sealing and the catalogue's log need room of their own.
When the disk takes nothing at all, what is under way waits in memory and is tried again.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from crawler.manners import HostState, Manners
from crawler.noroom import is_for_lack_of_room
from storage.database import first_line, is_away
from storage.deliveries import Backlog
from storage.errors import CatalogueUnreachable, DiskFull, StorageError, StoresBehind
from storage.log import Log

log = Log(__name__)
T = TypeVar("T")

# The disk or the database failed, whatever was to be kept: going on would only lose more.
STORAGE_PROBLEMS = (StorageError, SQLAlchemyError, OSError)
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DiskLimits:
    """How much room is left free, how much may wait for a store, and how long a crawl waits for either.

    `catalogue_patience_seconds` is how long it waits for the catalogue's server.
    """

    reserve_bytes: int = 200_000_000
    patience_seconds: float = 24 * 3600.0
    max_waiting_bytes: int = 20_000_000_000
    catalogue_patience_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Lack:
    """What there is no room for: `why` for the log, with the cure; `phrase` for the live line; `again` when it ends;
    `patience_seconds` how long it is waited for."""

    why: str
    phrase: str
    again: str
    error: StorageError
    patience_seconds: float


class DiskSpace:
    """The room on the disk of one archive, for all crawls of a process; used in the event loop's thread.

    `waiting` counts what the disk did not take, `pauses` how often there was no room. Listeners are told a phrase when
    a pause begins and while it lasts, None when it ends.
    """

    def __init__(
        self,
        place: Path,
        limits: DiskLimits,
        now: Callable[[], float] = time.monotonic,
        backlogs: Callable[[], Sequence[Backlog]] = tuple,
        catalogue: str = "",
    ) -> None:
        self.place = place
        self.limits = limits
        self._backlogs = backlogs
        self.waiting = 0
        self.pauses = 0
        self._now = now
        self._catalogue = catalogue
        self._began: float | None = None
        self._going_on = ""
        self._refused: Lack | None = None
        self._looked = -LOOK_SECONDS
        self._woken = asyncio.Event()
        self._listeners: list[Callable[[str | None], None]] = []
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_paused(self) -> bool:
        """Whether nothing new may start."""
        return self._began is not None

    @property
    def error(self) -> StorageError:
        """What a crawl that cannot wait any longer ends with."""
        return self._now_lacking().error

    def free_bytes(self) -> int:
        """How much room there is for this user."""
        return shutil.disk_usage(self.place).free

    def listen(self, listener: Callable[[str | None], None]) -> None:
        """Tell this function when a pause begins, which may be now, and when it ends."""
        self._listeners.append(listener)
        if self.is_paused:
            listener(self._phrase())

    def leave(self, listener: Callable[[str | None], None]) -> None:
        """Tell this function nothing more."""
        self._listeners.remove(listener)

    async def room(self, stop: asyncio.Event) -> bool:
        """Return when a request may start, or at once when `stop` is set; whether that took any time.

        Raises DiskFull when patience is over.
        """
        if not self.is_paused and self._now() - self._looked >= LOOK_SECONDS:
            self._looked = self._now()
            if (lack := self._lack()) is not None:
                self._begin(lack)
        waited = False
        while self.is_paused and not stop.is_set():
            waited = True
            await self._wait(stop)
        return waited

    async def unstuck(self) -> None:
        """Return when nothing waits that the disk did not take."""
        while self.waiting:
            await self._woken.wait()

    async def kept(self, attempt: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
        """The result of `attempt`, which is made again for as long as it fails for lack of room or of the catalogue.

        It must be all or nothing. Raises what else it raises; DiskFull or CatalogueUnreachable when that lasted until
        patience was over or `stop` was set.
        """
        try:
            return await attempt()
        except STORAGE_PROBLEMS as problem:
            lack = self._lack_behind(problem)
            if stop.is_set() or lack is None:
                raise
            self._refused = lack
            self._begin(lack)
        self.waiting += 1
        try:
            return await self._kept_later(attempt, stop)
        finally:
            self.waiting -= 1
            # Who else waits tries again at once.
            self._wake()
            if not stop.is_set():
                self._look()

    async def _kept_later(self, attempt: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
        while True:
            await self._wait(stop)
            if stop.is_set():
                raise self.error
            try:
                return await attempt()
            except STORAGE_PROBLEMS as problem:
                lack = self._lack_behind(problem)
                if lack is None:
                    raise
                self._refused = lack

    def _lack(self) -> Lack | None:
        """Why nothing new may be asked for now, if there is a reason."""
        free = self.free_bytes()
        if free < self.limits.reserve_bytes:
            return self._no_room(
                f"only {size(free)} are free, and disk_reserve_bytes keeps {size(self.limits.reserve_bytes)}"
            )
        behind = max(self._backlogs(), key=lambda one: one.bytes, default=None)
        if behind is not None and behind.bytes > self.limits.max_waiting_bytes:
            return Lack(
                f"{size(behind.bytes)} wait for {behind.store}, more than max_waiting_bytes: "
                f"{behind.problem or 'it is slower than the crawl'}. See to the store, and the crawl goes on by itself",
                f"paused: {size(behind.bytes)} wait for {behind.store}",
                f"{behind.store} has caught up",
                StoresBehind(behind.store, size(behind.bytes), behind.problem or "it is slower than the crawl"),
                self.limits.patience_seconds,
            )
        return None

    def _no_room(self, why: str) -> Lack:
        free = size(self.free_bytes())
        return Lack(
            f"the disk of {self.place} is full: {why}. Make room, and the crawl goes on by itself",
            f"paused: disk full, {free} free",
            f"there is room on the disk of {self.place} again",
            DiskFull(str(self.place), free),
            self.limits.patience_seconds,
        )

    def _lack_behind(self, problem: BaseException) -> Lack | None:
        """What there was not, when that is why something could not be kept, and passes."""
        if is_away(problem):
            return self._no_catalogue(first_line(problem))
        return self._no_room(first_line(problem)) if is_for_lack_of_room(problem, self.place) else None

    def _no_catalogue(self, why: str) -> Lack:
        return Lack(
            f"the catalogue {self._catalogue} does not answer: {why}. When its server is there, the crawl goes on",
            "paused: the catalogue does not answer",
            "the catalogue answers again",
            CatalogueUnreachable(self._catalogue, why),
            self.limits.catalogue_patience_seconds,
        )

    def _now_lacking(self) -> Lack:
        """What is not there while it is paused: what was refused last, as long as that waits."""
        return (self._refused if self.waiting else None) or self._lack() or self._no_room("")

    async def _wait(self, stop: asyncio.Event) -> None:
        """Wait until trying again may help, or until `stop` is set. Raises the lack's error when patience is over."""
        if self._began is not None and self._now() - self._began >= self._now_lacking().patience_seconds:
            raise self.error
        waits = [asyncio.create_task(event.wait()) for event in (self._woken, stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _begin(self, lack: Lack) -> None:
        if self._began is not None:
            return
        self._began, self._going_on = self._now(), lack.again
        self.pauses += 1
        log.warning("paused", f"paused, {lack.why}; nothing is lost", place=self.place, free_bytes=self.free_bytes())
        self._watching = asyncio.create_task(self._watch())
        self._tell(self._phrase())

    async def _watch(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            await asyncio.sleep(wait)
            if not self.is_paused or self._watching is not asyncio.current_task():
                # it ended while this slept, and who is told of it now would wait for good
                return
            wait = min(1.5 * wait, LONGEST_WAIT_SECONDS)
            self._tell(self._phrase())
            self._look()
            self._wake()

    def _look(self) -> None:
        """End the pause when there is room and nothing waits any more for what it was told."""
        if self._began is None or self.waiting or self._lack() is not None:
            return
        paused_seconds, self._began = self._now() - self._began, None
        sentence = f"going on: {self._going_on}, after {paused_seconds:.0f} s"
        log.warning("going-on", sentence, place=self.place, seconds=round(paused_seconds))
        self._tell(None)
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()

    def _phrase(self) -> str:
        return self._now_lacking().phrase

    def _tell(self, phrase: str | None) -> None:
        for listener in self._listeners:
            listener(phrase)


class RoomyManners(Manners):
    """Manners that also wait for room: every request passes here, redirects and robots.txt too."""

    def __init__(
        self,
        delay_seconds: float,
        now: Callable[[], float],
        *,
        max_concurrency: int,
        patience_seconds: float,
        room: Callable[[], Awaitable[bool]],
        hosts: dict[str, HostState] | None = None,
    ) -> None:
        super().__init__(
            delay_seconds, now, max_concurrency=max_concurrency, patience_seconds=patience_seconds, hosts=hosts
        )
        self._room = room

    async def turn(self, host: str) -> None:
        """Return when a request to `host` may start and its answer can be kept; see Manners.turn."""
        await super().turn(host)
        while await self._room():
            # It waited, as others did: they start one after the other again.
            await super().turn(host)


def size(number: float) -> str:
    """A number of bytes for people: `12.3 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
