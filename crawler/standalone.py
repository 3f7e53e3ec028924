"""`scrapy crawl newsroom -a source=FILE -a archive=DIR`: the same crawl, for people who start Scrapy themselves."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from crawler.agent import user_agent
from crawler.keeper import Keeper
from crawler.listing import PARSERS
from crawler.rendering.needs import refuse_without_browser
from crawler.services import CrawlOptions, Services
from crawler.source import load_source
from pipelines.pool import ReaderPool
from storage.archive import Archive, ArchiveSettings
from storage.socketplace import shorten_sockets

LEASE_SECONDS = 24 * 3600.0


class Standalone:
    """One source's crawl without Newsark's command line around it; `finish` seals and closes what `__init__` opened."""

    def __init__(self, source_file: str, archive: str, contact: str | None) -> None:
        self.source = load_source(Path(source_file))
        refuse_without_browser([self.source])
        agent = user_agent(contact)
        settings = ArchiveSettings(operator=contact, user_agent=agent, contact=contact)
        opened = Archive.open(Path(archive).absolute(), settings, lambda: datetime.now(UTC))
        text = Path(source_file).read_text(encoding="utf-8")
        opened.enlist(self.source.id, name=self.source.name, home=self.source.home, toml=text)
        opened.own(self.source.id, LEASE_SECONDS)
        opened.recover(self.source.id)
        shorten_sockets()
        pool = ReaderPool(os.cpu_count() or 1, timeout_seconds=20.0, preload=["crawler.listing", *PARSERS])
        self.services = Services(Keeper(opened), pool, CrawlOptions(user_agent=agent, contact=contact))

    async def finish(self) -> None:
        """Seal the segment, give the source back and close the archive."""
        keeper = self.services.keeper
        await self.services.browsers.close()
        await keeper.run(keeper.archive.seal, self.source.id)
        await keeper.run(keeper.archive.disown, self.source.id)
        keeper.close()
        keeper.archive.close()
        self.services.pool.close()
