"""One article with everything known about it: its versions, its observations, where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from storage.archive import Archive
from storage.errors import NewsarkError
from storage.uris import normalise_url
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


def history_of(archive: Archive, needle: str) -> ArticleHistory | None:
    """The article that a URL, a canonical URL or a record id names, or None."""
    keys: list[str] = []
    if "://" in needle:
        try:
            keys = [article_key(normalise_url(needle))]
        except (NewsarkError, ValueError):
            keys = []
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
