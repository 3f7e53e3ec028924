"""Steps: what a segment's events, records and WARC together say, as the transactions that the catalogue took in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from storage.capture import Capture
from storage.events import (
    ArticleImported,
    CaptureImported,
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
    from_line,
)
from storage.rebuilding.earlierevents import earlier_step, is_earlier
from storage.rebuilding.recordlines import RecordLines
from storage.rebuilding.step import Step, Told
from storage.suppression import Suppressed, SuppressionLifted

__all__ = ["Captures", "Step", "Told", "read_steps"]

FOR_PEOPLE = frozenset({"segment-lost"})
"""Types that say what happened, and nothing that the catalogue follows."""


class Captures:
    """The captures of one WARC in their order, taken up to a place. `is_damaged` says that some may be missing."""

    def __init__(self, captures: Iterable[Capture]) -> None:
        self._captures = iter(captures)
        self._next = next(self._captures, None)
        self.is_damaged = False
        self.ids: dict[int, str] = {}

    def up_to(self, end_bytes: int | None) -> list[Capture]:
        """Those that are not taken yet and begin before that place; all that are left when it is None."""
        taken: list[Capture] = []
        while self._next is not None and (end_bytes is None or self._next.offset < end_bytes):
            taken.append(self._next)
            self.ids[self._next.offset] = self._next.record_id
            self._next = next(self._captures, None)
        return taken


def read_steps(captures: Captures, events: Iterable[bytes], records: RecordLines, told: Told) -> Iterator[Step]:
    """The steps of a segment; last, without a lead, the captures that no step took in since a crash came between.

    A step that was undone is left out, and so is a last one whose bytes did not all reach the disk.
    """
    lines_left = iter(events)
    first = next(lines_left, b"")
    if is_earlier(first):
        yield earlier_step(captures.up_to(None), chain([first], lines_left), records, told)
        return
    events = chain([first] if first else [], lines_left)
    reader = _Reader(captures, records, told)
    held: tuple[list[Event], Settled] | None = None
    lines: list[Event] = []
    for event in _events(events, told):
        if isinstance(event, Settled):
            if held is not None:
                yield reader.step(*held)
            held, lines = (lines, event), []
        elif isinstance(event, Undone):
            held = None
        else:
            lines.append(event)
    if held is not None:
        yield reader.step(*held, is_last=True)
    while left := captures.up_to(None):
        yield Step(captures=[(capture, None) for capture in left])


def _events(lines: Iterable[bytes], told: Told) -> Iterator[Event]:
    for line in lines:
        try:
            event = from_line(line)
        except ValueError as problem:
            told.problems.append(str(problem))
            continue
        if isinstance(event, str):
            if event not in FOR_PEOPLE:
                told.unknown[event] += 1
        else:
            yield event


class _Reader:
    def __init__(self, captures: Captures, records: RecordLines, told: Told) -> None:
        self._captures = captures
        self._records = records
        self._told = told

    def step(self, events: list[Event], settled: Settled, *, is_last: bool = False) -> Step:
        """The step that these events tell."""
        visits = [event for event in events if isinstance(event, LeadVisited)]
        fetched = [event for event in events if isinstance(event, LeadVisited | LeadFetched)]
        of_lead = {offset: event.identity for event in fetched for offset in event.captures}
        taken = [] if settled.warc_bytes is None else self._captures.up_to(settled.warc_bytes)
        if is_last and self._is_torn(of_lead, visits):
            return Step(captures=[(capture, None) for capture in taken])
        step = Step(
            found=[event for event in events if isinstance(event, LeadFound)],
            captures=[(capture, of_lead.get(capture.offset)) for capture in taken],
            runs=[event for event in events if isinstance(event, RunBegan | RunEnded)],
            source=next((event for event in events if isinstance(event, SourceFile)), None),
            furniture=[event for event in events if isinstance(event, FurnitureLearned)],
            suppressions=[event for event in events if isinstance(event, Suppressed | SuppressionLifted)],
        )
        for visit in visits:
            self._add_visit(step, visit)
        for event in events:
            if isinstance(event, CaptureImported):
                self._add_capture(step, event)
            elif isinstance(event, ArticleImported):
                self._add_article(step, event)
        return step

    def _is_torn(self, of_lead: Iterable[int], visits: Iterable[LeadVisited]) -> bool:
        """Whether it names what is not there: after a power cut events may be on the disk before what they tell of."""
        if not self._captures.is_damaged and any(offset not in self._captures.ids for offset in of_lead):
            return True
        named = [visit.version for visit in visits if visit.version]
        return not self._records.is_damaged and not all(map(self._records.has_version, named))

    def _add_capture(self, step: Step, event: CaptureImported) -> None:
        try:
            step.captures.append((Capture.from_facts(event.facts), None))
        except (KeyError, TypeError, ValueError) as problem:
            self._told.problems.append(f"an imported capture cannot be read: {problem!r}")

    def _add_article(self, step: Step, event: ArticleImported) -> None:
        if event.version is not None:
            version = self._records.version(event.version, event.article)
            if version is None:
                self._told.problems.append(f"the line of version {event.version} of {event.url} is missing")
            else:
                step.versions.append((version, ""))
        if event.observed is not None:
            seen = self._records.observation(event.url, event.at, event.observed, event.article)
            step.observations.append((seen, ""))

    def _add_visit(self, step: Step, visit: LeadVisited) -> None:
        response, unread = (self._record_id(place) for place in (visit.response, visit.unread))
        step.visits.append((visit, response, unread))
        if visit.version is not None:
            version = self._records.version(visit.version, visit.article or visit.identity)
            if version is None:
                self._told.problems.append(f"the line of version {visit.version} of {visit.url} is missing")
            else:
                step.versions.append((version, visit.identity))
        if visit.observed is not None:
            article = visit.observed_article or visit.article
            seen = self._records.observation(visit.url, visit.at, visit.observed, article)
            step.observations.append((seen, visit.identity))

    def _record_id(self, place: int | str | None) -> str | None:
        return self._captures.ids.get(place) if isinstance(place, int) else place
