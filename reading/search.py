"""Full-text search: what matches, best or newest first, with counts by source, language, year and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, func, select

from reading.exports.selection import Selection, filters, state_of, takes
from reading.highlight import Marker, Piece
from reading.matching import Asked, matching, scored
from storage.catalogue import findable, versions

__all__ = ["FACETS", "Found", "Hit", "Piece", "Search", "Sort", "records_in_order", "search"]

Sort = Literal["relevance", "newest", "oldest"]
FACETS = ("source", "language", "year", "state")
ROWS_PER_QUERY = 200
CACHE_KIB = 65_536


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked: without words in `selection.query` everything is listed by time of capture."""

    selection: Selection
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One version that was found; `headline` and `snippet` are its texts in pieces, what was asked for marked."""

    source: str
    article: str
    record: dict[str, Any]
    state: str
    score: float | None
    headline: tuple[Piece, ...]
    snippet: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """How many there are, those of the page that was asked for, and counts by FACETS, the largest first."""

    total: int
    hits: tuple[Hit, ...]
    facets: dict[str, list[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class _Place:
    """A version that was found, before its record is read."""

    id: int
    score: float | None
    outcome: str | None


def search(connection: Connection, wanted: Search, *, facets: bool = True) -> Found:
    """What a search finds. Raises BadQuery for a query that is none, and says what to write instead."""
    if connection.dialect.name == "sqlite":
        # Facets visit a row for each version that was found.
        connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KIB}")
    query = (wanted.selection.query or "").strip()
    asked = Asked.of(connection, query) if query else None
    marker = Marker(asked.tree, asked.languages) if asked else Marker(None, ())
    if wanted.selection.text is not None or wanted.selection.min_confidence is not None:
        return _found_by_reading(connection, wanted, asked, marker, facets=facets)
    counted = _counts(connection, wanted.selection, asked) if facets else None
    total = counted.total if counted else _total(connection, wanted.selection, asked)
    places = _places(connection, wanted, asked) if wanted.offset < total else []
    hits = tuple(_hits(connection, places, marker))
    return Found(total, hits, counted.facets() if counted else {})


def records_in_order(connection: Connection, selection: Selection, sort: Sort) -> Iterator[dict[str, Any]]:
    """The records of everything that is found, read as they are asked for; their places are found first."""
    query = (selection.query or "").strip()
    asked = Asked.of(connection, query) if query else None
    places = _places(connection, Search(selection, sort), asked, all_of_them=True)
    for _, _, _, line in _lines(connection, places):
        record = orjson.loads(line)
        if takes(selection, record):
            yield record


def _places(connection: Connection, wanted: Search, asked: Asked | None, *, all_of_them: bool = False) -> list[_Place]:
    """The versions that were found, in their order."""
    newest = (findable.c.captured_at.desc(), findable.c.version_id.desc())
    columns: list[Any] = [findable.c.version_id, findable.c.outcome]
    conditions = list(filters(wanted.selection))
    if asked is not None and wanted.sort == "relevance":
        matches = scored(connection, asked)
        query = select(*columns, matches.c.score).join(matches, matches.c.id == findable.c.version_id)
        query = query.order_by(matches.c.score.desc(), *newest)
    else:
        oldest = (findable.c.captured_at, findable.c.version_id)
        query = select(*columns).order_by(*(oldest if wanted.sort == "oldest" else newest))
        if asked is not None:
            conditions.append(findable.c.version_id.in_(matching(connection, asked)))
    query = query.where(*conditions)
    if not all_of_them:
        query = query.limit(wanted.limit).offset(wanted.offset)
    return [_Place(row[0], row[2] if len(row) > 2 else None, row[1]) for row in connection.execute(query)]


def _hits(connection: Connection, places: Sequence[_Place], marker: Marker) -> Iterator[Hit]:
    for place, source, article, line in _lines(connection, places):
        record = orjson.loads(line)
        yield Hit(
            source,
            article,
            record,
            state_of(place.outcome),
            place.score,
            marker.marked(record.get("headline") or "", "headline"),
            marker.snippet(record.get("articleBody") or record.get("description") or ""),
        )


def _lines(connection: Connection, places: Sequence[_Place]) -> Iterator[tuple[_Place, str, str, str]]:
    columns = (versions.c.id, versions.c.source_id, versions.c.article, versions.c.line)
    for start in range(0, len(places), ROWS_PER_QUERY):
        part = places[start : start + ROWS_PER_QUERY]
        query = select(*columns).where(versions.c.id.in_([place.id for place in part]))
        rows = {row.id: row for row in connection.execute(query)}
        for place in part:
            row = rows[place.id]
            yield place, row.source_id, row.article, row.line


class _Counts:
    """How many versions each source, language, year and state has."""

    def __init__(self) -> None:
        self.total = 0
        self._by: dict[str, Counter[str]] = {name: Counter() for name in FACETS}

    def add(self, source: str, language: str | None, year: str | None, outcome: str | None, number: int) -> None:
        self.total += number
        self._by["source"][source] += number
        self._by["state"][state_of(outcome)] += number
        if language:
            self._by["language"][language] += number
        if year:
            self._by["year"][year] += number

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """The largest first, years the newest first."""
        found = {name: sorted(by.items(), key=lambda one: (-one[1], one[0])) for name, by in self._by.items()}
        return found | {"year": sorted(self._by["year"].items(), reverse=True)}


_FACET_COLUMNS = (findable.c.source_id, findable.c.in_language, findable.c.year, findable.c.outcome)


def _counts(connection: Connection, selection: Selection, asked: Asked | None) -> _Counts:
    query = select(*_FACET_COLUMNS, func.count()).where(*_all_conditions(connection, selection, asked))
    counts = _Counts()
    for source, language, year, outcome, number in connection.execute(query.group_by(*_FACET_COLUMNS)):
        counts.add(source, language, year, outcome, number)
    return counts


def _total(connection: Connection, selection: Selection, asked: Asked | None) -> int:
    query = select(func.count()).select_from(findable).where(*_all_conditions(connection, selection, asked))
    return int(connection.execute(query).scalar_one())


def _all_conditions(connection: Connection, selection: Selection, asked: Asked | None) -> Iterator[Any]:
    if asked is not None:
        yield findable.c.version_id.in_(matching(connection, asked))
    yield from filters(selection)


def _found_by_reading(
    connection: Connection, wanted: Search, asked: Asked | None, marker: Marker, *, facets: bool
) -> Found:
    """The same for what only the records themselves tell: each one that may be meant is read."""
    every = _places(connection, wanted, asked, all_of_them=True)
    kept = [place for place, _, _, line in _lines(connection, every) if takes(wanted.selection, orjson.loads(line))]
    counts = _Counts()
    if facets:
        for facts in _facts_of(connection, [place.id for place in kept]):
            counts.add(facts[0], facts[1], facts[2], facts[3], 1)
    page = kept[wanted.offset : wanted.offset + wanted.limit]
    return Found(len(kept), tuple(_hits(connection, page, marker)), counts.facets() if facets else {})


def _facts_of(connection: Connection, ids: Sequence[int]) -> Iterable[Any]:
    for start in range(0, len(ids), ROWS_PER_QUERY):
        part = findable.c.version_id.in_(ids[start : start + ROWS_PER_QUERY])
        yield from connection.execute(select(*_FACET_COLUMNS).where(part))
