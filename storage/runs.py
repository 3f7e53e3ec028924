"""Crawl runs as rows of the catalogue: when, how they ended, what they counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from storage.catalogue import runs


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

    def begin(self, now: datetime) -> int:
        """The id of a run that starts now."""
        values = {"source_id": self.source_id, "started_at": now, "counts": {}, "problems": []}
        result = self.connection.execute(insert(runs).values(**values))
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def end(
        self, run_id: int, now: datetime, outcome: str, counts: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]
    ) -> None:
        """Record how a run ended."""
        self.connection.execute(
            update(runs)
            .where(runs.c.id == run_id)
            .values(
                ended_at=now,
                outcome=outcome,
                counts=dict(counts),
                problems=[dict(problem) for problem in problems],
                complete=outcome == "finished",
            )
        )

    def last(self) -> Run | None:
        """The newest run, or None."""
        query = (
            select(runs.c.started_at, runs.c.ended_at, runs.c.outcome, runs.c.counts, runs.c.problems)
            .where(runs.c.source_id == self.source_id)
            .order_by(runs.c.id.desc())
            .limit(1)
        )
        row = self.connection.execute(query).first()
        return None if row is None else Run(*row)
