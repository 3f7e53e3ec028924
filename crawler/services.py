"""What the crawls of one process share: the archive's keeper, the readers, the options."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp.abc import AbstractResolver

from crawler.keeper import Keeper
from crawler.manners import HostState
from crawler.rendering.browsers import Browsers
from crawler.wire import WireLimits
from pipelines.pool import ReaderPool


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """How this run behaves, for all its sources. `None` means: as the source file says; `watch` means: for good,
    `sweep`: everything that the source ever published, the oldest first. `extract` is that key of source files.

    Visits of `settle_seconds`, and of some times as long while others are under way, share one fsync and one commit.
    """

    user_agent: str
    contact: str | None = None
    delay_seconds: float | None = None
    limit: int | None = None
    since: datetime | None = None
    again: bool = False
    watch: bool = False
    sweep: bool = False
    extract: Literal["now", "later"] | None = None
    allow_hosts: tuple[str, ...] = ()
    retry_patience_seconds: float = 90.0
    look_at_clock_seconds: float = 10.0
    settle_seconds: float = 0.1
    wire: WireLimits = field(default_factory=WireLimits)


@dataclass(slots=True)
class Services:
    """The shared parts. `stopping` is set to end the crawls; `living` are the machines of a cluster, by `machine_of`:
    what lies on the disk of any other is given up; None gives up nothing. `hosts` is shared by sources that visit the
    same ones at one time. `clock` and `sleep` are time itself, which
    tests and benchmarks may replace, and only they replace DNS with a `resolver`."""

    keeper: Keeper
    pool: ReaderPool
    options: CrawlOptions
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    resolver: AbstractResolver | None = None
    sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep
    living: frozenset[str] | None = None
    hosts: dict[str, HostState] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    browsers: Browsers = field(default_factory=Browsers)
