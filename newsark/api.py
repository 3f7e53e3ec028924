"""The Python door: `newsark.open("archive")` for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import orjson

from newsark.address import normal_spelling
from newsark.archiveplace import archive_settings, place_of
from newsark.home import unknown_source, utc_now
from newsark.settings import NewsarkSettings
from reading.article import ArticleHistory, history_of
from reading.status import source_states
from storage.archive import Archive
from storage.sources import Sources
from storage.versions import stream_versions


class OpenArchive:
    """An archive open for reading; use it in a `with` statement, or call `close()`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def articles(
        self, sources: str | Sequence[str] | None = None, *, versions: Literal["latest", "all"] = "latest"
    ) -> Iterator[dict[str, Any]]:
        """The records of all articles, or those of some sources, as dictionaries, oldest capture first.

        `versions` is the latest of each article, or "all". Raises UnknownSource for an id that no source has, and
        ValueError for another word for `versions`.
        """
        if versions not in ("latest", "all"):
            raise ValueError(f"versions is 'latest' or 'all', not {versions!r}")
        return self._records(self._ids(sources), latest_only=versions == "latest")

    def _records(self, ids: list[str] | None, *, latest_only: bool) -> Iterator[dict[str, Any]]:
        with self._archive.catalogue.begin() as connection:
            for _, line in stream_versions(connection, ids, latest_only=latest_only):
                yield orjson.loads(line)

    def _ids(self, sources: str | Sequence[str] | None) -> list[str] | None:
        if sources is None:
            return None
        wanted = [sources] if isinstance(sources, str) else list(sources)
        with self._archive.catalogue.begin() as connection:
            known = [source.id for source in Sources(connection).known()]
        for one in wanted:
            if one not in known:
                raise unknown_source(one, known)
        return wanted

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


def open(  # noqa: A001
    archive: str | Path = "./archive", catalogue: str | None = None, *, endpoint_url: str | None = None
) -> OpenArchive:
    """The archive in a directory or at s3://bucket/prefix, for reading.

    `catalogue` is its database's URL when that is not in the archive's state, `endpoint_url` the address of an
    S3-compatible server. Raises NotAnArchive when there is none.
    """
    settings = NewsarkSettings.model_validate(
        {"archive": str(archive), "catalogue": catalogue, "endpoint_url": endpoint_url}
    )
    place = place_of(settings)
    chosen = archive_settings(settings, tuple(store.place for store in place.stores))
    return OpenArchive(Archive.open(place, chosen, utc_now, create=False))
