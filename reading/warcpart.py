"""A part of a WARC that is read again: all that it takes but the bytes, so that any machine can do it that has them.

What comes back are outcomes: of a record that reads as before only that, of another the new record's line. No page
travels, and nothing here writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from pipelines.article import ArticleRecord
from pipelines.learned import LearnedFurniture, furniture_removed_from
from pipelines.pool import PageReader
from pipelines.record import ID_HEX_DIGITS, build_record
from pipelines.selectors import Selectors
from reading.comparison import OF_THE_CRAWL, Change, Compared, differing_fields
from reading.reextraction import page_of, was_no_answer
from storage.capture import Capture
from storage.errors import DigestMismatch, NotReadableWarc, ObjectMissing
from storage.objects import Readable
from storage.readback import read_capture

PART_RECORDS = 50
"""So many records are one part: a few seconds of one processor, and all that is lost with a worker."""

PART_BYTES = 2_000_000
"""What the record lines of a part are together, with the last of them on top."""

# What one capture's bytes may be; anything else is about the store, and ends the run.
_UNREADABLE = (ObjectMissing, NotReadableWarc, DigestMismatch, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class WarcPart:
    """Records of one source whose bytes are in one WARC, as lines, and what the catalogue knows about reading them.

    `originals` are the captures that revisits refer to, by the record ids of the revisits; `furniture` are the
    paragraphs that were learned of the source.
    """

    source_id: str
    warc_key: str
    lines: tuple[str, ...]
    originals: Mapping[str, Capture]
    selectors: Selectors | None
    furniture: Sequence[str]

    @property
    def keys(self) -> set[str]:
        """The WARCs whose bytes it takes."""
        return {self.warc_key, *(original.key for original in self.originals.values())}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a record: how it compares, with the `line` of its new record where it differs, or the `problem` that
    kept it from being read again, `is_damaged` when that is in the bytes."""

    compared: Compared | None = None
    line: bytes | None = None
    problem: str | None = None
    is_damaged: bool = False


class PartReader(Protocol):
    """Reads parts, wherever it does; `room` is how many records should be under way so that it always has work."""

    @property
    def room(self) -> int:
        """A count of records; it may change as machines come and go."""
        ...

    def submit(self, part: WarcPart) -> Future[list[Outcome]]:
        """A Future of the outcomes, in the order of the lines. It raises what the stores raise."""
        ...


class PartsHere:
    """Reads parts with the bytes that `store` has, and a pool that reads `workers` pages at once.

    Used from several threads. Close it with `close()`, and the pool after that.
    """

    def __init__(self, store: Readable, pool: PageReader, workers: int) -> None:
        self._store, self._pool = store, pool
        # a thread waits for its bytes, then for its page
        self._at_once = 2 * workers + 2
        self._records = ThreadPoolExecutor(self._at_once, thread_name_prefix="reread")
        self._parts = ThreadPoolExecutor(self._at_once, thread_name_prefix="reread-part")

    @property
    def room(self) -> int:
        """As many records as it reads at once, and a part more that can be begun when another ends."""
        return PART_RECORDS + self._at_once

    def submit(self, part: WarcPart) -> Future[list[Outcome]]:
        """A Future of what `read` gives."""
        return self._parts.submit(self.read, part)

    def read(self, part: WarcPart) -> list[Outcome]:
        """The outcomes of a part, in the order of its lines. Raises what the store raises for all of it."""
        learned = LearnedFurniture(part.furniture)
        return list(self._records.map(lambda line: self._outcome(part, learned, line), part.lines))

    def close(self) -> None:
        """Begin nothing more. A page that is being read holds nobody up: the pool's end ends that, too."""
        for threads in (self._parts, self._records):
            threads.shutdown(wait=False, cancel_futures=True)

    def _outcome(self, part: WarcPart, learned: LearnedFurniture, line: str) -> Outcome:
        record = orjson.loads(line)
        what = f"{record.get('id')} of {record.get('url')}"
        try:
            where = record["archive"]
            original = part.originals.get(where.get("recordId"))
            place = (where["filename"], where["offset"], where["length"])
            page = page_of(record, read_capture(self._store, *place, resolve=lambda _: original))
        except _UNREADABLE as problem:
            return Outcome(problem=f"{what}: {problem}", is_damaged=True)
        reading = self._pool.submit(replace(page, selectors=part.selectors)).result()
        if was_no_answer(reading) or reading.article is None:
            return Outcome(problem=f"{what}: {reading.reason}; its record stays")
        article = learned.apply(furniture_removed_from(record).apply(reading.article))
        again = build_record(replace(reading, article=article)).as_json()
        change = Change(part.source_id, record, again, tuple(differing_fields(record, again)))
        return Outcome(change.compared(), superseding_record(change).line() if change.fields else None)


def superseding_record(change: Change) -> ArticleRecord:
    """The record that takes the place of another one of the same version: what the crawl knew stays."""
    old = change.record
    content: dict[str, Any] = dict(change.again) | {name: old.get(name) for name in OF_THE_CRAWL}
    content["metadata"] = dict(content["metadata"])
    if downloaded := (old.get("metadata") or {}).get("dateDownloaded"):
        content["metadata"]["dateDownloaded"] = downloaded
    content["supersedes"] = old["id"]
    told = (old["archive"]["recordId"], content["metadata"]["extractorVersion"], content["contentDigest"], old["id"])
    content["id"] = hashlib.sha256("\0".join(map(str, told)).encode()).hexdigest()[:ID_HEX_DIGITS]
    content = {name: value for name, value in content.items() if value is not None}
    return ArticleRecord.model_validate(content)
