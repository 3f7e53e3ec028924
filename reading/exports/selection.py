"""Which articles an export has, and their versions one after the other, oldest capture first."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, or_, select

from reading.life import CONFIRMATIONS
from reading.matching import Asked, matching
from storage.catalogue import findable, versions

ROWS_PER_QUERY = 200
PRESENT = "present"
STATES = (PRESENT, *CONFIRMATIONS)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; what is None or empty asks for all.

    Moments are compared with the time of capture, days (`2026-11-24`) with the date of publication, ends left out.
    `state` is one of STATES: what the last visit found. `text` is in headline or text, whatever its case; `query` is
    one of reading/query.py.
    """

    sources: Sequence[str] | None = None
    captured_since: datetime | None = None
    captured_until: datetime | None = None
    published_since: str | None = None
    published_until: str | None = None
    languages: Sequence[str] = ()
    state: str | None = None
    text: str | None = None
    query: str | None = None
    min_confidence: float | None = None
    record_ids: Sequence[str] = ()
    latest_only: bool = True

    def as_json(self) -> dict[str, Any]:
        """The query as an export tells it: what was asked for, and nothing else."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        asked = {name: value for name, value in told.items() if value not in (None, (), [])}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asked.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One version: its source, its article, and its record, as it stands in the store and taken apart."""

    source: str
    article: str
    line: str
    record: dict[str, Any]


def count_of(connection: Connection, selection: Selection) -> int:
    """How many versions the catalogue has that may be in the selection; text and confidence are not looked at."""
    return int(
        connection.execute(select(func.count()).select_from(_ids(connection, selection).subquery())).scalar_one()
    )


def stream(connection: Connection, selection: Selection) -> Iterator[Row]:
    """The versions of a selection in an order of their own: time of capture, source, article, number.

    All ids are sorted first, eight bytes each; the lines are read in batches.
    """
    ids = array("q", connection.execute(_ids(connection, selection).execution_options(yield_per=10_000)).scalars())
    columns = (versions.c.id, versions.c.source_id, versions.c.article, versions.c.line)
    for start in range(0, len(ids), ROWS_PER_QUERY):
        part = ids[start : start + ROWS_PER_QUERY].tolist()
        rows = {row.id: row for row in connection.execute(select(*columns).where(versions.c.id.in_(part)))}
        for row in (rows[version_id] for version_id in part):
            record = orjson.loads(row.line)
            if takes(selection, record):
                yield Row(row.source_id, row.article, row.line, record)


def takes(selection: Selection, record: dict[str, Any]) -> bool:
    """What only the record itself tells."""
    least = selection.min_confidence
    if least is not None and ((record.get("metadata") or {}).get("confidence") or 0.0) < least:
        return False
    if selection.text is None:
        return True
    told = f"{record.get('headline') or ''}\n{record.get('articleBody') or ''}"
    return selection.text.casefold() in told.casefold()


def _ids(connection: Connection, selection: Selection) -> Any:
    # by what the records say, not by the catalogue's rows: it is the same after a rebuild
    order = (findable.c.captured_at, findable.c.source_id, findable.c.article, findable.c.version)
    return select(findable.c.version_id).where(*conditions(connection, selection)).order_by(*order)


def conditions(connection: Connection, selection: Selection) -> Iterator[ColumnElement[bool]]:
    """What rows of `findable` must be for a selection, words of the query included. Raises BadQuery."""
    if selection.query and selection.query.strip():
        yield findable.c.version_id.in_(matching(connection, Asked.of(connection, selection.query)))
    yield from filters(selection)


def filters(selection: Selection) -> Iterator[ColumnElement[bool]]:
    """The same without the query."""
    if selection.latest_only:
        yield findable.c.latest.is_(True)
    if selection.sources is not None:
        yield findable.c.source_id.in_(list(selection.sources))
    if selection.captured_since is not None:
        yield findable.c.captured_at >= selection.captured_since
    if selection.captured_until is not None:
        yield findable.c.captured_at < selection.captured_until
    # dates are kept as the newsroom gave them, and as such texts they sort as days
    if selection.published_since is not None:
        yield findable.c.published >= selection.published_since
    if selection.published_until is not None:
        yield findable.c.published < selection.published_until
    if selection.languages:
        yield or_(*(_speaks(language) for language in selection.languages))
    if selection.state is not None:
        yield _in_state(selection.state)
    if selection.record_ids:
        named = select(versions.c.id).where(versions.c.record_id.in_(list(selection.record_ids)))
        yield findable.c.version_id.in_(named)


def _speaks(language: str) -> ColumnElement[bool]:
    """`pt` takes `pt-BR` too."""
    return or_(findable.c.in_language == language, findable.c.in_language.startswith(f"{language}-", autoescape=True))


def _in_state(state: str) -> ColumnElement[bool]:
    """Whether the last visit of the article found it so; one that was never visited again is present."""
    if state == PRESENT:
        return or_(findable.c.outcome.is_(None), findable.c.outcome.not_in(list(CONFIRMATIONS)))
    return findable.c.outcome == state


def state_of(outcome: str | None) -> str:
    """One of STATES for what the last visit found."""
    return outcome if outcome is not None and outcome in CONFIRMATIONS else PRESENT
