"""What an archive costs a day and a year, from what was measured: the tables of docs/scale.md.

    python benchmarks/scale.py [--set NAME=VALUE …]

Prints the tables as they stand in the document; --set changes a figure (its names are those of `Figures`), such as
`--set put_price=0.0054 --set new_page_ms=15`. Nothing is run: each figure names what it was measured with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

DAY_MS = 86_400_000
YEAR = 365


@dataclass(frozen=True, slots=True)
class Figures:
    """Measured on two cores of a shared virtual machine, or assumed where it says so."""

    new_page_ms: float = 13.4
    """CPU of a real page, fetched to recorded: crawl.py --corpus."""
    large_ms: float = 0.6
    """What a catalogue of 10 million leads and 2 million versions adds to it: growth.py --only settling."""
    changed_ms: float = 8.0
    visit_ms: float = 2.3
    """A visit that finds an edit, and one that finds nothing, half of them 304: visits.py."""
    file_ms: float = 3.2
    """Assumed: a picture is fetched and kept like a page that is as it was."""
    visits_first_year: float = 37.2
    visits_later: float = 17.4
    versions_again: float = 0.57
    """Visits of an article in its first year and in each later one, and edits seen: watching.py."""
    page_bytes: float = 51_000
    """Of a page on the wire, gzip, on average; the median is 36 kB."""
    records_bytes: float = 5_000
    """Stored beside it: request, headers, index, record, events."""
    visit_bytes: float = 1_700
    files: float = 12
    file_bytes: float = 90_000
    """Assumed: files that a page brings which no other page had, pictures mostly, and their size."""
    article_row_bytes: float = 16_000
    visit_row_bytes: float = 1_070
    file_row_bytes: float = 1_230
    """In the catalogue: lead, capture, version, words and marks of an article; capture and observation; lead and
    capture: largecatalogue.py."""
    segments_a_day: float = 4
    puts: float = 5
    part_bytes: float = 67_108_864
    """Segments of a source that is busy all day, objects of each, and how long a part of a large one is."""
    gb_month_price: float = 0.023
    put_price: float = 0.005
    """Examples, in dollars: a GB for a month, a thousand PUT; a large provider's list for its usual class, 2026-11."""


@dataclass(frozen=True, slots=True)
class Case:
    """`new` articles a day of so many sources, and how many older than a year are `held`."""

    name: str
    sources: int
    new: float
    held: float = 0


CASES = (
    Case("1,000 newsrooms, 50 articles a day each", 1_000, 50_000),
    Case("all of CC-NEWS's daily volume", 20_000, 380_000),
    Case("100 million articles held, nothing new", 20_000, 0, 100e6),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """A day once the first year is over, and what a year adds."""

    visits: float
    cores: float
    store_bytes: float
    catalogue_bytes: float
    puts: float


def cost(case: Case, of: Figures, *, files: bool) -> Cost:
    """What a case costs a day."""
    visits = case.new * of.visits_first_year + case.held * of.visits_later / YEAR
    new_files = case.new * of.files if files else 0.0
    page_ms = of.new_page_ms + of.large_ms + of.versions_again * of.changed_ms
    ms = case.new * page_ms + visits * of.visit_ms + new_files * of.file_ms
    page = (1 + of.versions_again) * (of.page_bytes + of.records_bytes)
    store = case.new * page + visits * of.visit_bytes + new_files * of.file_bytes
    rows = case.new * (1 + of.versions_again) * of.article_row_bytes + visits * of.visit_row_bytes
    rows += new_files * of.file_row_bytes
    puts = case.sources * of.segments_a_day * of.puts + store / of.part_bytes
    return Cost(visits, ms / DAY_MS, store, rows, puts)


def tables(of: Figures) -> Iterator[str]:
    """The lines of both tables."""
    yield "| a day | files | visits | per second | cores busy | to the store | to the catalogue | PUT |"
    yield "|---|---|---|---|---|---|---|---|"
    for case in CASES:
        for files in (False, True):
            if files and not case.new:
                continue
            one = cost(case, of, files=files)
            yield (
                f"| {case.name} | {'yes' if files else 'no'} | {one.visits:,.0f} | {one.visits / 86_400:.1f} |"
                f" {one.cores:.2f} | {gigabytes(one.store_bytes)} | {gigabytes(one.catalogue_bytes)} |"
                f" {one.puts:,.0f} |"
            )
    yield ""
    yield "| after a year | files | store | catalogue | store a month | PUT a month |"
    yield "|---|---|---|---|---|---|"
    for case in CASES:
        for files in (False, True):
            if files and not case.new:
                continue
            one = cost(case, of, files=files)
            # as if the year before had been the same: most visits of an article come soon
            store = one.store_bytes * YEAR + case.held * (of.page_bytes + of.records_bytes)
            rows = one.catalogue_bytes * YEAR + case.held * of.article_row_bytes
            yield (
                f"| {case.name} | {'yes' if files else 'no'} | {gigabytes(store)} | {gigabytes(rows)} |"
                f" ${store / 1e9 * of.gb_month_price:,.0f} | ${one.puts * 30 / 1000 * of.put_price:,.0f} |"
            )


def gigabytes(size: float) -> str:
    """A size as people read it."""
    return f"{size / 1e12:,.1f} TB" if size >= 1e12 else f"{size / 1e9:,.1f} GB"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    names = {one.name for one in fields(Figures)}
    given = dict(pair.partition("=")[::2] for pair in parser.parse_args().set)
    if unknown := given.keys() - names:
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(sorted(names))}")
    for line in tables(replace(Figures(), **{name: float(value) for name, value in given.items()})):
        print(line)


if __name__ == "__main__":
    main()
