"""Settling: a step is told in the segment's events, flushed, and only then committed to the catalogue.

So the store tells everything that the catalogue knows: `rebuild` reads the same steps again, and so does the recovery
of a segment whose last step was flushed and not committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection

from storage.capture import Capture
from storage.captures import add_captures
from storage.catalogue import Catalogue
from storage.events import (
    Event,
    FurnitureLearned,
    LeadFetched,
    LeadFound,
    LeadVisited,
    RunBegan,
    RunEnded,
    Settled,
    SourceFile,
    Undone,
    to_line,
)
from storage.furniture import Furniture
from storage.lead import LeadName, NewLead
from storage.leads import Acknowledgement, Leads
from storage.runs import Runs
from storage.segment import Segment
from storage.sources import KnownSource, Sources
from storage.versions import Observation, Version, Versions

T = TypeVar("T")
Kept = Sequence[tuple[Capture, int | None]]


@dataclass(slots=True)
class Settlement:
    """What a group of visits found out: one list of found leads and one acknowledgement for each visit.

    `records` are the lines beside the WARC: those of `versions` and `observations`. A version whose `records_key` is
    empty gets that of the segment. `furniture` are the paragraphs that are known for it from now on. `events` are
    further lines, of types that the catalogue does not follow.
    """

    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    found: list[list[NewLead]] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    runs: list[RunBegan | RunEnded] = field(default_factory=list)
    furniture: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to settle."""
        return not any(getattr(self, name) for name in self.__dataclass_fields__)


class Settling:
    """Takes the steps of a catalogue, one at a time for each source. Used from one thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        begin: Callable[[Connection, Segment, str], None] = lambda *_: None,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        # told of each segment in the transaction of its first step
        self._begin = begin
        self._headed: set[str] = set()
        # the stem in which each source's last step was told, as long as it is not known to be committed
        self._doubtful: dict[str, str] = {}

    def settle(self, segment: Segment, source_id: str, settlement: Settlement, kept: Kept) -> list[int]:
        """Take one step; how many leads each visit added.

        Raises SegmentWriteFailed, or what the database raises: then nothing of the step holds, and it may be repeated.
        Raises SourceBusy when somebody else works on the source now.
        """
        if settlement.is_empty and not kept and source_id not in self._doubtful:
            segment.flush()
            return []
        now = self._clock()
        with self._step(segment, source_id) as connection:
            Sources(connection).hold(source_id, self._catalogue.owner)
            leads = Leads(connection, source_id)
            new = leads.unknown(settlement.found)
            events: list[Event] = [*_found_events((lead, now) for found in new for lead in found), *settlement.runs]
            events += _visit_events(connection, source_id, segment, settlement, kept)
            events += [FurnitureLearned(now, text) for text in settlement.furniture]
            self._tell(connection, source_id, segment, events, settlement, warc_bytes=segment.size_bytes)
            add_captures(connection, source_id, kept)
            versions = Versions(connection, source_id)
            versions.add([_placed(version, segment) for version in settlement.versions])
            versions.observe(settlement.observations)
            leads.insert([lead for found in new for lead in found], now)
            leads.acknowledge(settlement.acknowledgements)
            Runs(connection, source_id).take(settlement.runs)
            Furniture(connection, source_id).add((text, now) for text in settlement.furniture)
        return [len(found) for found in new]

    def with_leads(self, source_id: str, work: Callable[[Leads], T], segment: Callable[[], Segment]) -> T:
        """The result of `work` on the source's leads, in one transaction; leads that it adds are told first."""
        with self._catalogue.begin() as connection:
            leads = Leads(connection, source_id)
            result = work(leads)
            if not leads.added:
                return result
            told = segment()
            self._tell(connection, source_id, told, [*_found_events(leads.added)], Settlement())
        self._committed(source_id, told)
        return result

    @contextmanager
    def _step(self, segment: Segment, source_id: str) -> Iterator[Connection]:
        with self._catalogue.begin() as connection:
            yield connection
        self._committed(source_id, segment)

    def _committed(self, source_id: str, segment: Segment) -> None:
        self._doubtful.pop(source_id, None)
        self._headed.add(segment.stem)

    def _tell(
        self,
        connection: Connection,
        source_id: str,
        segment: Segment,
        events: Iterable[Event],
        settlement: Settlement,
        warc_bytes: int | None = None,
    ) -> None:
        """Add the step's lines and make them, and every byte before them, durable."""
        now = self._clock()
        lines = [to_line(event) for event in events]
        if segment.stem not in self._headed:
            self._begin(connection, segment, source_id)
            lines = [to_line(event) for event in _head(connection, source_id)] + lines
        if self._doubtful.get(source_id) == segment.stem:
            lines.insert(0, to_line(Undone(now)))
        for record in settlement.records:
            segment.add_record(record)
        for line in (*lines, *(orjson.dumps(one) for one in settlement.events), to_line(Settled(now, warc_bytes))):
            segment.add_event(line)
        segment.flush()
        self._doubtful[source_id] = segment.stem


