"""What it costs to see inside: log lines, counters, counting leads, a scrape of many sources.

    python benchmarks/inside.py [--leads 10000000] [--sources 1000]

Leads are written straight into an embedded catalogue (400 MB for each million, in a temporary directory).
"""

from __future__ import annotations

import argparse
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import text

from crawler.progress import Progress
from newsark.logs import begin_logs
from newsark.metrics import families
from newsark.metrics.families import FAMILIES
from newsark.settings import NewsarkSettings
from reading.vitals import lead_counts
from storage.archive import Archive, ArchiveSettings
from storage.log import Log
from storage.spread import SHARES, Spread

FILL = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < :count)
insert into leads (source_id, identity, url, kind, depth, hints, first_seen, last_seen, state, attempts, queue,
    priority, rank, next_due)
select 's', printf('%064x', i), 'https://news.example/2026/a/' || i, 'article', 0, '{}', :then, :then,
    case when i % 10 = 0 then 'failed' when i % 3 = 0 then 'unchanged' else 'captured' end, 0, i % 50 = 0, 50, 0,
    case when i % 50 = 0 then null else :later end
from n
"""


def utc_now() -> datetime:
    return datetime.now(UTC)


def microseconds(count: int, work: Callable[[], object]) -> float:
    """Of the processor, the median of nine rounds, for one call."""
    rounds = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(count):
            work()
        rounds.append((time.process_time() - began) / count * 1e6)
    return statistics.median(rounds)


def log_lines(directory: Path) -> None:
    facts: dict[str, Any] = {"status": 200, "result": "2xx", "ms": 12, "bytes": 123456}
    for level, form in (("warning", "json"), ("debug", "json"), ("debug", "console")):
        chosen: dict[str, Any] = {"log_file": str(directory / "log"), "log_level": level, "log_format": form}
        begin_logs(NewsarkSettings(serve_token="a-word-that-nobody-guesses", **chosen))
        log = Log("crawler.benchmark")
        url = "https://news.example/2026/03/12/an-article?from=feed"
        spent = microseconds(2000, lambda log=log, url=url: log.debug("fetched", source="gazette", url=url, **facts))
        print(f"a debug line of an exchange at {level}, {form}: {spent:.1f} µs")
    logging.getLogger().handlers.clear()


def counters() -> None:
    progress, now = Progress("gazette"), utc_now()

    def page() -> None:
        progress.fetched(1000, "2xx", 500)
        progress.settled("https://news.example/a", "article", "captured", now)
        progress.confidence.add(0.9)

    print(f"the counters of a page: {microseconds(20_000, page):.1f} µs")


def counting(directory: Path, count: int) -> None:
    archive = Archive.open(directory / "archive", ArchiveSettings(), utc_now)
    archive.enlist("s", name="s", home="https://news.example/", toml="")
    with closing(archive):
        with archive.catalogue.begin() as connection:
            then, later = "2026-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"
            connection.execute(text(FILL), {"count": count, "then": then, "later": later})
        began = time.perf_counter()
        counts = lead_counts(archive, 600.0)
        assert sum(counts.states.values()) == count
        print(f"counting {count:,} leads by state: {time.perf_counter() - began:.2f} s")


class Many(Collector):
    """Every metric, for so many sources."""

    def __init__(self, sources: int) -> None:
        self.names = [f"source-{number}" for number in range(sources)]
        self.spread = Spread(SHARES)

    def collect(self) -> Any:
        for family in FAMILIES:
            if family.kind == "histogram":
                yield family.spreads(
                    (tuple([name, "x", "y"][: len(family.labels)]), self.spread) for name in self.names
                )
            else:
                rest = [str(number) for number in range(3)]
                values = {tuple([name, *rest][: len(family.labels)]): random.random() for name in self.names}
                yield family.of(values)


def scraping(sources: int) -> None:
    registry = CollectorRegistry()
    registry.register(Many(sources))
    began = time.process_time()
    size = len(generate_latest(registry))
    spent = 1000 * (time.process_time() - began)
    print(f"a scrape of {sources:,} sources, {len(families.FAMILIES)} metrics: {spent:.0f} ms, {size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=10_000_000)
    parser.add_argument("--sources", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        log_lines(Path(directory))
        counters()
        scraping(options.sources)
        counting(Path(directory), options.leads)


if __name__ == "__main__":
    main()
