"""A visit: one lead on its way through the steps, carrying what each step found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from storage.capture import Capture
from storage.lead import Lead, NewLead

if TYPE_CHECKING:
    from crawler.rendering.rendered import Rendered
    from pipelines.read import Reading


@dataclass(frozen=True, slots=True)
class Answer:
    """What the wire brought back for a lead, after its redirects: the body is as sent, still content-encoded."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    capture: Capture
    truncated: str | None
    truncated_detail: str | None
    tls_verified: bool | None

    def header(self, name: str) -> str | None:
        """The first value of a header, matched without case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a visit did not bring what was due: `kind` is the word in reports, `detail` is for people.

    `refused` means a rule forbade the visit; `passing` means that trying again may help; without `attempted` nothing
    was sent at all.
    """

    kind: str
    detail: str
    refused: bool = False
    passing: bool = False
    attempted: bool = True
    retry_after_seconds: float | None = None


class Note(NamedTuple):
    """Something worth showing about a list that could be read all the same: a word for reports, and a sentence."""

    kind: str
    sentence: str


@dataclass(slots=True)
class Visit:
    """One lead's journey from step 3 to step 9. One that is `cut_short` by the crawl's end is not acknowledged.

    One that is put off is acknowledged without being read; later another one of the same time `finishes` it, with the
    `absence` that was found, if that is what waited.
    """

    lead: Lead
    at: datetime
    answer: Answer | None = None
    problem: Problem | None = None
    failure_capture: Capture | None = None
    rendered: Rendered | None = None
    reading: Reading | None = None
    found: list[NewLead] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    hints: Mapping[str, str] = field(default_factory=dict)
    cut_short: bool = False
    is_put_off: bool = False
    finishes: bool = False
    absence: str | None = None

    @property
    def capture(self) -> Capture | None:
        """Where the last exchange of this visit is kept."""
        return self.answer.capture if self.answer is not None else self.failure_capture

    @property
    def is_the_same(self) -> bool:
        """Whether the page is, byte for byte, what it was when its lead last showed what was due.

        Of a page that scripts fill its own bytes say nothing.
        """
        answer, last = self.answer, self.lead.last_capture
        if answer is None or self.problem is not None or self.rendered is not None:
            return False
        if answer.status == 304:
            return True
        if last is None or last.payload_digest is None or answer.status != 200:
            return False
        return (last.url, last.payload_digest) == (answer.capture.url, answer.capture.payload_digest)

    @property
    def lead_facts(self) -> dict[str, str]:
        """How the page was found, as the record's `discovery` says it."""
        lead = self.lead
        facts = {**lead.hints, "via": lead.via, "method": lead.method}
        return {name: value for name, value in facts.items() if value}
