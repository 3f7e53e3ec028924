"""Stored articles read again from their bytes and compared with their records."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import select

from pipelines.learned import furniture_removed_from
from pipelines.page import PageInput
from pipelines.pool import PageReader
from pipelines.reading import Reading, reading_version
from pipelines.record import build_record
from pipelines.selectors import Selectors
from reading.comparison import differing_fields
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import Catalogue, captures, versions
from storage.errors import ReaderCrashed, ReadingTimedOut, StorageError
from storage.fixity.findings import Finding
from storage.names import parse_key
from storage.objects import ObjectStore
from storage.readback import Reference, StoredExchange, read_capture
from storage.sources import Sources

_SHOWN_CHARACTERS = 60
_READ_AHEAD = 16
HINTS = ("title", "published", "author", "description")
"""What a feed or a sitemap says of a page, as a record keeps it."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A record as it stands in an archive: the store it was read from, its object, and what it says."""

    store: ObjectStore
    key: str
    record: Mapping[str, Any]

    @property
    def where(self) -> str:
        return f"{self.record.get('id')} of {self.record.get('url')}"


class Rereading:
    """Collects records and reads their pages again: a random `sample` of so many, or all of them when it is None.

    `take` may be called from several threads. `read` is how many were compared.
    """

    def __init__(
        self, pool: PageReader, catalogue: Catalogue, sample: int | None, chance: random.Random | None = None
    ) -> None:
        self._pool = pool
        self._catalogue = catalogue
        self._sample = sample
        self._chance = chance or random.Random()  # noqa: S311 - which articles are looked at is no secret
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_READ_AHEAD)
        self._offered = 0
        self._chosen: list[tuple[ObjectStore, str, bytes]] = []
        self._found: list[Finding] = []
        self._known_selectors: dict[str, Selectors | None] = {}
        self.read = 0

    def take(self, store: ObjectStore, key: str, line: bytes) -> None:
        """Offer a record line. Waits while many are being read."""
        if self._sample is None:
            self._begin(store, key, line)
            return
        with self._lock:
            self._offered += 1
            if len(self._chosen) < self._sample:
                self._chosen.append((store, key, line))
            elif (place := self._chance.randrange(self._offered)) < self._sample:
                self._chosen[place] = (store, key, line)

    def findings(self) -> list[Finding]:
        """What differs, once everything chosen is read."""
        while self._chosen:
            self._begin(*self._chosen.pop())
        for _ in range(_READ_AHEAD):
            self._room.acquire()
        for _ in range(_READ_AHEAD):
            self._room.release()
        with self._lock:
            return sorted(self._found, key=lambda one: (one.object, one.message))

    def _begin(self, store: ObjectStore, key: str, line: bytes) -> None:
        stored = _Stored(store, key, orjson.loads(line))
        try:
            selectors = self._selectors(key)
            page = replace(page_of(stored.record, self._exchange(stored)), selectors=selectors)
        except (StorageError, OSError, KeyError, TypeError, ValueError) as problem:
            self._add(_note(stored, "not-reread", f"{stored.where}: {problem}"))
            return
        self._room.acquire()
        now = reading_version(selectors)
        self._pool.submit(page).add_done_callback(lambda done: self._end(stored, done, now))

    def _selectors(self, key: str) -> Selectors | None:
        source_id = parse_key(key).stem.source
        with self._lock:
            if source_id not in self._known_selectors:
                self._known_selectors[source_id] = selectors_of(self._catalogue, source_id)
            return self._known_selectors[source_id]

    def _exchange(self, stored: _Stored) -> StoredExchange:
        where = stored.record["archive"]
        return read_capture(stored.store, where["filename"], where["offset"], where["length"], resolve=self._original)

    def _original(self, reference: Reference) -> Capture | None:
        with self._lock:
            return original_of(self._catalogue, reference)

    def _end(self, stored: _Stored, done: Future[Reading], now: str) -> None:
        try:
            reading = done.result()
            if was_no_answer(reading):
                self._add(_note(stored, "not-reread", f"{stored.where}: {reading.reason}"))
                return
            differences = list(record_differences(stored.record, reading))
            with self._lock:
                self.read += 1
            if differences and not self._is_superseded(stored):
                self._add(_differing(stored, differences, now))
        finally:
            self._room.release()

    def _is_superseded(self, stored: _Stored) -> bool:
        """Whether the record was read again and another one holds now."""
        query = select(versions.c.id).where(versions.c.line.contains(f'"supersedes":"{stored.record.get("id")}"'))
        known = select(versions.c.id).where(versions.c.record_id == stored.record.get("id"))
        with self._lock, self._catalogue.begin() as connection:
            is_held = connection.execute(known.limit(1)).first() is not None
            return not is_held and connection.execute(query.limit(1)).first() is not None

    def _add(self, finding: Finding) -> None:
        with self._lock:
            self._found.append(finding)


def original_of(catalogue: Catalogue, reference: Reference) -> Capture | None:
    """The capture that a revisit refers to, or None when it is not known."""
    query = select(*capture_columns()).limit(1)
    with catalogue.begin() as connection:
        row = connection.execute(query.where(captures.c.record_id == reference.record_id)).first()
        if row is None and reference.payload_digest:
            # others' revisits name their original by its payload alone
            same = query.where(captures.c.payload_digest == reference.payload_digest)
            row = connection.execute(same.where(captures.c.record_type == "response")).first()
    return None if row is None else capture_from_row(row)


def selectors_of(catalogue: Catalogue, source_id: str) -> Selectors | None:
    """What the source's file says of its pages, as the catalogue knows the file."""
    with catalogue.begin() as connection:
        known = Sources(connection).known([source_id])
    return Selectors.of_toml(known[0].toml) if known else None


def page_of(record: Mapping[str, Any], exchange: StoredExchange) -> PageInput:
    """The page as it was given to be read when the record was made."""
    discovery = record.get("discovery") or {}
    hints = {name: discovery[name] for name in HINTS if discovery.get(name)}
    if exchange.payload is None:
        raise ValueError("the payload is not kept")
    return PageInput(
        url=record["url"],
        body=exchange.payload,
        headers=tuple(exchange.headers),
        status=exchange.status,
        hints=hints,
        fetched_at=exchange.date,
        wants_links=False,
    )


def record_differences(record: Mapping[str, Any], reading: Reading) -> Iterator[str]:
    """Each field in which the record is not what is read now, with both values where they are short."""
    if reading.article is not None:
        reading = replace(reading, article=furniture_removed_from(record).apply(reading.article))
    for name, (then, now) in differing_fields(record, build_record(reading).as_json()).items():
        yield f"{name}{_shown(then, now)}"


def _shown(stored: Any, now: Any) -> str:
    texts = [repr(stored), repr(now)]
    return "" if max(map(len, texts)) > _SHOWN_CHARACTERS else f" ({texts[0]} is recorded, {texts[1]} is read)"


def _differing(stored: _Stored, differences: list[str], now: str) -> Finding:
    then = str((stored.record.get("metadata") or {}).get("extractorVersion"))
    what = f"{stored.where}: {', '.join(differences)}"
    if then == now:
        return Finding(stored.key, "reading-differs", what, stored.store.place)
    return _note(stored, "reading-differs", f"{what}; it was read by {then}, and this is {now}")


def _note(stored: _Stored, kind: str, message: str) -> Finding:
    return Finding(stored.key, kind, message, stored.store.place, severity="note")


def was_no_answer(reading: Reading) -> bool:
    """Whether the page was not read to its end: its time was up, or its reader died."""
    return bool({ReadingTimedOut.kind, ReaderCrashed.kind} & set(reading.evidence))
