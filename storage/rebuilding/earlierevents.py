"""Events as the first Newsark wrote them: what became known and what was visited, without steps or exchanges.

What they leave out is taken from what stands beside them: exchanges by URL and time from the WARC, versions and
observations from the records. Not to be had are the runs, what lists said of an article, and validators; each lead
that was visited is due at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from storage.capture import Capture
from storage.eventfields import identity_of
from storage.events import LeadFound, LeadVisited
from storage.rebuilding.recordlines import RecordLines
from storage.rebuilding.step import Step, Told

_FOUND, _VISITED = "lead-found", "lead-visited"
# As the crawler of that time chose them; the first is for other ways of finding.
_PRIORITIES: dict[str, dict[str | None, int]] = {
    "feed": {None: 10},
    "sitemap": {None: 20},
    "section": {None: 30},
    "article": {None: 70, "feed": 50, "news-sitemap": 50, "section": 55, "sitemap": 60},
}
_OTHER_PRIORITY = {None: 82}


def is_earlier(first_line: bytes) -> bool:
    """Whether a segment's events that begin with this line are of that time: later ones tell of the source first."""
    try:
        return orjson.loads(first_line).get("type") in (_FOUND, _VISITED)
    except (orjson.JSONDecodeError, AttributeError):
        return False


def earlier_step(captures: Iterable[Capture], events: Iterable[bytes], records: RecordLines, told: Told) -> Step:
    """All that such a segment tells, as one step."""
    lines = list(_lines(events, told))
    visited = [line for line in lines if line["type"] == _VISITED]
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["type"] == _FOUND:
            found.setdefault(line["url"], line)
    # of the lists that began the crawl nothing was told before their visit
    first = {line["url"]: line for line in visited if line["url"] not in found} | found
    step = Step(found=[_found(line) for line in first.values()], strays=list(records.unclaimed()))
    exchanges = _Exchanges(captures)
    step.visits = [exchanges.of_visit(line) for line in visited]
    step.captures = exchanges.captures
    step.observations = [(one, identity_of(one.url)) for one in records.observations()]
    return step


def _lines(events: Iterable[bytes], told: Told) -> Iterator[dict[str, Any]]:
    for line in events:
        try:
            facts = orjson.loads(line)
            kind, _, _ = facts["type"], facts["url"], _moment(facts["at"])
        except (ValueError, KeyError, TypeError) as problem:
            told.problems.append(f"{line[:80]!r} is no event: {problem!r}")
            continue
        if kind in (_FOUND, _VISITED):
            yield facts
        else:
            told.unknown[kind] += 1


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _found(line: dict[str, Any]) -> LeadFound:
    kind, method, is_found = line.get("kind", "article"), line.get("method"), line["type"] == _FOUND
    ways = _PRIORITIES.get(kind, _OTHER_PRIORITY)
    return LeadFound(
        at=_moment(line["at"]),
        url=line["url"],
        identity=identity_of(line["url"]),
        kind=kind,
        priority=ways.get(method, ways[None]),
        via=line.get("via"),
        method=method,
        depth=int(is_found),
        refusal=line.get("refusal"),
    )


class _Exchanges:
    """The captures of the segment, each given to the visit of its URL that came next."""

    def __init__(self, captures: Iterable[Capture]) -> None:
        self.captures: list[tuple[Capture, str | None]] = []
        self._waiting: dict[str, list[Capture]] = {}
        for capture in captures:
            self.captures.append((capture, identity_of(capture.url)))
            self._waiting.setdefault(capture.url, []).append(capture)

    def of_visit(self, line: dict[str, Any]) -> tuple[LeadVisited, str | None, None]:
        """The visit, with the record id of its response; none was left unread."""
        at, url = _moment(line["at"]), line["url"]
        waiting = self._waiting.get(url, [])
        own = [one for one in waiting if one.date <= at] or waiting[:1]
        self._waiting[url] = waiting[len(own) :]
        visit = LeadVisited(
            at=at,
            url=url,
            identity=identity_of(url),
            state=line["state"],
            reason=line.get("reason"),
            detail=line.get("detail"),
            due_seconds=0.0,
            captures=tuple(one.offset for one in own),
        )
        answers = [one.record_id for one in own if one.record_type != "metadata" and one.status != 304]
        return visit, answers[-1] if answers else None, None
