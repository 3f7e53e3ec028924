"""Re-extraction: the current extractor over an archive's stored captures, a WARC at a time, new records beside the old.

A WARC's new records are one object with its own manifest. It is made also when nothing changed, and says by which
extractor the WARC was read: a run that was killed goes on with the next WARC, and a second run has nothing to do.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import select

from pipelines.article import ArticleRecord
from pipelines.learned import LearnedFurniture, furniture_removed_from
from pipelines.pool import PageReader
from pipelines.reading import Reading, reading_version
from pipelines.record import ID_HEX_DIGITS, build_record
from pipelines.selectors import Selectors
from reading.comparison import OF_THE_CRAWL, Change, Tally, differing_fields
from reading.reextraction import original_of, page_of, selectors_of, was_no_answer
from storage.archive import Archive
from storage.capture import Capture
from storage.catalogue import versions
from storage.errors import DigestMismatch, NotReadableWarc, ObjectMissing
from storage.readback import Reference, read_capture
from storage.rerecording import LaterReading, is_read_by, stem_of_warc
from storage.sources import Sources

"""What is done to the article of each reading before it is compared: from a source's id and the article's fields."""

LEASE_SECONDS = 3600.0
ROWS_AT_ONCE = 200
_READ_AHEAD = 2
# What one capture's bytes may be; anything else is about the store, and ends the run.
_UNREADABLE = (ObjectMissing, NotReadableWarc, DigestMismatch, KeyError, TypeError, ValueError)


@dataclass(slots=True)
class WarcPlan:
    """The versions of one source whose bytes are in one WARC and that are to be read again: catalogue row ids."""

    source_id: str
    warc_key: str
    rows: array[int] = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class Plan:
    """What there is to do; `skipped` versions were read by the current extractor already."""

    warcs: list[WarcPlan] = field(default_factory=list)
    skipped: int = 0

    @property
    def records(self) -> int:
        """How many records are to be read again."""
        return sum(len(one.rows) for one in self.warcs)

    def sampled(self, count: int, chance: random.Random | None = None) -> Plan:
        """A plan of so many of its records, chosen at random."""
        if count >= self.records:
            return self
        chance = chance or random.Random()  # noqa: S311 - which articles are looked at is no secret
        chosen = set(chance.sample(range(self.records), count))
        plan, place = Plan(skipped=self.skipped), 0
        for one in self.warcs:
            rows = array("q", (row for number, row in enumerate(one.rows, place) if number in chosen))
            place += len(one.rows)
            plan.warcs += [WarcPlan(one.source_id, one.warc_key, rows)] if rows else []
        return plan


def recover_sources(archive: Archive, source_ids: Sequence[str] | None) -> None:
    """Seal and send what crawls and re-extractions that died left for these sources, so that a plan knows of it.

    Raises SourceBusy when a process works on one of them, and what `Archive.recover` raises.
    """
    with archive.catalogue.begin() as connection:
        known = [one.id for one in Sources(connection).known(source_ids)]
    for source_id in known:
        archive.own(source_id, LEASE_SECONDS)
        try:
            archive.recover(source_id)
        finally:
            archive.disown(source_id)


def plan_of(archive: Archive, source_ids: Sequence[str] | None, *, every: bool = False) -> Plan:
    """What an extractor change can touch: records by another version, in WARCs not read by this one; all if `every`.

    Eight bytes of memory a record. Raises what the store raises that holds the manifests of later readings.
    """
    plan, versions_now = Plan(), _VersionsNow(archive)
    found: dict[tuple[str, str], WarcPlan] = {}
    query = select(versions.c.id, versions.c.source_id, versions.c.line).order_by(versions.c.id)
    if source_ids is not None:
        query = query.where(versions.c.source_id.in_(list(source_ids)))
    with archive.catalogue.begin() as connection:
        for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
            record = orjson.loads(row.line)
            now = versions_now.of(row.source_id)
            if not every and (record.get("metadata") or {}).get("extractorVersion") == now:
                plan.skipped += 1
                continue
            key = (row.source_id, str((record.get("archive") or {}).get("filename")))
            found.setdefault(key, WarcPlan(*key)).rows.append(row.id)
    for _, one in sorted(found.items()):
        stem = stem_of_warc(archive, one.warc_key)
        if not every and stem is not None and is_read_by(archive, stem, versions_now.of(one.source_id)):
            plan.skipped += len(one.rows)
        else:
            plan.warcs.append(one)
    return plan


class _VersionsNow:
    """What reads each source now: the extractor, and the selectors of its file as the catalogue knows it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[str, Selectors | None] = {}
        self._lock = threading.Lock()

    def selectors(self, source_id: str) -> Selectors | None:
        with self._lock:
            if source_id not in self._known:
                self._known[source_id] = selectors_of(self._archive.catalogue, source_id)
            return self._known[source_id]

    def of(self, source_id: str) -> str:
        return reading_version(self.selectors(source_id))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one record: a change (with no fields when nothing did), or why it was not read again."""

    change: Change | None = None
    problem: str | None = None
    is_damaged: bool = False


class Reextraction:
    """Reads what a plan names; `advance` is told of each record. Memory holds some records for each worker.

    What was learned of a source's furniture since a page was read is taken out of its text too.
    """

    def __init__(
        self,
        archive: Archive,
        pool: PageReader,
        *,
        workers: int = 1,
        advance: Callable[[], object] = lambda: None,
        keep: int = 0,
    ) -> None:
        self._archive = archive
        self._pool = pool
        self._threads = workers + 2
        self._furniture: dict[str, LearnedFurniture] = {}
        self._sources = _VersionsNow(archive)
        self._advance = advance
        self._lock = threading.Lock()
        self.tally = Tally(keep=keep)

    def compare(self, plan: Plan) -> Tally:
        """What would change; nothing is written. Ctrl-C ends it with what was found."""
        return self._each(plan, self._compare)

    def write(self, plan: Plan) -> Tally:
        """Write a new record for each that differs, and complete each WARC. Ctrl-C ends it after the last whole WARC.

        Raises SourceBusy when a crawl works on one of the sources, and what the stores raise.
        """
        try:
            return self._each(plan, self._write)
        finally:
            for source_id in {one.source_id for one in plan.warcs}:
                self._archive.disown(source_id)

    def _each(self, plan: Plan, work: Callable[[WarcPlan], None]) -> Tally:
        self.tally.skipped = plan.skipped
        try:
            for one in plan.warcs:
                work(one)
                self.tally.segments += 1
        except KeyboardInterrupt:
            self.tally.interrupted = True
        return self.tally

    def _compare(self, plan: WarcPlan) -> None:
        for outcome in self._outcomes(plan):
            self._count(outcome)

    def _write(self, plan: WarcPlan) -> None:
        stem = stem_of_warc(self._archive, plan.warc_key)
        if stem is None:
            self._pass_over(plan)
            return
        self._archive.own(plan.source_id, LEASE_SECONDS)
        owned, is_whole, read = time.monotonic(), True, 0
        with LaterReading(self._archive, stem) as later:
            for outcome in self._outcomes(plan):
                self._count(outcome)
                is_whole &= not outcome.is_damaged
                read += outcome.change is not None
                if outcome.change is not None and outcome.change.fields:
                    later.add(superseding_record(outcome.change).line())
                if time.monotonic() - owned > LEASE_SECONDS / 3:
                    self._archive.own(plan.source_id, LEASE_SECONDS)
                    owned = time.monotonic()
            version = self._sources.of(plan.source_id) if is_whole else None
            if later.records or (version and not is_read_by(self._archive, stem, version)):
                counts = {"read": read, "changed": later.records, "unread": len(plan.rows) - read}
                later.seal(counts, version)

    def _pass_over(self, plan: WarcPlan) -> None:
        for _ in plan.rows:
            self._count(_Outcome(problem=f"{plan.warc_key} is no segment's WARC"))

    def _count(self, outcome: _Outcome) -> None:
        if outcome.change is not None:
            self.tally.add(outcome.change)
        else:
            self.tally.add_unread(outcome.problem or "")
        self._advance()

    # reading

    def _outcomes(self, plan: WarcPlan) -> Iterator[_Outcome]:
        """What comes of each record, in their order; a few are under way for each worker."""
        ahead: deque[Future[_Outcome]] = deque()
        threads = ThreadPoolExecutor(self._threads, thread_name_prefix="reextract")
        try:
            for line, is_suppressed in self._lines(plan):
                ahead.append(threads.submit(self._outcome, plan.source_id, line, is_suppressed=is_suppressed))
                if len(ahead) >= self._threads * _READ_AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            # After Ctrl-C a page may still be read: the pool's end ends that, too.
            threads.shutdown(wait=False, cancel_futures=True)

    def _lines(self, plan: WarcPlan) -> Iterator[tuple[str, bool]]:
        """Each record as it is kept, and whether it is suppressed."""
        for start in range(0, len(plan.rows), ROWS_AT_ONCE):
            part = plan.rows[start : start + ROWS_AT_ONCE].tolist()
            query = select(versions.c.id, versions.c.line).where(versions.c.id.in_(part)).order_by(versions.c.id)
            with self._lock, self._archive.catalogue.whole() as whole, self._archive.catalogue.public() as public:
                rows = whole.execute(query).all()
                shown = set(public.execute(query.with_only_columns(versions.c.id)).scalars())
            yield from ((row.line, row.id not in shown) for row in rows)

    def _outcome(self, source_id: str, line: str, *, is_suppressed: bool) -> _Outcome:
        record = orjson.loads(line)
        what = f"{record.get('id')} of {record.get('url')}"
        try:
            where = record["archive"]
            place = (where["filename"], where["offset"], where["length"])
            page = page_of(record, read_capture(self._archive.holdings, *place, resolve=self._original))
            page = replace(page, selectors=self._sources.selectors(source_id))
        except _UNREADABLE as problem:
            return _Outcome(problem=f"{what}: {problem}", is_damaged=True)
        reading = self._pool.submit(page).result()
        if was_no_answer(reading) or reading.article is None:
            return _Outcome(problem=f"{what}: {reading.reason}; its record stays")
        change = self._change(source_id, record, reading)
        return _Outcome(change=replace(change, is_suppressed=is_suppressed))

    def _change(self, source_id: str, record: Mapping[str, Any], reading: Reading) -> Change:
        article = furniture_removed_from(record).apply(reading.article or {})
        reading = replace(reading, article=self._learned(source_id).apply(article))
        again = build_record(reading).as_json()
        return Change(source_id, record, again, tuple(differing_fields(record, again)))

    def _learned(self, source_id: str) -> LearnedFurniture:
        with self._lock:
            if source_id not in self._furniture:
                self._furniture[source_id] = LearnedFurniture(self._archive.furniture(source_id))
            return self._furniture[source_id]

    def _original(self, reference: Reference) -> Capture | None:
        with self._lock:
            return original_of(self._archive.catalogue, reference)


def superseding_record(change: Change) -> ArticleRecord:
    """The record that takes the place of another one of the same version: what the crawl knew stays."""
    old = change.record
    content = dict(change.again) | {name: old.get(name) for name in OF_THE_CRAWL}
    content["metadata"] = dict(content["metadata"])
    if downloaded := (old.get("metadata") or {}).get("dateDownloaded"):
        content["metadata"]["dateDownloaded"] = downloaded
    content["supersedes"] = old["id"]
    told = (old["archive"]["recordId"], content["metadata"]["extractorVersion"], content["contentDigest"], old["id"])
    content["id"] = hashlib.sha256("\0".join(map(str, told)).encode()).hexdigest()[:ID_HEX_DIGITS]
    content = {name: value for name, value in content.items() if value is not None}
    return ArticleRecord.model_validate(content)
