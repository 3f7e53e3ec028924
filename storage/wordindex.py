"""The full-text index of versions: FTS5 in SQLite, a tsvector with a GIN index in PostgreSQL, of the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson
from sqlalchemy import Connection, column, insert, table, text

from storage.words import ADDRESS, HEADLINE_STEM, STEM, indexed, stemmed_language, stems_of, words_as_written, words_of

COLUMNS = ("headline", "authors", "subjects", "body", "stems", "address")

# The tokenizer `ascii` takes everything beyond ASCII as a letter, so it splits at our spaces and nowhere else.
SQLITE_INDEX = f"CREATE VIRTUAL TABLE words USING fts5({', '.join(COLUMNS)}, content='', tokenize='ascii')"
POSTGRESQL_INDEX = (
    "CREATE TABLE words (\n\tversion_id BIGINT NOT NULL,\n\tvector TSVECTOR NOT NULL,\n\tPRIMARY KEY (version_id)\n)",
    "CREATE INDEX words_by_word ON words USING gin (vector)",
)

AUTHOR, SUBJECT = "@", "#"
"""Marks of words in a tsvector, whose four weights are not enough to tell its parts apart."""

MAX_SHORT, MAX_BODY = 2_000, 200_000
"""So many signs of a headline and of a text are indexed."""

_WEIGHTS = {"headline": "A", "authors": "B", "subjects": "B", "body": "C", "stems": "D", "address": "D"}
_MARKS = {"authors": AUTHOR, "subjects": SUBJECT}
_LAST_POSITION = 16_383
_GAP = 10

_fts5 = table("words", column("rowid"), *map(column, COLUMNS))
# FTS5 takes commands as a value of the column that is called as the table is
_fts5_command = table("words", column("words"), column("rowid"), *map(column, COLUMNS))
_tsvector = text("INSERT INTO words (version_id, vector) VALUES (:version_id, CAST(:vector AS tsvector))")


@dataclass(frozen=True, slots=True)
class Entry:
    """The words of one version by column, with spaces between; a stem and a word of an address have their mark."""

    headline: str
    authors: str
    subjects: str
    body: str
    stems: str
    address: str


def entry_of(line: str | bytes) -> Entry:
    """What is indexed of a version's JSON line; a line that cannot be read has no words."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        record = {}
    parts = [
        _text(record.get("headline"))[:MAX_SHORT],
        "\n".join(_names(record.get("author")))[:MAX_SHORT],
        "\n".join((*_names(record.get("articleSection")), *_names(record.get("keywords"))))[:MAX_SHORT],
        _text(record.get("articleBody"))[:MAX_BODY],
    ]
    written = [words_as_written(part) for part in parts]
    headline, authors, subjects, body = map(indexed, written)
    language = stemmed_language(_text(record.get("inLanguage")))
    stems = stems_of([word for words in written for word in words], language) if language else []
    of_headline = dict.fromkeys(stems_of(written[0], language)) if language else {}
    stems += [stem.replace(STEM, HEADLINE_STEM) for stem in of_headline]
    address = [ADDRESS + word for word in words_of(_text(record.get("url"))[:MAX_SHORT])]
    return Entry(headline, authors, subjects, body, " ".join(stems), " ".join(address))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _names(value: Any) -> list[str]:
    """The texts of a list, or the names of its objects."""
    values = value if isinstance(value, list) else [value]
    return [_text(one.get("name") if isinstance(one, dict) else one) for one in values]


class WordIndex:
    """The index inside one transaction. Rows go by the version's id in the catalogue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"

    def add(self, lines: Iterable[tuple[int, str]]) -> None:
        """Index versions, each given by its id and its JSON line."""
        entries = [(row, entry_of(line)) for row, line in lines]
        if not entries:
            return
        if self._is_sqlite:
            self._connection.execute(insert(_fts5), [_fts5_row(*one) for one in entries])
        else:
            self._connection.execute(_tsvector, [{"version_id": row, "vector": vector(one)} for row, one in entries])

    def remove(self, lines: Sequence[tuple[int, str]]) -> None:
        """Take versions out of it. The lines must be those that were indexed: FTS5 keeps no copy of its own."""
        if not lines:
            return
        if self._is_sqlite:
            rows = [{"words": "delete"} | _fts5_row(row, entry_of(line)) for row, line in lines]
            self._connection.execute(insert(_fts5_command), rows)
        else:
            self._connection.execute(
                text("DELETE FROM words WHERE version_id = :version_id"), [{"version_id": row} for row, _ in lines]
            )


def create_index(connection: Connection) -> None:
    """Make the empty index."""
    for statement in statements(connection.dialect.name):
        connection.execute(text(statement))


def statements(dialect: str) -> tuple[str, ...]:
    """What makes the index in that database."""
    return (SQLITE_INDEX,) if dialect == "sqlite" else POSTGRESQL_INDEX


def _fts5_row(row: int, entry: Entry) -> dict[str, Any]:
    return {"rowid": row} | {name: getattr(entry, name) for name in COLUMNS}


def vector(entry: Entry) -> str:
    """The entry as a literal of tsvector: each word with its positions and weights."""
    places: dict[str, list[str]] = {}
    for word, place in _placed(entry):
        places.setdefault(word, []).append(place)
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def _placed(entry: Entry) -> Iterator[tuple[str, str]]:
    start = 1
    for name in COLUMNS:
        words = getattr(entry, name).split()
        for word, position in zip(words, count(start), strict=False):
            place = f"{min(position, _LAST_POSITION)}{_WEIGHTS[name]}"
            yield word, place
            if name in _MARKS:
                yield _MARKS[name] + word, place
        # no phrase reaches from one part into the next
        start += len(words) + _GAP
