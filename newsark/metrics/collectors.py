"""What a scrape gives: numbers that are there already, put into words. The database is not asked here."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from newsark.metrics import families as to
from newsark.metrics.facts import Facts
from newsark.metrics.families import Labels
from newsark.metrics.statements import Statements
from storage.migrations.standing import CURRENT

if TYPE_CHECKING:
    from crawler.progress import Progress
    from crawler.services import Services


class ArchiveCollector(Collector):
    """The archive: what it holds, what is due, what waits, what happened."""

    def __init__(self, facts: Facts, progresses: Sequence[Progress] = ()) -> None:
        self._facts, self._progresses = facts, progresses

    def collect(self) -> Iterator[Metric]:
        """All metrics that need no crawl."""
        self._facts.wanted()
        versions = (version("newsark"), platform.python_version(), str(CURRENT))
        yield to.BUILD.of({versions: 1})
        yield from self._disk()
        yield from self._standing()
        _, leads, ledger = self._facts.known()
        yield to.LEADS.of(leads.states)
        yield to.LEADS_DUE.of(_by_name(leads.due.items()))
        yield to.LEDGER.of(ledger)
        parts = self._facts.parts
        yield to.FACTS_READ.of(_by_name((part.name, part.at) for part in parts if part.at is not None))
        yield to.FACTS_SECONDS.of(_by_name((part.name, part.seconds) for part in parts))
        yield to.FACTS_FAILURES.of(_by_name((part.name, part.failures) for part in parts))

    def _disk(self) -> Iterator[Metric]:
        try:
            usage = shutil.disk_usage(self._facts.archive.state)
        except OSError:
            return
        yield to.DISK_FREE.one(usage.free)
        yield to.DISK_SIZE.one(usage.total)

    def _standing(self) -> Iterator[Metric]:
        standing, _, _ = self._facts.known()
        now = self._facts.archive.clock()
        times = standing.times
        yield to.OLDEST_DUE.of(_by_name((name, _age(one.oldest_due, now)) for name, one in times.items()))
        last = {name: one.last_success for name, one in times.items()}
        for progress in self._progresses:
            if progress.succeeded_at is not None:
                last[progress.source] = progress.succeeded_at
        yield to.LAST_SUCCESS.of(_moments(last.items()))
        yield to.LAST_VERSION.of(_moments((name, one.last_version) for name, one in times.items()))
        yield to.SEGMENTS_OPEN.one(standing.open_segments)
        yield to.SEGMENTS.of(_by_name(standing.segments.items()))
        yield to.SEGMENT_BYTES.of(_by_name(standing.bytes.items()))
        waiting = {one.store: one for one in standing.backlogs}
        stores = [store.place for store in self._facts.archive.stores]
        yield to.WAITING.of(_by_name((name, waiting[name].parcels if name in waiting else 0) for name in stores))
        yield to.WAITING_BYTES.of(_by_name((name, waiting[name].bytes if name in waiting else 0) for name in stores))
        since = {name: waiting[name].since if name in waiting else None for name in stores}
        yield to.WAITING_SECONDS.of(_by_name((name, _age(moment, now)) for name, moment in since.items()))


class CrawlCollector(Collector):
    """The crawl of this process: what it fetched, read, recorded and brought to the stores."""

    def __init__(self, services: Services, progresses: Sequence[Progress], statements: Statements) -> None:
        self._services, self._progresses, self._statements = services, progresses, statements
        self._started = time.time()
        self.heartbeat = self._started

    def collect(self) -> Iterator[Metric]:
        """All metrics of the crawl."""
        yield to.STARTED.one(self._started)
        yield to.HEARTBEAT.one(self.heartbeat)
        yield to.PAUSED.one(self._services.keeper.disk.is_paused)
        yield from self._sources()
        tally = self._services.pool.tally
        yield to.READING_SECONDS.spreads([((), tally.seconds)])
        yield to.READINGS.of(_by_name(tally.all_results().items()))
        yield to.READINGS_WAITING.one(tally.under_way)
        yield to.STATEMENTS.spreads(((kind,), spread) for kind, spread in self._statements.seconds.items())
        delivered = self._services.keeper.archive.courier.tally
        yield to.UPLOAD_SECONDS.spreads(((store,), spread) for store, spread in delivered.seconds.items())
        stores = list(delivered.seconds)
        yield to.UPLOADED_BYTES.of(_by_name((store, delivered.bytes[store]) for store in stores))
        yield to.UPLOAD_FAILURES.of(_by_name((store, delivered.failed[store]) for store in stores))

    def _sources(self) -> Iterator[Metric]:
        each = {one.source: one for one in self._progresses}
        yield to.FETCHED_BYTES.of(_by_name((name, one.received_bytes) for name, one in each.items()))
        yield to.ARCHIVED_BYTES.of(_by_name((name, one.archived_bytes) for name, one in each.items()))
        yield to.FOUND.of(_by_name((name, one.found) for name, one in each.items()))
        yield to.VERSIONS.of(_by_name((name, one.versions) for name, one in each.items()))
        yield to.FETCHES.of(_counts({name: one.results for name, one in each.items()}))
        yield to.REFUSALS.of(_counts({name: one.refused for name, one in each.items()}))
        yield to.OBSERVATIONS.of(_counts({name: one.observed for name, one in each.items()}))
        visits = {name: dict(one.visits) for name, one in each.items()}
        yield to.VISITS.of({(name, *key): count for name, some in visits.items() for key, count in some.items()})
        yield to.CONFIDENCE.spreads(((name,), one.confidence) for name, one in each.items())


def _by_name(values: Iterable[tuple[str, float]]) -> dict[Labels, float]:
    return {(name,): value for name, value in values}


def _counts(counters: Mapping[str, Mapping[str, int]]) -> dict[Labels, float]:
    # a copy of each, since the crawl goes on meanwhile
    return {(name, word): count for name, one in counters.items() for word, count in dict(one).items()}


def _moments(values: Iterable[tuple[str, datetime | None]]) -> dict[Labels, float]:
    return {(name,): moment.timestamp() for name, moment in values if moment is not None}


def _age(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0) if moment is not None else 0.0