def _head(connection: Connection, source_id: str) -> Iterator[Event]:
    """What every segment tells first: the source as the catalogue has it, and how its last crawl ended, since what
    went wrong with storing that crawl's own segment could not be told in it."""
    yield from (source_file(known) for known in Sources(connection).known([source_id]))
    run = Runs(connection, source_id).last_ended()
    if run is not None and run.ended_at is not None:
        yield RunEnded(run.started_at, run.ended_at, run.outcome or "", run.counts, run.problems)


def source_file(known: KnownSource) -> SourceFile:
    """What a segment tells first: the state of the source's file."""
    digest = hashlib.sha256(known.toml.encode()).hexdigest()
    return SourceFile(known.added_at, known.revision, digest, known.name, known.home)


def _placed(version: Version, segment: Segment) -> Version:
    return version if version.records_key else replace(version, records_key=segment.records_key)


def _found_events(found: Iterable[tuple[NewLead, datetime]]) -> Iterator[LeadFound]:
    for lead, at in found:
        yield LeadFound(
            at=at,
            url=lead.url,
            identity=lead.identity,
            kind=lead.kind,
            priority=lead.priority,
            via=lead.via,
            method=lead.method,
            depth=lead.depth,
            rank=lead.rank,
            hints=lead.hints,
            refusal=lead.refusal,
        )


def _visit_events(
    connection: Connection, source_id: str, segment: Segment, settlement: Settlement, kept: Kept
) -> list[Event]:
    """What the visits found out, and which exchanges were kept for leads that are still being visited."""
    offsets: dict[int, list[int]] = {}
    for capture, lead_id in kept:
        if lead_id is not None:
            offsets.setdefault(lead_id, []).append(capture.offset)
    acknowledged = {one.lead_id for one in settlement.acknowledgements}
    names = Leads(connection, source_id).names([*acknowledged, *offsets])
    places = {capture.record_id: capture.offset for capture, _ in kept if capture.key == segment.warc_key}
    versions = {one.lead_id: one for one in settlement.versions}
    observations = {one.lead_id: one for one in settlement.observations}
    events: list[Event] = [
        LeadFetched(*names[lead_id], tuple(of_lead))
        for lead_id, of_lead in offsets.items()
        if lead_id not in acknowledged and lead_id in names
    ]
    for done in settlement.acknowledgements:
        if done.lead_id in names:
            name, captures = names[done.lead_id], tuple(offsets.get(done.lead_id, ()))
            of_lead = versions.get(done.lead_id), observations.get(done.lead_id)
            events.append(_visited(name, done, captures, places, *of_lead))
    return events


def _visited(
    name: LeadName,
    done: Acknowledgement,
    captures: tuple[int, ...],
    places: Mapping[str, int],
    version: Version | None,
    observation: Observation | None,
) -> LeadVisited:
    response, put_off = done.capture_record_id, done.put_off
    shown = version or observation
    moved = version is not None and observation is not None and observation.article != version.article
    return LeadVisited(
        at=done.visited_at,
        url=name.url,
        identity=name.identity,
        state=done.state,
        reason=done.reason,
        detail=done.detail,
        attempts=done.attempts,
        due_seconds=None if done.next_due is None else (done.next_due - done.visited_at).total_seconds(),
        etag=done.etag,
        last_modified=done.last_modified,
        captures=captures,
        response=None if response is None else places.get(response, response),
        version=version.record_id if version else None,
        observed=observation.outcome if observation else None,
        article=shown.article if shown else None,
        observed_article=observation.article if moved and observation else None,
        unread=None if put_off is None else places.get(put_off.record_id, put_off.record_id),
        absence=None if put_off is None else put_off.absence,
        finishes=done.finishes,
    )
