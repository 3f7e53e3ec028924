"""What was spent of a source's daily budget: promised before it is used, so that no crash exceeds it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from storage.catalogue import insert_or_change, spending


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests, and bytes of bodies as they came, on one day in UTC (`2026-11-24`)."""

    day: str
    requests: int = 0
    bytes: int = 0


class Spending:
    """The spending of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id

    def on(self, day: str) -> Spent:
        """What was promised on that day so far."""
        query = select(spending.c.requests, spending.c.bytes).where(*self._this(day))
        row = self.connection.execute(query).first()
        return Spent(day) if row is None else Spent(day, row.requests, row.bytes)

    def promise(self, spent: Spent) -> None:
        """Record how much of that day may be used until more is promised."""
        promised = insert_or_change(self.connection, spending, ("source_id", "day"), ("requests", "bytes"))
        row = {"source_id": self.source_id, "day": spent.day, "requests": spent.requests, "bytes": spent.bytes}
        self.connection.execute(promised.values(row))

    def _this(self, day: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return spending.c.source_id == self.source_id, spending.c.day == day
