"""Visits that were put off are finished: their pages are read from the archive, and steps 7 to 9 are a crawl's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crawler.furniture import SourceFurniture
from crawler.pagereading import page_input, take_reading
from crawler.requisites import RequisiteLeads
from crawler.settlement import GROUP_VISITS, settle
from crawler.source import Source, parse_source
from crawler.visit import Answer, Problem, Visit
from crawler.weburl import parse_web_url
from pipelines.pool import PageReader
from pipelines.reading import Reading
from storage.archive import Archive
from storage.capture import Capture
from storage.captures import capture_of_record
from storage.errors import DigestMismatch, NotReadableWarc, ObjectMissing
from storage.lead import Lead
from storage.leads import Leads
from storage.readback import Reference, StoredExchange, read_capture
from storage.sources import Sources
from storage.unread import Unread, UnreadVisit, sources_with_unread
from storage.uris import warc_target_uri
from storage.wholeexchange import told_beside

LEASE_SECONDS = 3600.0
GROUP_BYTES = 64_000_000
MOST_PROBLEMS = 20
# What one exchange's bytes may be; anything else is about the store, and ends the run.
_DAMAGED = (ObjectMissing, NotReadableWarc, DigestMismatch)


@dataclass(slots=True)
class Finished:
    """What came of it: `visits` were finished, `versions` recorded, `found` files of pages became known, and `left`
    visits wait still, since what was kept of them, or before them, cannot be read back now: `problems` says why."""

    visits: int = 0
    versions: int = 0
    found: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """The sum as JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


