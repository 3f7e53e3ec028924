"""What an import has to find again while it runs: captures, versions, index lines, in a database of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from storage.capture import Capture
from storage.cdxj import index_line
from storage.readback import Reference
from storage.timestamps import from_warc_date, warc_date

_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
create table index_lines (line blob);
create table captures (record_id text, url text, date text, digest text, facts blob);
create index by_id on captures (record_id);
create index by_digest on captures (digest);
create table seen (article text, captured_at text, number integer, digest text, record_id text);
create index by_article on seen (article);
begin;
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A version of an article: when it was captured, its number, what it says and which record says it."""

    captured_at: datetime
    number: int
    digest: str
    record_id: str


class ImportScratch:
    """The scratch database of one import. Used from one thread; `close` it before its file is removed."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(_SCHEMA)

    def add(self, capture: Capture) -> None:
        """Take a capture in; a response can be the original of a revisit."""
        if line := index_line(capture):
            self._database.execute("insert into index_lines values (?)", (line,))
        if capture.record_type == "response":
            row = (capture.record_id, capture.url, warc_date(capture.date), capture.payload_digest)
            self._database.execute("insert into captures values (?, ?, ?, ?, ?)", (*row, orjson.dumps(capture.facts())))

    def original(self, reference: Reference) -> Capture | None:
        """The capture that a revisit refers to: by its id, else by address and time, else by its payload."""
        date = warc_date(reference.date) if reference.date else ""
        for condition, values in (
            ("record_id = ?", (reference.record_id,)),
            ("digest = ? and url = ? and date = ?", (reference.payload_digest, reference.target_uri, date)),
            ("digest = ?", (reference.payload_digest,)),
        ):
            if values[0]:
                query = f"select facts from captures where {condition} limit 1"  # noqa: S608 - conditions stand above
                if row := self._database.execute(query, values).fetchone():
                    return Capture.from_facts(orjson.loads(row[0]))
        return None

    def index_lines(self) -> Iterator[bytes]:
        """The CDXJ lines in byte order."""
        for (line,) in self._database.execute("select line from index_lines order by line"):
            yield bytes(line)

    def see(self, article: str, seen: Seen) -> None:
        """Take a version in."""
        row = (article, warc_date(seen.captured_at), seen.number, seen.digest, seen.record_id)
        self._database.execute("insert into seen values (?, ?, ?, ?, ?)", row)

    def seen(self, article: str) -> list[Seen]:
        """The versions of an article that were taken in."""
        query = "select captured_at, number, digest, record_id from seen where article = ?"
        return [Seen(from_warc_date(date), *rest) for date, *rest in self._database.execute(query, (article,))]

    def close(self) -> None:
        """Close the database."""
        self._database.close()
