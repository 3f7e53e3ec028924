"""What a section page links to, as leads: articles and further sections, for sites that list them nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crawler.archivepages import continues, earlier_pages
from crawler.kinds import ARTICLE, SECTION, priority_of
from crawler.links import classify, normalise
from crawler.source import Source
from storage.errors import NewsarkError
from storage.lead import Lead, NewLead, lead_identity

if TYPE_CHECKING:
    from pipelines.links import Link


def leads_from_page(links: Iterable[Link], lead: Lead, source: Source, *, sweep: bool = False) -> list[NewLead]:
    """The articles and sections among a page's links, each once, within the site and the source's depth.

    In a `sweep` further pages and calendar pages are as deep as the list they belong to, and a calendar page that names
    articles leads to those before it, whether it links to them or not.
    """
    found: dict[str, NewLead] = {}
    for link in links:
        if not source.in_scope(link.url).inside:
            continue
        verdict = classify(link.url, link.text, source)
        kind = verdict.kind
        depth = lead.depth if sweep and kind == SECTION and continues(link.url) else lead.depth + 1
        if kind == "skip" or (kind == SECTION and depth > source.max_depth):
            continue
        try:
            url = normalise(link.url)
        except (NewsarkError, ValueError):
            continue
        identity = lead_identity(url)
        if identity in found:
            continue
        found[identity] = NewLead(
            url=link.url.partition("#")[0],
            identity=identity,
            kind=ARTICLE if kind == ARTICLE else SECTION,
            priority=priority_of(kind, "section"),
            via=lead.url,
            method="section",
            depth=depth,
            hints={"title": link.text} if link.text else {},
        )
    leads = list(found.values())
    if sweep and any(one.kind == ARTICLE for one in leads):
        leads += [calendar_lead(url, lead.url, lead.depth) for url in earlier_pages(lead.url)]
    return leads


def calendar_lead(url: str, via: str, depth: int) -> NewLead:
    """The lead of a calendar page that nobody linked to."""
    priority = priority_of(SECTION, "calendar")
    return NewLead(url, lead_identity(normalise(url)), SECTION, priority, via=via, method="calendar", depth=depth)
