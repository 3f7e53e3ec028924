"""Search in a large archive: milliseconds of thirty queries, of one article's page, and what the index costs.

    python benchmarks/searching.py [--articles 100000] [--keep DIR] [--plans]

The archive is that of benchmarks/bigarchive.py; with --keep it is built in DIR once and used again. Each query asks for
the first twenty hits with snippets and facets, five times; the first time is thrown away. CPU milliseconds stand beside
those of the clock, which a busy machine makes longer.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import Connection, event

from benchmarks.bigarchive import build, languages
from newsark.address import normal_spelling
from reading.article import history_of
from reading.exports.selection import Selection
from reading.search import Search, search
from storage.archive import Archive, ArchiveSettings
from storage.catalogue import Catalogue
from storage.findable import Findable
from storage.sources import Sources
from storage.versions import Version, Versions
from storage.wordindex import entry_of

TIMES = 5


def queries() -> Iterator[tuple[str, Search]]:
    """Thirty searches, each with what it is an example of."""
    russian, english, chinese = (language.words for language in languages())
    asked: list[tuple[str, str | None, dict[str, Any]]] = [
        ("common word", russian[0], {}),
        ("common word", russian[3], {}),
        ("common word", english[1], {}),
        ("common word, its form", russian[5] + "ами", {}),
        ("word", russian[400], {}),
        ("word", english[500], {}),
        ("word", russian[1500], {}),
        ("rare word", russian[20_000], {}),
        ("rare word", english[20_000], {}),
        ("rare word", russian[25_000], {}),
        ("two words", f"{russian[10]} {russian[300]}", {}),
        ("two words", f"{english[10]} {english[300]}", {}),
        ("two common words", f"{russian[1]} {russian[2]}", {}),
        ("three words", f"{english[40]} {english[50]} {english[60]}", {}),
        ("phrase", f'"{russian[0]} {russian[1]}"', {}),
        ("phrase", f'"{english[3]} {english[9]}"', {}),
        ("prefix", f"{russian[100][:4]}*", {}),
        ("prefix", f"{english[200][:3]}*", {}),
        ("either", f"{russian[600]} OR {english[600]}", {}),
        ("not", f"{russian[50]} -{russian[0]}", {}),
        ("title", f"title:{russian[7]}", {}),
        ("author", "author:author7", {}),
        ("Chinese", chinese[0], {}),
        ("Chinese", chinese[900], {}),
        ("Chinese, one sign", chinese[30][0], {}),
        ("source and year", russian[4], {"sources": ["paper3"], "published_since": "2024"}),
        ("language and state", english[4], {"languages": ("en",), "state": "removed"}),
        ("all versions", russian[900], {"latest_only": False}),
        ("newest first", russian[6], {"sort": "newest"}),
        ("no words", None, {}),
    ]
    for kind, query, facts in asked:
        sort = facts.pop("sort", "relevance")
        yield kind, Search(Selection(query=query, **facts), sort=sort)


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of one thing done several times."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Took:
    """The medians, without the first time."""
    walls, cpus = [], []
    for _ in range(TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    return Took(statistics.median(walls[1:]), statistics.median(cpus[1:]))


def told(name: str, took: list[Took]) -> None:
    """Median and 95th percentile of several."""
    for clock in ("wall", "cpu"):
        values = sorted(getattr(one, clock) for one in took)
        high = values[min(len(values) - 1, round(len(values) * 0.95))]
        print(f"{name}, {clock}: median {statistics.median(values):.1f} ms, 95 % under {high:.1f} ms")


def measure_queries(connection: Connection, *, plans: bool) -> None:
    """Print what each query took."""
    took = []
    for kind, wanted in queries():
        total = search(connection, wanted).total
        one = timed(partial(search, connection, wanted))
        took.append(one)
        print(f"{kind:22}{total:>8,} found{one.wall:>9.1f} ms{one.cpu:>9.1f} ms CPU   {wanted.selection.query or ''}")
    told("search", took)
    if plans:
        _print_plan(connection, next(wanted for _, wanted in queries()))


def _print_plan(connection: Connection, wanted: Search) -> None:
    asked: list[tuple[str, Any]] = []

    def note(*facts: Any) -> None:
        asked.append((facts[2], facts[3]))

    event.listen(connection, "before_cursor_execute", note)
    search(connection, wanted)
    event.remove(connection, "before_cursor_execute", note)
    for statement, values in asked:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            print(" ".join(statement.split()))
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
                print(f"    {step}")


def measure_articles(archive: Archive, connection: Connection) -> None:
    """Print what one article with its history took."""
    chance = random.Random(3)
    urls = list(connection.exec_driver_sql("SELECT url FROM versions ORDER BY id LIMIT 50000").scalars())
    chosen = chance.sample(urls, min(30, len(urls)))
    told("one article", [timed(partial(history_of, archive, url, normal_spelling(url))) for url in chosen])


def measure_index(connection: Connection) -> None:
    """Print the sizes of what search adds to the catalogue, and what indexing a version costs."""
    versions = connection.exec_driver_sql("SELECT count(*) FROM findable").scalar_one()
    for name in ("words", "findable", "versions"):
        size = connection.exec_driver_sql(
            "SELECT sum(pgsize) FROM dbstat WHERE name = ? OR name LIKE ? || '_%' "
            "OR name LIKE 'sqlite_autoindex_' || ? || '_%'",
            (name, name, name),
        ).scalar_one()
        print(f"{name:10}{size / 1e6:>8.0f} MB{size / versions:>8.0f} bytes a version")
    lines = connection.exec_driver_sql("SELECT line FROM versions ORDER BY id LIMIT 1000").scalars().all()
    for _ in range(2):
        cpu = time.process_time()
        for line in lines:
            entry_of(line)
        words = (time.process_time() - cpu) / len(lines) * 1e3
    print(f"taking its words out of a version: {words:.2f} ms CPU")
    print(f"all that makes it findable: {_adding(lines):.2f} ms CPU, in groups of 20")


def _adding(lines: list[str]) -> float:
    """Milliseconds of CPU of `Findable.add` for each version, in a catalogue of its own."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as directory:
        catalogue = Catalogue(f"sqlite:///{directory}/catalogue.sqlite", lambda: now)
        with catalogue.begin() as connection:
            Sources(connection).enlist("paper", name="Paper", home="http://paper.example/", toml="x", now=now)
        spent = 0.0
        real = Findable.add

        def counted(self: Findable, new: Any) -> None:
            nonlocal spent
            cpu = time.process_time()
            real(self, new)
            spent += time.process_time() - cpu

        Findable.add = counted
        for start in range(0, len(lines), 20):
            group = [
                Version(f"{number}", f"{number}", 1, f"{number}", "", now, "", lines[number])
                for number in range(start, start + 20)
                if number < len(lines)
            ]
            with catalogue.engine.connect() as connection:
                Versions(connection, "paper").add(group)
                # the index is written when the transaction ends
                cpu = time.process_time()
                connection.commit()
                spent += time.process_time() - cpu
        Findable.add = real
        catalogue.close()
    return spent / len(lines) * 1e3


def main() -> None:
    """Build the archive if it is not there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--plans", action="store_true", help="print the plan of the first query")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as scratch:
        directory = options.keep or Path(scratch) / "archive"
        if not directory.exists():
            started = time.monotonic()
            build(directory, options.articles)
            print(f"built in {time.monotonic() - started:.0f} s")
        archive = Archive.open(directory, ArchiveSettings(), lambda: datetime.now(UTC), create=False)
        with archive.catalogue.begin() as connection:
            measure_queries(connection, plans=options.plans)
            measure_articles(archive, connection)
            measure_index(connection)
        archive.close()


if __name__ == "__main__":
    main()
