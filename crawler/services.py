"""What the crawls of one process share: the archive's keeper, the readers, the options."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp.abc import AbstractResolver

from crawler.keeper import Keeper
from crawler.wire import WireLimits
from pipelines.pool import ReaderPool


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """How this run behaves, for all its sources. `None` means: as the source file says; `watch` means: for good."""

    user_agent: str
    contact: str | None = None
    delay_seconds: float | None = None
    limit: int | None = None
    since: datetime | None = None
    again: bool = False
    watch: bool = False
    allow_hosts: tuple[str, ...] = ()
    retry_patience_seconds: float = 90.0
    wire: WireLimits = field(default_factory=WireLimits)


@dataclass(slots=True)
class Services:
    """The shared parts. `stopping` is set to end the crawls; `resolver` replaces DNS in tests and benchmarks only."""

    keeper: Keeper
    pool: ReaderPool
    options: CrawlOptions
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    resolver: AbstractResolver | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
