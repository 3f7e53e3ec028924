"""When each object of each store was last verified, and how deeply: rows of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select, update

from storage.catalogue import checks, insert_new

Depth = Literal["quick", "deep"]


@dataclass(frozen=True, slots=True)
class Check:
    """One object of one store, verified; `finding` is the kind of its first fault."""

    store: str
    key: str
    finding: str | None = None


class Checks:
    """The checks of a catalogue, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def times(self, store: str, depth: Depth) -> dict[str, datetime]:
        """For each object of the store when it was last verified so deeply, or deeper."""
        query = select(checks.c.key, func.max(checks.c.checked_at)).where(checks.c.store == store)
        if depth == "deep":
            query = query.where(checks.c.depth == depth)
        return {row[0]: row[1] for row in self.connection.execute(query.group_by(checks.c.key))}

    def note(self, done: Iterable[Check], now: datetime, depth: Depth) -> None:
        """Remember these checks.

        A quick one leaves the time of a deep one as it is: reading everything is what has to be spread over time.
        """
        for one in done:
            values = {"checked_at": now, "depth": depth, "finding": one.finding}
            is_that = (checks.c.store == one.store) & (checks.c.key == one.key)
            again = update(checks).where(is_that, checks.c.depth == depth).values(**values)
            if self.connection.execute(again).rowcount:
                continue
            new = insert_new(self.connection, checks).values(store=one.store, key=one.key, **values)
            if not self.connection.execute(new).rowcount:
                kept = values if depth == "deep" else {"finding": one.finding}
                self.connection.execute(update(checks).where(is_that).values(**kept))
