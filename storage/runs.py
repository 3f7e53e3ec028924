"""Crawl runs as rows of the catalogue: when, how they ended, what they counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from storage.catalogue import runs
from storage.events import RunBegan, RunEnded


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one source; `ended_at` None means that it is under way or died."""

    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    counts: Mapping[str, Any]
    problems: Sequence[Mapping[str, Any]]


class Runs:
    """The runs of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id

    def take(self, told: Sequence[RunBegan | RunEnded]) -> None:
        """Record that runs began and ended; a run is known by when it began, and is recorded once."""
        for event in told:
            began = event.at if isinstance(event, RunBegan) else event.began
            this = (runs.c.source_id == self.source_id, runs.c.started_at == began)
            if self.connection.execute(select(runs.c.id).where(*this)).first() is None:
                row = {"source_id": self.source_id, "started_at": began, "counts": {}, "problems": []}
                self.connection.execute(insert(runs).values(**row))
            if isinstance(event, RunEnded):
                self.connection.execute(update(runs).where(*this).values(_ended(event)))

    def last(self) -> Run | None:
        """The newest run, or None."""
        return self._newest(self._mine)

    def last_ended(self) -> Run | None:
        """The newest run that has ended, or None."""
        return self._newest(self._mine & runs.c.ended_at.is_not(None))

    @property
    def _mine(self) -> ColumnElement[bool]:
        return runs.c.source_id == self.source_id

    def _newest(self, of: ColumnElement[bool]) -> Run | None:
        columns = (runs.c.started_at, runs.c.ended_at, runs.c.outcome, runs.c.counts, runs.c.problems)
        row = self.connection.execute(
            select(*columns).where(of).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)
        ).first()
        return None if row is None else Run(*row)


def _ended(event: RunEnded) -> dict[str, Any]:
    return {
        "ended_at": event.at,
        "outcome": event.outcome,
        "counts": dict(event.counts),
        "problems": [dict(problem) for problem in event.problems],
        "complete": event.outcome == "finished",
    }
