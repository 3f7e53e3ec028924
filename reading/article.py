"""One article with everything known about it: its versions, its observations, where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from storage.archive import Archive
from storage.versions import Observation, article_key, find_observations, find_versions


@dataclass(frozen=True, slots=True)
class ArticleHistory:
    """An article: its records from the first version to the latest, and what visits found out about it."""

    source: str
    records: list[dict[str, Any]]
    observations: list[Observation]

    @property
    def latest(self) -> dict[str, Any]:
        """The record of the newest version."""
        return self.records[-1]


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
            [orjson.loads(version.line) for _, version in versions],
            find_observations(connection, source_id, first.article),
        )
