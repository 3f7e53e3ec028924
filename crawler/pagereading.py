"""Steps 5 and 6 of one page: how it is given to be read, and what its reading means for its visit. Plain functions."""

from __future__ import annotations

from typing import Any

from crawler.kinds import ARTICLE, SECTION
from crawler.requisites import RequisiteLeads
from crawler.source import Source
from crawler.visit import Answer, Problem, Visit
from pipelines.article import WHOLE
from pipelines.page import PageInput
from pipelines.reading import Reading
from storage.conversion import DOCUMENT_TYPE


def page_input(visit: Visit, answer: Answer, source: Source) -> PageInput:
    """The page of a visit, as it is given to be read."""
    return PageInput(
        url=answer.url,
        **_seen(visit, answer),
        hints=dict(visit.lead.hints),
        fetched_at=visit.at,
        source=source.id,
        selectors=source.selectors,
        requisites=source.requisites if visit.lead.kind == ARTICLE else "none",
        wants_links=visit.lead.kind == SECTION,
    )


def take_reading(visit: Visit, answer: Answer, reading: Reading, requisites: RequisiteLeads) -> None:
    """Give the visit its reading, with the problem that this is, if any, and what the page needs as found leads."""
    visit.reading = reading
    if reading.kind == "unreadable":
        # The evidence is the word for what a page could not be read for, where there is one.
        visit.problem = Problem(next(iter(reading.evidence), reading.kind), reading.reason or "")
    elif visit.lead.kind == ARTICLE and reading.kind not in WHOLE:
        detail = reading.reason or "; ".join(reading.evidence)
        if visit.rendered is not None and reading.kind == "empty":
            detail = visit.rendered.emptiness
        visit.problem = Problem(reading.kind, detail)
    if reading.requisites:
        visit.found = requisites.of(reading.requisites, visit.lead, answer)


def _seen(visit: Visit, answer: Answer) -> dict[str, Any]:
    """What is read: the page as it came, or the document that a browser made of it."""
    if visit.rendered is None:
        return {"body": answer.body, "headers": answer.headers, "status": answer.status}
    # as `reextract` will find it in the archive
    return {"body": visit.rendered.document, "headers": (("Content-Type", DOCUMENT_TYPE),), "status": None}
