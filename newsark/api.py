"""The Python door: `newsark.open("archive")` for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from newsark.home import normal_spelling, utc_now
from reading.article import ArticleHistory, history_of
from reading.status import source_states
from storage.archive import Archive, ArchiveSettings
from storage.versions import stream_versions


class OpenArchive:
    """An archive open for reading; use it in a `with` statement, or call `close()`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def articles(self, sources: Sequence[str] | None = None, *, versions: str = "latest") -> Iterator[dict[str, Any]]:
        """The records of all articles as dictionaries, oldest first: the latest version of each, or "all"."""
        with self._archive.catalogue.begin() as connection:
            for _, line in stream_versions(connection, sources, latest_only=versions == "latest"):
                yield orjson.loads(line)

    def article(self, url_or_id: str) -> ArticleHistory | None:
        """One article with its versions and observations, by URL or record id; None when it is not here."""
        return history_of(self._archive, url_or_id, normal_spelling(url_or_id))

    def sources(self) -> list[dict[str, Any]]:
        """Each source with its leads by state, its article count and its last run, as `newsark status --json`."""
        return source_states(self._archive)

    def close(self) -> None:
        """Close the catalogue."""
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(archive: str | Path = "./archive", catalogue: str | None = None) -> OpenArchive:  # noqa: A001
    """The archive in a directory, for reading. Raises NotAnArchive when there is none."""
    settings = ArchiveSettings(catalogue_url=catalogue)
    return OpenArchive(Archive.open(Path(archive).absolute(), settings, utc_now, create=False))
