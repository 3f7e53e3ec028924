"""What a crawl of one source came to: the sum of its leads, what this run did, and what should be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from crawler.kinds import LISTS
from storage.archive import Archive
from storage.leads import STATES, Leads
from storage.unread import Unread

# These need somebody's attention wherever they turn up; a page that is gone, or not an article, does not.
ALARMING = frozenset(
    {
        "storage",
        "internal-error",
        "robots-unreachable",
        "certificate",
        "dns",
        "interrupted",
        "nothing-found",
        "no-browser",
    }
)


@dataclass(slots=True)
class SourceReport:
    """One source's crawl. `leads` has known and the five states; `run` counts what this run did, `unread` the visits
    and pages that are kept and not read.

    `outcome` is finished, interrupted, nothing-found, busy, storage or internal-error.
    """

    id: str
    name: str
    leads: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    run: dict[str, int | float] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)
    outcome: str = "finished"

    @property
    def adds_up(self) -> bool:
        """Whether every known lead is in exactly one state."""
        return self.leads.get("known", 0) == sum(self.leads.get(state, 0) for state in STATES)

    @property
    def needs_attention(self) -> bool:
        """Whether something went wrong that the user should see; it decides the exit code."""
        if self.outcome != "finished" or not self.adds_up:
            return True
        if not self.leads.get("captured", 0) + self.leads.get("unchanged", 0):
            return True
        return any(
            problem["reason"] in ALARMING
            or (problem.get("kind") in (*LISTS, "source") and problem["state"] == "failed")
            for problem in self.problems
        )

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return asdict(self) | {"adds_up": self.adds_up, "needs_attention": self.needs_attention}


def exit_code(reports: Sequence[SourceReport]) -> int:
    """What a crawl of these sources ends with; see docs/operations.md."""
    outcomes = {report.outcome for report in reports}
    for outcome, code in (("storage", 3), ("interrupted", 130), ("busy", 4)):
        if outcome in outcomes:
            return code
    return 1 if any(report.needs_attention for report in reports) else 0


def source_report(archive: Archive, source_id: str, name: str) -> SourceReport:
    """The state of a source's leads as the catalogue has it now; what is suppressed is counted and not named."""
    with archive.catalogue.public() as connection:
        problems = Leads(connection, source_id).problems()

    def read(leads: Leads) -> SourceReport:
        return SourceReport(
            source_id,
            name,
            leads=leads.counts(),
            kinds=leads.counts_by_kind(),
            problems=problems,
            unread=Unread(leads.connection, source_id).counts(),
        )

    return archive.with_leads(source_id, read)
