"""Observations: a row for each visit of a known article, with what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import ColumnElement, Connection, func, select

from reading.exports.columns import Column, as_moment, field, moment
from reading.exports.kind import Kind, OnStep, made_row, no_step
from reading.exports.selection import Row
from storage.catalogue import observations
from storage.timestamps import warc_date

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Observations(Kind):
    """What was seen of these sources since a moment and before another; what is None asks for all."""

    name: ClassVar[str] = "observations"
    columns: ClassVar[tuple[Column, ...]] = (
        field("id", "string", "Digest of the rest."),
        field("source", "string", "Id of the source in the archive."),
        field("article", "string", "Names the article, where it is known."),
        field("url", "string", "The address that was visited."),
        moment("at", "When, in UTC."),
        field("outcome", "string", "What was found: unchanged, edited, moved, removed, unreachable, blocked …"),
        field("detail", "string", "The reason, for people."),
        field("recordId", "string", "WARC-Record-ID of the exchange's record."),
    )

    sources: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_json(cls, query: Mapping[str, Any]) -> Self:
        """The query that `as_json` told."""
        return cls(**{**query, **{name: as_moment(query.get(name)) for name in ("since", "until")}})

    def as_json(self) -> dict[str, Any]:
        """What was asked for."""
        told = {
            "sources": self.sources,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }
        return {name: value for name, value in told.items() if value is not None}

    def of_source(self, source: str) -> Self:
        """The same of one source."""
        return replace(self, sources=(source,))

    def steps(self, connection: Connection) -> int:
        """How many there are."""
        query = select(func.count()).select_from(observations).where(*self._conditions())
        return int(connection.execute(query).scalar_one())

    def rows(self, connection: Connection, on_step: OnStep = no_step) -> Iterator[Row]:
        """The observations, oldest first; one that is noted twice is one."""
        told = observations.c
        columns = (told.at, told.source_id, told.url, told.outcome, told.detail, told.capture_record_id, told.article)
        query = select(*columns).where(*self._conditions()).order_by(*columns)
        before = None
        for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
            on_step()
            if row != before:
                yield _row(row)
            before = row

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.sources is not None:
            yield observations.c.source_id.in_(list(self.sources))
        if self.since is not None:
            yield observations.c.at >= self.since
        if self.until is not None:
            yield observations.c.at < self.until


def _row(one: Any) -> Row:
    facts = {
        "source": one.source_id,
        "article": one.article,
        "url": one.url,
        "at": warc_date(one.at),
        "outcome": one.outcome,
        "detail": one.detail,
        "recordId": one.capture_record_id,
    }
    return made_row(one.source_id, one.article, facts)
