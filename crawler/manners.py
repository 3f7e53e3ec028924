"""Manners: how often a host is visited. Every request passes here, redirects and robots.txt too."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_CRAWL_DELAY_SECONDS = 120.0
MAX_RETRY_AFTER_SECONDS = 24 * 3600.0


class HostHeld(Exception):
    """The host asked for more patience than a crawl has: it is left alone for the next `seconds`."""

    kind = "retry-after"

    def __init__(self, host: str, seconds: float) -> None:
        self.host, self.seconds = host, seconds
        super().__init__(f"{host} asked to be left alone for another {seconds:.0f} s (Retry-After)")


@dataclass(slots=True)
class HostState:
    """When a host may be visited next, and how many visits of it may be under way."""

    delay_seconds: float
    places: asyncio.Semaphore
    not_before: float = 0.0
    held_until: float = 0.0


class Manners:
    """Spaces the starts of requests to each host, in the order they were asked for, and bounds how many are under way.

    `now` is a monotonic clock in seconds. A hold of more than `patience_seconds` is not waited for. Sources that visit
    the same hosts at one time share what is known of these, as `hosts`: to a host they are one visitor.
    """

    def __init__(
        self,
        delay_seconds: float,
        now: Callable[[], float],
        *,
        max_concurrency: int = 64,
        patience_seconds: float = math.inf,
        hosts: dict[str, HostState] | None = None,
    ) -> None:
        self.delay_seconds = delay_seconds
        self._max_concurrency = max_concurrency
        self._patience_seconds = patience_seconds
        self._now = now
        self._hosts = {} if hosts is None else hosts
        self._stop = asyncio.Event()

    def _host(self, host: str) -> HostState:
        place = self._hosts.get(host)
        if place is None:
            place = self._hosts[host] = HostState(self.delay_seconds, asyncio.Semaphore(self._max_concurrency))
        return place

    @contextlib.asynccontextmanager
    async def visiting(self, host: str) -> AsyncIterator[None]:
        """A visit to `host`, begun when one of its places is free and its turn has come. Raises HostHeld."""
        # Scrapy's own bound of requests to a host lets a burst through: it counts them when their tasks have begun.
        async with self._host(host).places:
            await self.turn(host)
            yield

    async def turn(self, host: str) -> None:
        """Return when a request to `host` may start, or at once when the manners were stopped.

        Raises HostHeld when the host is not to be visited for longer than anybody waits here.
        """
        place = self._host(host)
        while not self._stop.is_set():
            now = self._now()
            if place.held_until - now > self._patience_seconds:
                raise HostHeld(host, place.held_until - now)
            wait = place.not_before - now
            if wait <= 0:
                # Taken before anything is awaited, so two waiting requests can never start together.
                place.not_before = now + place.delay_seconds
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)

    def crawl_delay(self, host: str, seconds: float | None) -> None:
        """Obey a Crawl-delay of robots.txt: the longer of it and the source's own delay, at most two minutes.

        To be called when robots.txt has come, whether it has a Crawl-delay or none.
        """
        place = self._host(host)
        place.delay_seconds = max(self.delay_seconds, min(seconds or 0.0, MAX_CRAWL_DELAY_SECONDS))
        # From now and not from when it was asked for: connecting took time before the server saw that request.
        place.not_before = max(place.not_before, self._now() + place.delay_seconds)

    def hold(self, host: str, seconds: float) -> None:
        """Start nothing on `host` for so long: it answered with Retry-After."""
        place = self._host(host)
        place.held_until = max(place.held_until, self._now() + seconds)
        place.not_before = max(place.not_before, place.held_until)

    def stop(self) -> None:
        """Let nobody wait any longer: the crawl ends and nothing will be sent."""
        self._stop.set()

    def wait_seconds(self, host: str) -> float:
        """How long the next request to `host` would wait now."""
        return max(0.0, self._host(host).not_before - self._now())


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait from a Retry-After header (RFC 9110, 10.2.3), or None when there is none or it is unreadable.

    Both forms are read: a number of seconds and an HTTP date. Never negative, at most a day.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_RETRY_AFTER_SECONDS)
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, (date - (now or datetime.now(UTC))).total_seconds()), MAX_RETRY_AFTER_SECONDS)
