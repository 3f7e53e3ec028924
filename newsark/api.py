"""The Python door: `newsark.open("archive")` for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, get_args

from newsark.address import normal_spelling
from newsark.archiveplace import archive_settings, place_of
from newsark.home import unknown_source, utc_now
from newsark.settings import NewsarkSettings
from reading.article import ArticleHistory, history_of
from reading.exports.selection import STATES, Row, Selection, stream
from reading.ledger import Wanted
from reading.ledger import ledger as read_ledger
from reading.query import parse
from reading.reextraction import original_of
from reading.search import Sort, records_in_order
from reading.status import source_states
from reading.worddiff import difference
from storage.archive import Archive
from storage.captures import capture_of_record
from storage.publicview import hidden_from
from storage.readback import StoredExchange, read_capture
from storage.sources import Sources
from storage.suppressionerrors import IsSuppressed

if TYPE_CHECKING:
    import pandas
    import pyarrow


class WordlessFilters(TypedDict, total=False):
    """Which articles: moments of capture (ends left out), days, months or years of publication as text, languages,
    what the last visit found, words as they stand, and how certain the text is at least."""

    captured_since: datetime
    captured_until: datetime
    published_since: str
    published_until: str
    languages: Sequence[str]
    state: str
    text: str
    min_confidence: float


class Filters(WordlessFilters, total=False):
    """The same with a query, as `newsark search` has it."""

    query: str


class OpenArchive:
    """An archive open for reading; use it in a `with` statement, or call `close()`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def articles(
        self,
        sources: str | Sequence[str] | None = None,
        *,
        versions: Literal["latest", "all"] = "latest",
        **filters: Unpack[Filters],
    ) -> Iterator[dict[str, Any]]:
        """The records of all articles, or those of some sources, as dictionaries, oldest capture first.

        `versions` is the latest of each article, or "all"; the filters are those of `newsark export`. Raises
        UnknownSource for an id that no source has, and ValueError for another word for `versions` or `state`.
        """
        selection = self._selection(sources, versions, filters)
        return (row.record for row in self._rows(selection))

    def search(
        self,
        query: str,
        sources: str | Sequence[str] | None = None,
        *,
        versions: Literal["latest", "all"] = "latest",
        sort: Sort = "relevance",
        limit: int | None = None,
        **filters: Unpack[WordlessFilters],
    ) -> Iterator[dict[str, Any]]:
        """The records that a full-text query finds, the best first, read as they are asked for.

        `sort` may be "newest" or "oldest", by time of capture. Raises BadQuery for a query that is none, UnknownSource
        for an id that no source has, and ValueError for another word for `versions`, `sort` or `state`.
        """
        if sort not in get_args(Sort):
            raise ValueError(f"sort is one of {', '.join(get_args(Sort))}, not {sort!r}")
        parse(query)
        chosen: Filters = {**filters, "query": query}
        selection = self._selection(sources, versions, chosen)
        return islice(self._found(selection, sort), limit)

    def _found(self, selection: Selection, sort: Sort) -> Iterator[dict[str, Any]]:
        with self._archive.catalogue.begin() as connection:
            yield from records_in_order(connection, selection, sort)

    def to_arrow(
        self,
        sources: str | Sequence[str] | None = None,
        *,
        versions: Literal["latest", "all"] = "latest",
        **filters: Unpack[Filters],
    ) -> pyarrow.Table:
        """The same as an Arrow table with the columns of exports. Raises ModuleNotFoundError without pyarrow."""
        from reading.exports.arrow import table_of
        from reading.exports.articles import COLUMNS

        return table_of(COLUMNS, self._rows(self._selection(sources, versions, filters)))

    def to_pandas(
        self,
        sources: str | Sequence[str] | None = None,
        *,
        versions: Literal["latest", "all"] = "latest",
        **filters: Unpack[Filters],
    ) -> pandas.DataFrame:
        """The same as a pandas data frame. Raises ModuleNotFoundError without pyarrow and pandas."""
        return self.to_arrow(sources, versions=versions, **filters).to_pandas()

    def _selection(self, sources: str | Sequence[str] | None, versions: str, filters: Filters) -> Selection:
        if versions not in ("latest", "all"):
            raise ValueError(f"versions is 'latest' or 'all', not {versions!r}")
        state = filters.get("state")
        if state is not None and state not in STATES:
            raise ValueError(f"state is one of {', '.join(STATES)}, not {state!r}")
        return Selection(sources=self._ids(sources), latest_only=versions == "latest", **filters)

    def _rows(self, selection: Selection) -> Iterator[Row]:
        with self._archive.catalogue.begin() as connection:
            yield from stream(connection, selection)

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

    def diff(self, url_or_id: str, old: int | None = None, new: int | None = None) -> dict[str, Any]:
        """What changed between two versions of an article, as `newsark diff --json`; the last two without numbers.

        Raises KeyError when the article is not here, or has no such versions.
        """
        history = self.article(url_or_id)
        records = {record["version"]: record for record in history.records} if history is not None else {}
        earlier, later = _pair(list(records), old, new)
        return difference(records[earlier], records[later])

    def capture(self, record: Mapping[str, Any]) -> StoredExchange:
        """The bytes that a record was read from, every digest verified: `http_head`, and `payload` as it was sent.

        Raises ValueError for a record without an archive, IsSuppressed for one that is not to be shown, and what the
        stores and the WARC raise for bytes that are missing or damaged.
        """
        where = record.get("archive")
        if not where:
            raise ValueError(f"nothing was kept for {record.get('url')}")
        with self._archive.catalogue.public() as connection:
            hidden = hidden_from(connection)
            if hidden is not None and capture_of_record(connection, where["recordId"]) is None:
                raise IsSuppressed(str(record.get("url")))
        place = (where["filename"], where["offset"], where["length"])
        return read_capture(self._archive.holdings, *place, resolve=partial(original_of, self._archive.catalogue))

    def ledger(
        self, sources: str | Sequence[str] | None = None, *, kinds: Sequence[str] = (), since: datetime | None = None
    ) -> list[dict[str, Any]]:
        """What happened to the articles, oldest first, as `newsark ledger --json`. Raises UnknownSource."""
        wanted = Wanted(self._ids(sources) or (), frozenset(kinds), since)
        return [entry.as_json() for entry in read_ledger(self._archive, wanted)]

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


def _pair(numbers: list[int], old: int | None, new: int | None) -> tuple[int, int]:
    """The two versions that are compared: those named, else the last and the one before."""
    later = new if new is not None else max(numbers, default=0)
    earlier = old if old is not None else max((number for number in numbers if number < later), default=0)
    for number in (earlier, later):
        if number not in numbers:
            raise KeyError(f"there is no version {number}; there are {numbers}")
    return earlier, later


def open(  # noqa: A001 - the word that users write
    archive: str | Path = "./archive", catalogue: str | None = None, *, endpoint_url: str | None = None
) -> OpenArchive:
    """The archive in a directory or at s3://bucket/prefix, for reading, without what is suppressed.

    `catalogue` is its database's URL when that is not in the archive's state, `endpoint_url` the address of an
    S3-compatible server. Raises NotAnArchive when there is none.
    """
    settings = NewsarkSettings.model_validate(
        {"archive": str(archive), "catalogue": catalogue, "endpoint_url": endpoint_url}
    )
    place = place_of(settings)
    chosen = archive_settings(settings, tuple(store.place for store in place.stores))
    return OpenArchive(Archive.open(place, chosen, utc_now, create=False, is_public=True))
