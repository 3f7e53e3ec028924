"""One article with everything known about it: its versions, its observations, where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from storage.acknowledgement import UNREAD
from storage.archive import Archive
from storage.catalogue import leads
from storage.lead import lead_identity
from storage.versions import Observation, article_key, find_observations, find_versions


@dataclass(frozen=True, slots=True)
class ArticleHistory:
    """An article by its key: its records from the first version to the latest, when each was captured, and what visits
    found."""

    source: str
    article: str
    records: list[dict[str, Any]]
    dates: list[datetime]
    observations: list[Observation]

    @property
    def latest(self) -> dict[str, Any]:
        """The record of the newest version."""
        return self.records[-1]


@dataclass(frozen=True, slots=True)
class LeadState:
    """What is known of a URL that showed no article: its kind, its state and the reason for it."""

    source: str
    url: str
    kind: str
    state: str
    reason: str | None
    detail: str | None
    visited_at: datetime | None

    @property
    def told(self) -> str:
        """What became of it, as the end of a sentence that says it is known; how to go on where that is to be said."""
        visited = f"visited {self.visited_at:%Y-%m-%d %H:%M}" if self.visited_at else None
        if self.reason == UNREAD:
            return f"and its page, {visited}, is kept and not read yet: newsark reextract {self.source} reads it"
        facts = "; ".join(fact for fact in (self.reason, self.detail, visited) if fact)
        return f"but as no article: {self.kind}, {self.state}; {facts}"


def history_of(archive: Archive, needle: str, normalised_url: str | None = None) -> ArticleHistory | None:
    """The article that a URL, a canonical URL or a record id names, or None.

    `normalised_url` is the needle's normal spelling when it is a URL: it finds the article under other spellings.
    """
    keys = [article_key(normalised_url)] if normalised_url else []
    with archive.catalogue.begin() as connection:
        versions = find_versions(connection, needle, keys)
        if not versions:
            return None
        source_id, first = versions[0]
        return ArticleHistory(
            source_id,
            first.article,
            [orjson.loads(version.line) for _, version in versions],
            [version.captured_at for _, version in versions],
            find_observations(connection, source_id, first.article),
        )


def lead_of(archive: Archive, normalised_url: str) -> LeadState | None:
    """What came of a URL that some source knows, by its normal spelling; None when none does."""
    names = LeadState.__dataclass_fields__
    columns = [leads.c.source_id if name == "source" else leads.c[name] for name in names]
    query = select(*columns).where(leads.c.identity == lead_identity(normalised_url)).limit(1)
    with archive.catalogue.begin() as connection:
        row = connection.execute(query).first()
    return None if row is None else LeadState(*row)