def unread_counts(archive: Archive, source_ids: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """For each of these sources (all when None) of which something is kept and not read, its `visits` and `pages`."""
    wanted = None if source_ids is None else set(source_ids)
    with archive.catalogue.begin() as connection:
        ids = [one for one in sources_with_unread(connection) if wanted is None or one in wanted]
        return {one: Unread(connection, one).counts() for one in ids}


def finish_visits(
    archive: Archive,
    pool: PageReader,
    source_ids: Iterable[str] | None = None,
    advance: Callable[[], object] = lambda: None,
) -> Finished:
    """Finish the visits of these sources (of all, when None) in the order in which they were made.

    What a group of visits came to is durable before the next one begins, and a run that was killed goes on with what
    is left. Ctrl-C ends it after the last whole group. Raises SourceBusy when a process works on one of the sources,
    BadSourceFile when its file cannot be read by this version, and what the stores raise.
    """
    done = Finished()
    for source_id in unread_counts(archive, source_ids):
        with archive.catalogue.begin() as connection:
            (known,) = Sources(connection).known([source_id])
        source = parse_source(known.toml, f"the file of {source_id}")
        archive.own(source_id, LEASE_SECONDS)
        try:
            archive.recover(source_id)
            _SourceFinishing(archive, pool, source, done, advance).run()
            archive.seal(source_id)
        except KeyboardInterrupt:
            # not sealed: whether the last group was committed is for `recover` to see
            done.interrupted = True
            break
        finally:
            archive.disown(source_id)
    return done


class _SourceFinishing:
    """The unread visits of one source, which this process owns."""

    def __init__(
        self, archive: Archive, pool: PageReader, source: Source, done: Finished, advance: Callable[[], object]
    ) -> None:
        self._archive, self._pool, self._source = archive, pool, source
        self._done, self._advance = done, advance
        self._furniture = SourceFurniture(source.id)
        self._requisites = RequisiteLeads(source)
        self._after: tuple[datetime, int] | None = None
        # what came after a visit that cannot be finished waits with it
        self._passed: set[int] = set()

    def run(self) -> None:
        """Finish them all, group by group."""
        owned = time.monotonic()
        while rows := self._next_rows():
            visits = list(self._group(rows))
            if visits:
                settled = settle(self._archive, self._source, visits, self._furniture)
                self._done.visits += len(visits)
                self._done.versions += sum(one.version is not None for one in settled)
                self._done.found += sum(one.added for one in settled)
            if time.monotonic() - owned > LEASE_SECONDS / 3:
                self._archive.own(self._source.id, LEASE_SECONDS)
                owned = time.monotonic()

    def _next_rows(self) -> list[tuple[UnreadVisit, Lead]]:
        with self._archive.catalogue.begin() as connection:
            rows = Unread(connection, self._source.id).since(self._after, GROUP_VISITS)
            leads = Leads(connection, self._source.id).of(list({row.lead_id for row in rows})) if rows else []
        of_id = {lead.id: lead for lead in leads}
        return [(row, of_id[row.lead_id]) for row in rows]

    def _group(self, rows: list[tuple[UnreadVisit, Lead]]) -> Iterator[Visit]:
        """The first of these visits that can be settled together, as read: one of each lead."""
        started: list[tuple[Visit, Future[Reading] | None]] = []
        leads: set[int] = set()
        size_bytes = 0
        for row, lead in rows:
            if lead.id in leads or size_bytes > GROUP_BYTES:
                break
            self._after = row.at, row.lead_id
            try:
                if lead.id in self._passed:
                    self._done.left += 1
                    continue
                visit = self._visit(row, lead)
            except _DAMAGED as problem:
                self._pass_over(row, lead, problem)
                continue
            leads.add(lead.id)
            size_bytes += len(visit.answer.body) if visit.answer is not None else 0
            started.append((visit, self._started(visit)))
        for visit, reading in started:
            if reading is not None and visit.answer is not None:
                take_reading(visit, visit.answer, reading.result(), self._requisites)
            self._advance()
            yield visit

    def _pass_over(self, row: UnreadVisit, lead: Lead, problem: Exception) -> None:
        self._passed.add(lead.id)
        self._done.left += 1
        if len(self._done.problems) < MOST_PROBLEMS:
            self._done.problems.append(f"{lead.url}, visited {row.at:%Y-%m-%d %H:%M}: {problem}")

    def _started(self, visit: Visit) -> Future[Reading] | None:
        if visit.answer is None or visit.problem is not None or visit.is_the_same:
            return None
        return self._pool.submit(page_input(visit, visit.answer, self._source))

    def _visit(self, row: UnreadVisit, lead: Lead) -> Visit:
        """The visit as it was when it was put off."""
        if row.absence is None:
            if row.capture is None:
                raise ObjectMissing("its capture", "the catalogue")
            return Visit(lead, row.at, answer=self._answer(lead, row.capture), finishes=True)
        problem = Problem(row.reason or "", row.detail or "")
        answer = None
        if row.capture is not None and (row.reason or "").startswith(("http-", "truncated-")):
            answer = _bare_answer(lead, row.capture)
        return Visit(
            lead,
            row.at,
            answer=answer,
            problem=problem,
            failure_capture=row.capture,
            finishes=True,
            absence=row.absence,
        )

    def _answer(self, lead: Lead, capture: Capture) -> Answer:
        """The answer as its exchange holds it; a 304, or a revisit, with what it stands for."""
        holdings = self._archive.holdings
        stored = read_capture(holdings, capture.key, capture.offset, capture.length, resolve=self._original)
        is_same = lead.last_capture is not None and lead.last_capture.record_id == capture.refers_to
        seen = stored if stored.status != 304 or stored.original is None or is_same else stored.original
        return _answer(lead, capture, seen, stored.payload or b"", self._is_verified(capture))

    def _is_verified(self, capture: Capture) -> bool | None:
        if not capture.url.startswith("https:"):
            return None
        return ("tlsVerified", "no") not in told_beside(self._archive.holdings, capture)

    def _original(self, reference: Reference) -> Capture | None:
        with self._archive.catalogue.begin() as connection:
            return capture_of_record(connection, reference.record_id) if reference.record_id else None


def _answer(lead: Lead, capture: Capture, seen: StoredExchange, body: bytes, tls_verified: bool | None) -> Answer:
    return Answer(
        url=_address(lead, capture),
        status=seen.status or 0,
        headers=tuple(seen.headers),
        body=body,
        capture=capture,
        truncated=capture.truncated,
        truncated_detail=None,
        tls_verified=tls_verified,
    )


def _bare_answer(lead: Lead, capture: Capture) -> Answer:
    """The answer of a visit whose page is not looked at."""
    return Answer(_address(lead, capture), capture.status or 0, (), b"", capture, capture.truncated, None, None)


def _address(lead: Lead, capture: Capture) -> str:
    """The address that answered, in the spelling in which it was asked for, where that is known."""
    asked = str(parse_web_url(lead.url))
    return asked if warc_target_uri(asked) == capture.url else capture.url
