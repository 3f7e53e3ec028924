"""Which of a source's selectors hit anything on its newest stored pages."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from pipelines.jsonld import linked_data
from pipelines.page import ReadLimits, open_page
from pipelines.selectors import Selectors, elements_of, values_of
from reading.reextraction import original_of, page_of
from storage.archive import Archive
from storage.errors import PageError, StorageError
from storage.readback import read_capture

LOOKED_AT = 10


@dataclass(slots=True)
class SelectorHits:
    """On how many of `pages` stored articles each expression hit; keys are (field or `remove`, expression)."""

    pages: int = 0
    hits: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def idle(self) -> list[tuple[str, str]]:
        """Those that hit nothing at all, though there were pages."""
        return [one for one, count in self.hits.items() if not count] if self.pages else []


def selector_hits(archive: Archive, source_id: str, selectors: Selectors) -> SelectorHits:
    """The hits on the source's newest articles. A page that cannot be read again does not count."""
    found = SelectorHits(hits=dict.fromkeys(selectors.expressions(), 0))
    for version in archive.newest_versions(source_id, LOOKED_AT):
        record = orjson.loads(version.line)
        where = record["archive"]
        try:
            exchange = read_capture(
                archive.holdings,
                where["filename"],
                where["offset"],
                where["length"],
                resolve=lambda reference: original_of(archive.catalogue, reference),
            )
            opened = open_page(page_of(record, exchange), ReadLimits())
        except (StorageError, PageError, OSError, ValueError):
            continue
        tree = opened.tree
        if tree is None:
            continue
        found.pages += 1
        scripts = [one.text or "" for one in tree.iter("script") if "ld+json" in (one.get("type") or "").lower()]
        data = linked_data(scripts, [record["url"]])
        for key, expression in found.hits:
            is_element = key in ("remove", "articleBody")
            hit = elements_of(expression, tree) if is_element else values_of(expression, tree, data)
            found.hits[(key, expression)] += bool(hit)
    return found
