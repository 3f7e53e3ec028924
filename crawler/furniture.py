"""What is known of a source's furniture while it is crawled: from the catalogue when it is first needed."""

from __future__ import annotations

import orjson

from pipelines.learned import WINDOW_ARTICLES, LearnedFurniture
from storage.archive import Archive


class SourceFurniture:
    """One source's learned furniture. Used from the keeper's thread."""

    def __init__(self, source_id: str) -> None:
        self._source_id = source_id
        self._learned: LearnedFurniture | None = None

    def of(self, archive: Archive) -> LearnedFurniture:
        """What was learned so far; at first what the catalogue knows, with the newest articles to learn from."""
        if self._learned is None:
            self._learned = LearnedFurniture(archive.furniture(self._source_id))
            for version in archive.newest_versions(self._source_id, WINDOW_ARTICLES):
                self._learned.learn(version.article, orjson.loads(version.line))
        return self._learned
