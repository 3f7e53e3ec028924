"""What the workers of a cluster report, put together: several may have worked on a source, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crawler.progress import Progress
from crawler.report import SourceReport
from crawler.run import Errand, unfinished
from storage.deliveries import Backlog


@dataclass(frozen=True, slots=True)
class Seen:
    """How a source is doing with its worker; as in Progress."""

    source: str
    requests: int = 0
    received_bytes: int = 0
    found: int = 0
    visited: Counter[str] = field(default_factory=Counter)
    doing: str = ""
    paused: str | None = None
    left: int | None = None

    @classmethod
    def of(cls, progress: Progress) -> Seen:
        """What is to be seen of it now."""
        told = {name: getattr(progress, name) for name in cls.__dataclass_fields__}
        return cls(**told | {"visited": Counter(progress.visited)})


class Tally:
    """Reports and progress of some errands; the progress of each errand is kept up to date, for whoever shows it."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self._errands = {errand.source.id: errand for errand in errands}
        self._reports: dict[str, SourceReport] = {}
        self._before: dict[str, Seen] = {}

    def progress(self, now: Seen) -> None:
        """Take in how a source is doing with the worker that has it now."""
        shown, before = self._errands[now.source].progress, self._before.get(now.source, Seen(now.source))
        shown.requests = before.requests + now.requests
        shown.received_bytes = before.received_bytes + now.received_bytes
        shown.found = before.found + now.found
        shown.visited = Counter(before.visited) + Counter(now.visited)
        shown.doing, shown.paused, shown.left = now.doing, now.paused, now.left

    def begin_again(self, source_id: str) -> None:
        """Add what comes now to what was done so far: another worker goes on with the source."""
        self._before[source_id] = Seen.of(self._errands[source_id].progress)

    def report(self, told: SourceReport) -> None:
        """Take in a report; what an earlier worker reported of the same source is added to it."""
        before = self._reports.get(told.id)
        if before is not None:
            told.run = dict(Counter(before.run) + Counter(told.run))
            seen = {(one["reason"], one.get("detail")) for one in told.problems}
            of_source = [one for one in before.problems if one.get("kind") == "source"]
            told.problems[:0] = [one for one in of_source if (one["reason"], one.get("detail")) not in seen]
        self._reports[told.id] = told

    def has(self, source_id: str) -> bool:
        """Whether the source was reported."""
        return source_id in self._reports

    def reports(self) -> list[SourceReport]:
        """All reports, in the order of the errands."""
        return [
            self._reports.get(source_id) or unfinished(errand, "interrupted", "no worker reported it")
            for source_id, errand in self._errands.items()
        ]


def merged(backlogs: Sequence[Backlog]) -> list[Backlog]:
    """What waits for each store on all machines together."""
    found: dict[str, Backlog] = {}
    for one in backlogs:
        other = found.get(one.store)
        found[one.store] = (
            one
            if other is None
            else Backlog(
                one.store,
                one.parcels + other.parcels,
                one.bytes + other.bytes,
                min(one.since, other.since),
                one.problem or other.problem,
            )
        )
    return list(found.values())
