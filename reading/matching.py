"""Which versions match a query, and how well: the two databases' full-text search behind one face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import CTE, ColumnElement, Connection, column, func, literal_column, select, table, text

from reading.query import Tree, parse
from reading.querysql import fts5, tsquery
from storage.catalogue import findable
from storage.words import stemmed_language

MAX_LANGUAGES = 100

# What a word counts in the columns of the index: a headline more than a text, a stem so little that a text with the
# very word comes first.
_FTS5_WEIGHTS = "8.0, 4.0, 3.0, 1.0, 0.05, 0.0"
# of D, C, B and A
_TSVECTOR_WEIGHTS = "{0.01, 0.1, 0.4, 1.0}"

_fts5 = table("words", column("rowid"), column("words"))
_vectors = table("words", column("version_id"), column("vector"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A query taken apart, and the languages of the archive whose stems it is also found by."""

    tree: Tree
    languages: tuple[str, ...]

    @classmethod
    def of(cls, connection: Connection, query: str) -> Self:
        """The query, for that catalogue. Raises BadQuery."""
        tree = parse(query)
        return cls(tree, stemmed_languages(connection))


def stemmed_languages(connection: Connection) -> tuple[str, ...]:
    """The languages of the archive that have stems: each is one step in an index."""
    tags: list[str] = []
    query = select(func.min(findable.c.in_language))
    while len(tags) < MAX_LANGUAGES:
        after = query.where(findable.c.in_language > tags[-1]) if tags else query
        tag = connection.execute(after).scalar()
        if tag is None:
            break
        tags.append(tag)
    return tuple(dict.fromkeys(language for tag in tags if (language := stemmed_language(tag))))


def matching(connection: Connection, asked: Asked) -> Any:
    """A SELECT of the ids of the versions that match."""
    if connection.dialect.name == "sqlite":
        return select(_fts5.c.rowid).where(_fts5.c.words.op("MATCH")(fts5(asked.tree, asked.languages)))
    return select(_vectors.c.version_id).where(_vectors.c.vector.op("@@")(_tsquery(asked)))


def scored(connection: Connection, asked: Asked) -> CTE:
    """The same with a `score`: the higher the better.

    Made before anything is joined to it: left to itself, SQLite may ask FTS5 about each row of `findable`.
    """
    if connection.dialect.name == "sqlite":
        score: ColumnElement[Any] = literal_column(f"-bm25(words, {_FTS5_WEIGHTS})")
        match = _fts5.c.words.op("MATCH")(fts5(asked.tree, asked.languages))
        return (
            select(_fts5.c.rowid.label("id"), score.label("score"))
            .where(match)
            .cte("matches")
            .prefix_with("MATERIALIZED")
        )
    query = _tsquery(asked)
    # 1: a long text has more words by chance
    score = func.ts_rank_cd(text(f"'{_TSVECTOR_WEIGHTS}'"), _vectors.c.vector, query, 1)
    match = _vectors.c.vector.op("@@")(query)
    return (
        select(_vectors.c.version_id.label("id"), score.label("score"))
        .where(match)
        .cte("matches")
        .prefix_with("MATERIALIZED")
    )


def _tsquery(asked: Asked) -> ColumnElement[Any]:
    from sqlalchemy import cast
    from sqlalchemy.dialects.postgresql import TSQUERY

    return cast(tsquery(asked.tree, asked.languages), TSQUERY)
