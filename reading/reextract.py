"""Re-extraction: the current extractor over an archive's stored captures, a WARC at a time, new records beside the old.

A WARC's new records are one object with its own manifest. It is made also when nothing changed, and says by which
extractor the WARC was read: a run that was killed goes on with the next WARC, and a second run has nothing to do.
"""

from __future__ import annotations

import itertools
import random
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from sqlalchemy import select

from pipelines.reading import reading_version
from pipelines.selectors import Selectors
from reading.comparison import Change, Tally
from reading.reextraction import original_of, selectors_of
from reading.warcpart import PART_BYTES, PART_RECORDS, Outcome, PartReader, WarcPart
from storage.archive import Archive
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import captures, versions
from storage.readback import Reference
from storage.rerecording import LaterReading, is_read_by, stem_of_warc
from storage.sources import Sources

LEASE_SECONDS = 3600.0
ROWS_AT_ONCE = 200


@dataclass(slots=True, eq=False)
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

    def selectors(self, source_id: str) -> Selectors | None:
        if source_id not in self._known:
            self._known[source_id] = selectors_of(self._archive.catalogue, source_id)
        return self._known[source_id]

    def of(self, source_id: str) -> str:
        return reading_version(self.selectors(source_id))


class _Line(NamedTuple):
    """A record as it is kept, and whether it is suppressed."""

    text: str
    is_suppressed: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of one record of a WARC."""

    warc: WarcPlan
    line: _Line
    outcome: Outcome

    def change(self) -> Change:
        """The record, and the new one."""
        assert self.outcome.compared is not None
        assert self.outcome.line is not None
        again = orjson.loads(self.outcome.line)
        return Change(self.warc.source_id, orjson.loads(self.line.text), again, self.outcome.compared.fields)


class Reextraction:
    """Has read what a plan names; `advance` is told of each record. Memory holds what the reader has room for.

    What was learned of a source's furniture since a page was read is taken out of its text too. All that the catalogue
    knows goes out with the parts, and what comes back is taken in their order: by one process, which writes.
    """

    def __init__(
        self, archive: Archive, reader: PartReader, *, advance: Callable[[], object] = lambda: None, keep: int = 0
    ) -> None:
        self._archive = archive
        self._reader = reader
        self._furniture: dict[str, tuple[str, ...]] = {}
        self._sources = _VersionsNow(archive)
        self._advance = advance
        self.tally = Tally(keep=keep)

    def compare(self, plan: Plan) -> Tally:
        """What would change; nothing is written. Ctrl-C ends it with what was found."""
        return self._each(plan, lambda _: None, self._compare)

    def write(self, plan: Plan) -> Tally:
        """Write a new record for each that differs, and complete each WARC. Ctrl-C ends it after the last whole WARC.

        Raises SourceBusy when a crawl works on one of the sources, and what the stores raise.
        """
        try:
            return self._each(self._of_segments(plan), self._own, self._write)
        finally:
            for source_id in {one.source_id for one in plan.warcs}:
                self._archive.disown(source_id)

    def _compare(self, _: WarcPlan, records: Iterator[_Read]) -> None:
        for one in records:
            self._count(one)

    def _own(self, one: WarcPlan) -> None:
        # before its records are looked up: what they are must stay so until the new ones are written
        self._archive.own(one.source_id, LEASE_SECONDS)

    def _of_segments(self, plan: Plan) -> Plan:
        """The plan without WARCs that no later reading can stand beside; these are counted here."""
        chosen = Plan(skipped=plan.skipped)
        for one in plan.warcs:
            if stem_of_warc(self._archive, one.warc_key) is not None:
                chosen.warcs.append(one)
                continue
            self.tally.segments += 1
            for _ in one.rows:
                self.tally.add_unread(f"{one.warc_key} is no segment's WARC")
                self._advance()
        return chosen

    def _each(
        self, plan: Plan, begin: Callable[[WarcPlan], object], take: Callable[[WarcPlan, Iterator[_Read]], object]
    ) -> Tally:
        self.tally.skipped = plan.skipped
        try:
            for one, records in itertools.groupby(self._read(plan, begin), lambda read: read.warc):
                take(one, records)
                self.tally.segments += 1
        except KeyboardInterrupt:
            self.tally.interrupted = True
        return self.tally

    def _write(self, plan: WarcPlan, records: Iterator[_Read]) -> None:
        stem = stem_of_warc(self._archive, plan.warc_key)
        assert stem is not None
        owned, is_whole, read = time.monotonic(), True, 0
        with LaterReading(self._archive, stem) as later:
            for one in records:
                self._count(one)
                is_whole &= not one.outcome.is_damaged
                read += one.outcome.compared is not None
                if one.outcome.line is not None:
                    later.add(one.outcome.line)
                if time.monotonic() - owned > LEASE_SECONDS / 3:
                    self._own(plan)
                    owned = time.monotonic()
            version = self._sources.of(plan.source_id) if is_whole else None
            if later.records or (version and not is_read_by(self._archive, stem, version)):
                counts = {"read": read, "changed": later.records, "unread": len(plan.rows) - read}
                later.seal(counts, version)

    def _count(self, read: _Read) -> None:
        if read.outcome.compared is not None:
            self.tally.add(read.outcome.compared, read.change, is_suppressed=read.line.is_suppressed)
        else:
            self.tally.add_unread(read.outcome.problem or "")
        self._advance()

    # reading

    def _read(self, plan: Plan, begin: Callable[[WarcPlan], object]) -> Iterator[_Read]:
        """What comes of each record, in the order of the plan: the next parts are under way, also those of other WARCs.

        `begin` is called for each WARC before anything of it is."""
        ahead: deque[tuple[WarcPlan, Sequence[_Line], Future[list[Outcome]]]] = deque()
        under_way = 0
        for one in plan.warcs:
            begin(one)
            for lines in self._parts(one):
                ahead.append((one, lines, self._reader.submit(self._part(one, [line.text for line in lines]))))
                under_way += len(lines)
                while under_way > self._reader.room:
                    under_way -= len(ahead[0][1])
                    yield from _arrived(*ahead.popleft())
        while ahead:
            yield from _arrived(*ahead.popleft())

    def _parts(self, plan: WarcPlan) -> Iterator[list[_Line]]:
        lines: list[_Line] = []
        size = 0
        for line in self._lines(plan):
            lines.append(line)
            size += len(line.text)
            if len(lines) >= PART_RECORDS or size > PART_BYTES:
                yield lines
                lines, size = [], 0
        if lines:
            yield lines

    def _part(self, plan: WarcPlan, lines: Sequence[str]) -> WarcPart:
        source_id = plan.source_id
        if source_id not in self._furniture:
            self._furniture[source_id] = tuple(self._archive.furniture(source_id))
        selectors, furniture = self._sources.selectors(source_id), self._furniture[source_id]
        return WarcPart(source_id, plan.warc_key, tuple(lines), self._originals(lines), selectors, furniture)

    def _lines(self, plan: WarcPlan) -> Iterator[_Line]:
        for start in range(0, len(plan.rows), ROWS_AT_ONCE):
            part = plan.rows[start : start + ROWS_AT_ONCE].tolist()
            query = select(versions.c.id, versions.c.line).where(versions.c.id.in_(part)).order_by(versions.c.id)
            with self._archive.catalogue.whole() as whole, self._archive.catalogue.public() as public:
                rows = whole.execute(query).all()
                shown = set(public.execute(query.with_only_columns(versions.c.id)).scalars())
            yield from (_Line(row.line, row.id not in shown) for row in rows)

    def _originals(self, lines: Sequence[str]) -> dict[str, Capture]:
        """What the revisits among these records refer to, by the revisits' record ids."""
        ids = [(orjson.loads(line).get("archive") or {}).get("recordId") for line in lines]
        query = select(*capture_columns()).where(captures.c.record_id.in_(ids), captures.c.record_type == "revisit")
        with self._archive.catalogue.begin() as connection:
            revisits = [capture_from_row(row) for row in connection.execute(query)]
        found: dict[str, Capture] = {}
        for revisit in filter(None, revisits):
            told = Reference(revisit.url, revisit.date, revisit.refers_to, revisit.payload_digest)
            original = original_of(self._archive.catalogue, told)
            if original is not None:
                found[revisit.record_id] = original
        return found


def _arrived(warc: WarcPlan, lines: Sequence[_Line], answer: Future[list[Outcome]]) -> Iterator[_Read]:
    for line, outcome in zip(lines, answer.result(), strict=True):
        yield _Read(warc, line, outcome)
