"""A catalogue as it is after years: millions of leads and versions, written straight into SQLite's tables.

    python benchmarks/largecatalogue.py DIRECTORY [--leads 10000000] [--versions 2000000] [--sources 200]
        [--words 200000]

Each source has its share of the leads: articles with a version, a capture and an observation or two; twice as many
files of their pages, captured; the rest articles that wait. Nothing falls due for weeks. Records are those of
benchmarks/bigarchive.py, about 6 kB each, with addresses, ids and marks of their own, as random as real ones. Words are
indexed for so many versions as asked for: it takes longest, and room. The archive has no WARC files: what is
measured here asks only the catalogue.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.bigarchive import build
from storage.archive import Archive, ArchiveSettings
from storage.catalogue import Catalogue, metadata
from storage.fingerprints import MARKS
from storage.wordindex import COLUMNS, entry_of

ROWS = 50_000
RECORDS = 400
LEADS = (
    "source_id, identity, url, kind, via, method, depth, hints, first_seen, last_seen, state, attempts, visited_at,"
    " queue, priority, rank, next_due, etag, capture_id"
)
CAPTURES = (
    "id, source_id, lead_id, url, date, record_type, status, mime, key, offset, length, record_id, payload_digest,"
    " ip_address, protocol, urlkey"
)
VERSIONS = (
    "id, source_id, lead_id, article, record_id, version, url, canonical_url, headline, date_published, in_language,"
    " content_digest, captured_at, records_key, line"
)
FINDABLE = "version_id, source_id, article, version, latest, in_language, published, year, captured_at, outcome"
OBSERVATIONS = "source_id, lead_id, article, url, at, outcome, capture_record_id"


@dataclass(frozen=True, slots=True)
class Size:
    """How much the catalogue holds."""

    leads: int
    versions: int
    sources: int
    words: int


@dataclass(frozen=True, slots=True)
class Share:
    """One source's part, and where its numbers begin."""

    source: str
    number: int
    leads: int
    articles: int

    @property
    def captured(self) -> int:
        """How many of its leads have a capture: articles, and twice as many files."""
        return min(self.leads, 3 * self.articles)

    def url(self, place: int) -> str:
        """The address of a lead."""
        what = "news" if place < self.articles or place >= self.captured else "files"
        return f"https://{self.source}.example/{what}/2026/{self.number + place:08d}-what-was-said-of-it"

    def first(self, of: int) -> int:
        """The first of its numbers of a kind of which each source has so many."""
        return self.number // max(self.leads, 1) * of + 1


