"""What a section page links to, as leads: articles and further sections, for sites that list them nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crawler.kinds import ARTICLE, SECTION, priority_of
from crawler.links import classify, normalise
from crawler.source import Source
from storage.errors import NewsarkError
from storage.leads import Lead, NewLead, lead_identity

if TYPE_CHECKING:
    from pipelines.links import Link


def leads_from_page(links: Iterable[Link], lead: Lead, source: Source) -> list[NewLead]:
    """The articles and sections among a page's links, each once, within the site and the source's depth."""
    found: dict[str, NewLead] = {}
    for link in links:
        if not source.in_scope(link.url).inside:
            continue
        verdict = classify(link.url, link.text, source)
        kind = verdict.kind
        if kind == "skip" or (kind == SECTION and lead.depth + 1 > source.max_depth):
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
            depth=lead.depth + 1,
            hints={"title": link.text} if link.text else {},
        )
    return list(found.values())
