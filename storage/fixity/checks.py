"""When each object of each store was last verified, and how deeply: rows of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from storage.catalogue import checks, insert_or_change

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
        """Remember these checks; each depth has a time of its own, since only the deep ones have to be spread."""
        noted = insert_or_change(self.connection, checks, ("store", "key", "depth"), ("checked_at", "finding"))
        # the last of each object counts; in one order, or two that verify at once wait for each other for good
        last = {(one.store, one.key): one.finding for one in done}
        rows = [
            {"store": store, "key": key, "depth": depth, "checked_at": now, "finding": last[store, key]}
            for store, key in sorted(last)
        ]
        if rows:
            self.connection.execute(noted, rows)
