"""Where metrics are shown: on an address of their own beside a crawl, and as a page of the reading room."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.exposition import choose_encoder

from newsark.address import is_loopback
from newsark.console import err, say
from newsark.metrics.collectors import ArchiveCollector, CrawlCollector
from newsark.metrics.facts import Facts
from newsark.metrics.statements import Statements
from storage.errors import WrongUse

if TYPE_CHECKING:
    from crawler.progress import Progress
    from crawler.services import Services
    from newsark.home import Home
    from storage.archive import Archive

BEAT_SECONDS = 2.0
Exposition = Callable[[str], tuple[str, bytes]]


@contextlib.asynccontextmanager
async def crawl_metrics(home: Home, services: Services, progresses: Sequence[Progress]) -> AsyncIterator[None]:
    """Show the metrics of a crawl where the settings say, as long as it lasts; nowhere without a setting.

    Raises WrongUse when the address cannot be listened on.
    """
    if home.settings.metrics is None:
        yield
        return
    archive = services.keeper.archive
    crawl = CrawlCollector(services, progresses, Statements(archive.catalogue.engine))
    facts = Facts(home, archive)
    registry = _registry(ArchiveCollector(facts, progresses), crawl)
    with _listening(home.settings.metrics, registry):
        facts.start()
        beating = asyncio.create_task(_beat(crawl))
        try:
            yield
        finally:
            beating.cancel()
            facts.close()


@contextlib.contextmanager
def archive_metrics(home: Home, archive: Archive) -> Iterator[Exposition]:
    """A function that gives media type and text of the archive's metrics for what an Accept header asks for."""
    facts = Facts(home, archive)
    registry = _registry(ArchiveCollector(facts))
    facts.start()

    def exposition(accept: str) -> tuple[str, bytes]:
        encode, media_type = choose_encoder(accept)
        return media_type, encode(registry)

    try:
        yield exposition
    finally:
        facts.close()


def _registry(*collectors: ArchiveCollector | CrawlCollector) -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


async def _beat(crawl: CrawlCollector) -> None:
    while True:
        crawl.heartbeat = time.time()
        await asyncio.sleep(BEAT_SECONDS)


@contextlib.contextmanager
def _listening(address: str, registry: CollectorRegistry) -> Iterator[None]:
    """Answer there from threads of their own until the block ends."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        server, thread = start_http_server(int(port), host, registry)
    except OSError as problem:
        raise WrongUse(f"metrics cannot be shown at {address}: {problem.strerror or problem}") from problem
    shown = f"[{host}]" if ":" in host else host
    whom = "" if is_loopback(host) else ", for whoever reaches it"
    say(f"Metrics at http://{shown}:{server.server_port}/metrics{whom}.", to=err)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
