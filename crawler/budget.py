"""A source's daily budget of requests and bytes: never exceeded, not by concurrent requests and not by a crash."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from crawler.manners import HostHeld
from storage.spending import Spent

LEAST_BYTES = 1_000_000
"""With less than this, or a tenth of the budget, left for a body, the day counts as over."""


class BudgetSpent(HostHeld):
    """The source's budget of the day is used up; the next begins in `seconds`."""

    kind = "daily-budget"

    def __init__(self, host: str, seconds: float, what: str) -> None:
        super().__init__(host, seconds)
        self.args = (f"the source's budget of {what} a day is used up; the next day begins in {seconds / 3600:.1f} h",)


@dataclass(slots=True)
class Allowance:
    """What one request may bring: at most `max_bytes` of body, None for as much as any; `used` is what it brought."""

    max_bytes: int | None
    used: int = 0


class Budget:
    """The budget of one source; days begin at midnight in UTC.

    `load` gives what was promised on a day, `save` makes a promise durable; no body is longer than `most_bytes`. A few
    requests more are promised than are used, so that not each waits for the disk; `close` takes the rest back.
    """

    def __init__(
        self,
        requests: int | None,
        size_bytes: int | None,
        *,
        most_bytes: int,
        load: Callable[[str], Awaitable[Spent]],
        save: Callable[[Spent], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._requests, self._bytes, self._most_bytes = requests, size_bytes, most_bytes
        self._load, self._save, self._clock = load, save, clock
        self._promised = Spent("")
        self._used = Spent("")
        self._held = 0
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()
        self.exhausted: str | None = None

    @property
    def is_spent(self) -> bool:
        """Whether nothing may be asked for today any more, as far as is known."""
        return self._used.day == self._today() and self._lacks() is not None and not self._held

    @contextlib.asynccontextmanager
    async def request(self, host: str) -> AsyncIterator[Allowance]:
        """The allowance of a request to `host`; what it used of it is taken off. Raises BudgetSpent."""
        if self._requests is None and self._bytes is None:
            yield Allowance(None)
            return
        async with self._turn:
            allowance = await self._allowed(host)
        held = allowance.max_bytes or 0
        day = self._used.day
        try:
            yield allowance
        finally:
            self._held -= held
            if day == self._used.day:
                self._used = replace(self._used, bytes=self._used.bytes + allowance.used)
            self._returned.set()

    async def _allowed(self, host: str) -> Allowance:
        while True:
            await self._begin_day()
            lacks = self._lacks()
            if lacks is None:
                break
            if not self._held:
                self.exhausted = lacks
                raise BudgetSpent(host, self._until_midnight(), lacks)
            # what is under way may need less than it holds
            self._returned.clear()
            await self._returned.wait()
        room = None if self._bytes is None else self._room()
        await self._promise(room or 0)
        self._used = replace(self._used, requests=self._used.requests + 1)
        self._held += room or 0
        return Allowance(room)

    async def close(self) -> None:
        """Take back what was promised and not used; to be called when nothing is under way."""
        if self._promised != self._used:
            await self._save(self._used)
            self._promised = self._used

    def _lacks(self) -> str | None:
        """What there is not enough of for one more request, in words; None when there is."""
        if self._requests is not None and self._used.requests >= self._requests:
            return f"{self._requests:,} requests"
        if self._bytes is not None and self._room() < min(LEAST_BYTES, self._bytes // 10):
            return f"{self._bytes:,} bytes"
        return None

    def _room(self) -> int:
        """The bytes that one more request may bring."""
        assert self._bytes is not None
        return min(self._bytes - self._used.bytes - self._held, self._most_bytes)

    async def _begin_day(self) -> None:
        today = self._today()
        if self._used.day != today:
            # a promise that was not used up counts as used: nobody knows how much of it was
            self._used = self._promised = await self._load(today)

    async def _promise(self, room: int) -> None:
        requests, size = self._used.requests + 1, self._used.bytes + self._held + room
        if requests <= self._promised.requests and size <= self._promised.bytes:
            return
        more = Spent(
            self._used.day,
            max(self._promised.requests, _rounded(requests, self._requests)),
            max(self._promised.bytes, size),
        )
        await self._save(more)
        self._promised = more

    def _today(self) -> str:
        return f"{self._clock().astimezone(UTC):%Y-%m-%d}"

    def _until_midnight(self) -> float:
        now = self._clock().astimezone(UTC)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds() + 1.0


def _rounded(requests: int, limit: int | None) -> int:
    if limit is None:
        return requests + 100
    return min(limit, requests + limit // 100)