def fill(directory: Path, size: Size) -> None:
    """Make an archive in a directory that is not there, and fill its catalogue; says what takes how long."""
    Archive.open(directory, ArchiveSettings(), lambda: datetime.now(UTC)).close()
    path = directory / ".newsark" / "catalogue.sqlite"
    now = datetime.now(UTC)
    records = _records()
    shares = [
        Share(
            f"paper{n:04d}", n * (size.leads // size.sources), size.leads // size.sources, size.versions // size.sources
        )
        for n in range(size.sources)
    ]
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode=DELETE", "synchronous=OFF", "cache_size=-500000", "locking_mode=EXCLUSIVE"):
            database.execute(f"PRAGMA {pragma}")
        for table in metadata.tables.values():
            for index in table.indexes:
                database.execute(f"DROP INDEX {index.name}")
        with _Told("rows"):
            for share in shares:
                database.execute("BEGIN")
                _add_source(database, share, records, now)
                database.execute("COMMIT")
        with _Told("marks"):
            _add_marks(database, size.versions)
        with _Told("words"):
            _add_words(database, records, min(size.words, size.versions))
    with _Told("indexes"):
        _make_indexes(path)


class _Told:
    def __init__(self, what: str) -> None:
        self.what, self.began = what, time.monotonic()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        print(f"  {self.what} in {time.monotonic() - self.began:.0f} s", flush=True)


def _records() -> list[tuple[str, str, str, str, str, str]]:
    """Id, URL, headline, date, language and line of some records."""
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as scratch:
        build(Path(scratch) / "archive", RECORDS)
        with closing(sqlite3.connect(Path(scratch) / "archive" / ".newsark" / "catalogue.sqlite")) as database:
            query = "SELECT record_id, url, headline, date_published, in_language, line FROM versions ORDER BY id"
            return database.execute(query).fetchall()


def _insert(database: sqlite3.Connection, table: str, columns: str, rows: Iterator[Sequence[Any]]) -> None:
    names = ", ".join(f'"{name.strip()}"' for name in columns.split(","))
    marks = ", ".join("?" for _ in columns.split(","))
    database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _add_source(database: sqlite3.Connection, share: Share, records: list[Any], now: datetime) -> None:
    home = f"https://{share.source}.example/"
    toml = f'id = "{share.source}"\nname = "{share.source.title()}"\nhome = "{home}"\n'
    row = (share.source, share.source.title(), home, toml, 1, _text(now - timedelta(days=1000)))
    _insert(database, "sources", "id, name, home, toml, revision, added_at", iter([row]))
    _insert(database, "leads", LEADS, _leads(share, now))
    _insert(database, "captures", CAPTURES, _captures(share, now))
    _insert(database, "versions", VERSIONS, _versions(share, records, now))
    _insert(database, "findable", FINDABLE, _findables(share, records, now))
    _insert(database, "observations", OBSERVATIONS, _observations(share, now))


def _captured_at(share: Share, place: int, now: datetime) -> str:
    """Articles are spread over a thousand days in the order of their numbers, their files over the same."""
    return _text(now - timedelta(days=1000 * (1 - place % share.articles / share.articles)))


def _leads(share: Share, now: datetime) -> Iterator[Sequence[Any]]:
    first, via = share.first(share.captured), f"https://{share.source}.example/feed.xml"
    for place in range(share.leads):
        url, at = share.url(place), _captured_at(share, place, now)
        is_kept, is_file = place < share.captured, share.articles <= place < share.captured
        due = None if is_file else _text(now + timedelta(days=20 + 9 * (place % 997) / 997))
        yield (
            share.source,
            sha256(url.encode()).hexdigest(),
            url,
            "resource" if is_file else "article",
            via,
            "image" if is_file else "feed",
            1,
            "{}",
            at,
            at,
            "captured" if is_kept else "pending",
            0,
            at if is_kept else None,
            0,
            82 if is_file else 50,
            0,
            due,
            f'"{place:x}"' if is_kept else None,
            first + place if is_kept else None,
        )


def _captures(share: Share, now: datetime) -> Iterator[Sequence[Any]]:
    first = share.first(share.captured)
    for place in range(share.captured):
        url, at = share.url(place), _captured_at(share, place, now)
        key = (
            f"warc/{share.source}/{at[:4]}/{at[5:7]}/{share.source}-{at[:4]}{at[5:7]}{at[8:10]}000000-00001-vm.warc.gz"
        )
        digest = "sha256:" + sha256(f"page of {url}".encode()).hexdigest()
        urlkey = f"example,{share.source}){url.partition('.example')[2]}"
        yield (
            first + place,
            share.source,
            share.number + place + 1,
            url,
            at,
            "response",
            200,
            "text/html",
            key,
            place * 40_000,
            39_000,
            f"<urn:uuid:{_id(first + place)}>",
            digest,
            "192.0.2.7",
            "http/1.1",
            urlkey,
        )


def _id(number: int) -> str:
    return md5(f"record {number}".encode()).hexdigest()


def _versions(share: Share, records: list[Any], now: datetime) -> Iterator[Sequence[Any]]:
    first = share.first(share.articles)
    for place in range(share.articles):
        number = first + place
        old, old_url, headline, published, language, line = records[number % len(records)]
        url, record_id = share.url(place), _id(-number)
        yield (
            number,
            share.source,
            share.number + place + 1,
            sha256(url.encode()).hexdigest(),
            record_id,
            1,
            url,
            url,
            headline,
            published,
            language,
            "sha256:" + sha256(record_id.encode()).hexdigest(),
            _captured_at(share, place, now),
            f"records/{share.source}/2026/11/{share.source}.jsonl.gz",
            line.replace(old, record_id).replace(old_url, url),
        )


def _findables(share: Share, records: list[Any], now: datetime) -> Iterator[Sequence[Any]]:
    first = share.first(share.articles)
    for place in range(share.articles):
        _, _, _, published, language, _ = records[(first + place) % len(records)]
        article = sha256(share.url(place).encode()).hexdigest()
        outcome = "removed" if place % 200 == 0 else "unchanged"
        at = _captured_at(share, place, now)
        yield (first + place, share.source, article, 1, 1, language, published, published[:4], at, outcome)


def _observations(share: Share, now: datetime) -> Iterator[Sequence[Any]]:
    first = share.first(share.captured)
    for place in range(share.articles):
        url = share.url(place)
        article, record = sha256(url.encode()).hexdigest(), f"<urn:uuid:{_id(first + place)}>"
        at = datetime.fromisoformat(_captured_at(share, place, now))
        words = ("removed",) * 3 if place % 200 == 0 else ("unchanged",)
        for day, word in enumerate(words, 1):
            yield share.source, share.number + place + 1, article, url, _text(at + timedelta(days=day)), word, record


def _add_marks(database: sqlite3.Connection, versions: int) -> None:
    """As random as real ones: hashes of five bytes, the smallest of some sixty; added in their order, which is fast."""
    chance = random.Random(5)
    database.execute("CREATE TEMP TABLE loose (mark INTEGER, record_id TEXT)")
    rows = ((chance.randrange(1 << 37), _id(-number)) for number in range(1, versions + 1) for _ in range(MARKS))
    database.execute("BEGIN")
    database.executemany("INSERT INTO loose VALUES (?, ?)", rows)
    database.execute("INSERT OR IGNORE INTO marks SELECT mark, record_id FROM loose ORDER BY mark, record_id")
    database.execute("COMMIT")
    database.execute("DROP TABLE loose")


def _add_words(database: sqlite3.Connection, records: list[Any], versions: int) -> None:
    entries = [tuple(getattr(entry_of(line), name) for name in COLUMNS) for *_, line in records]
    names, marks = ", ".join(("rowid", *COLUMNS)), ", ".join("?" for _ in range(len(COLUMNS) + 1))
    numbers = iter(range(1, versions + 1))
    while part := list(islice(numbers, ROWS)):
        database.execute("BEGIN")
        rows = ((number, *entries[number % len(entries)]) for number in part)
        database.executemany(f"INSERT INTO words ({names}) VALUES ({marks})", rows)
        database.execute("COMMIT")


def _make_indexes(path: Path) -> None:
    catalogue = Catalogue(f"sqlite:///{path}", lambda: datetime.now(UTC))
    with catalogue.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF")
        connection.exec_driver_sql("PRAGMA cache_size=-500000")
        for table in metadata.tables.values():
            for index in sorted(table.indexes, key=lambda one: str(one.name)):
                index.create(connection)
                connection.commit()
    catalogue.close()


def main() -> None:
    """Fill the catalogue and say how long it took, and how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    add_size(parser)
    options = parser.parse_args()
    began = time.monotonic()
    fill(options.directory, size_of(options))
    told = (options.directory / ".newsark" / "catalogue.sqlite").stat().st_size / 1e9
    print(f"{told:.1f} GB in {time.monotonic() - began:.0f} s")


def add_size(parser: argparse.ArgumentParser) -> None:
    """The options that say how much the catalogue holds."""
    parser.add_argument("--leads", type=int, default=10_000_000)
    parser.add_argument("--versions", type=int, default=2_000_000)
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--words", type=int, default=200_000, help="versions whose words are indexed")


def size_of(options: argparse.Namespace) -> Size:
    """What the options ask for."""
    return Size(options.leads, options.versions, options.sources, options.words)


if __name__ == "__main__":
    main()
