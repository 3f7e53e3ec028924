"""Deliveries as rows of the catalogue: the journal of what still has to reach which store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, true, update

from storage.catalogue import deliveries, insert_new


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel on its way to one store; `problem` is why the last attempt failed."""

    id: int
    store: str
    source_id: str
    parcel: str
    bytes: int
    queued_at: datetime
    attempts: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one store: `problem` is the newest of its parcels' problems."""

    store: str
    parcels: int
    bytes: int
    since: datetime
    problem: str | None


_COLUMNS = tuple(deliveries.c[name] for name in Delivery.__dataclass_fields__)


class Deliveries:
    """The deliveries of a catalogue, inside one transaction; with a `machine` those from its disk alone."""

    def __init__(self, connection: Connection, machine: str | None = None) -> None:
        self.connection = connection
        self._machine = machine

    @property
    def _mine(self) -> ColumnElement[bool]:
        """What no machine is named for may be from anywhere."""
        if self._machine is None:
            return true()
        return or_(deliveries.c.machine == self._machine, deliveries.c.machine.is_(None))

    def add(self, parcel: str, source_id: str, size_bytes: int, stores: Sequence[str], now: datetime) -> None:
        """Queue a parcel for these stores; one that is queued already stays as it is."""
        rows = [
            {
                "store": store,
                "source_id": source_id,
                "parcel": parcel,
                "bytes": size_bytes,
                "queued_at": now,
                "machine": self._machine,
            }
            for store in stores
        ]
        self.connection.execute(insert_new(self.connection, deliveries), rows)

    def parcels(self, source_id: str) -> list[str]:
        """A source's parcels that some store has not confirmed yet, oldest first."""
        query = (
            select(deliveries.c.parcel)
            .where(deliveries.c.source_id == source_id, deliveries.c.confirmed_at.is_(None), self._mine)
            .group_by(deliveries.c.parcel)
            .order_by(func.min(deliveries.c.id))
        )
        return list(self.connection.execute(query).scalars())

    def not_closed(self) -> list[tuple[str, str]]:
        """Source and name of each parcel that every store has confirmed, and whose rows are still here."""
        open_ = select(deliveries.c.parcel).where(deliveries.c.confirmed_at.is_(None))
        query = select(deliveries.c.source_id, deliveries.c.parcel).where(deliveries.c.parcel.not_in(open_), self._mine)
        return [(source_id, parcel) for source_id, parcel in self.connection.execute(query.distinct())]

    def are_safe(self, stores: Sequence[str], copies: int) -> bool:
        """Whether nothing waits here that has fewer than so many copies, nor is still to be forgotten here.

        Rows for stores that the settings no longer name are kept, in case they are named again, and count for nothing.
        """
        return not self.not_closed() and not self.backlogs(stores, below=copies)

    def waiting(self, store: str) -> list[Delivery]:
        """What this store has not confirmed yet, oldest first."""
        query = (
            select(*_COLUMNS)
            .where(deliveries.c.store == store, deliveries.c.confirmed_at.is_(None), self._mine)
            .order_by(deliveries.c.id)
        )
        return [Delivery(*row) for row in self.connection.execute(query)]

    def fail(self, delivery: Delivery, problem: str) -> None:
        """Note why an attempt failed."""
        changed = {"attempts": deliveries.c.attempts + 1, "problem": problem}
        self.connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(changed))

    def confirm(self, delivery: Delivery, now: datetime) -> bool:
        """Note that the store has confirmed the parcel; False when nobody waits for that any more."""
        changed = {"confirmed_at": now, "problem": None}
        done = self.connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(changed))
        return bool(done.rowcount)

    def confirmed_by(self, parcel: str) -> list[str]:
        """The stores that have confirmed a parcel which others still have to."""
        query = select(deliveries.c.store).where(deliveries.c.parcel == parcel, deliveries.c.confirmed_at.is_not(None))
        return list(self.connection.execute(query).scalars())

    def is_confirmed(self, parcel: str) -> bool:
        """Whether every store has confirmed the parcel."""
        query = select(deliveries.c.id).where(deliveries.c.parcel == parcel, deliveries.c.confirmed_at.is_(None))
        return self.connection.execute(query.limit(1)).first() is None

    def close(self, parcel: str) -> None:
        """Forget a parcel's deliveries; every store has confirmed it, and this disk has forgotten it."""
        self.connection.execute(delete(deliveries).where(deliveries.c.parcel == parcel))

    def backlogs(self, stores: Sequence[str], *, below: int | None = None) -> list[Backlog]:
        """What waits for each of these stores; with `below`, only parcels that fewer stores have confirmed."""
        others = deliveries.alias()
        confirmed = (
            select(func.count())
            .where(others.c.parcel == deliveries.c.parcel, others.c.confirmed_at.is_not(None))
            .scalar_subquery()
        )
        query = (
            select(*_COLUMNS)
            .where(deliveries.c.confirmed_at.is_(None), deliveries.c.store.in_(list(stores)), self._mine)
            .order_by(deliveries.c.id)
        )
        if below is not None:
            query = query.where(confirmed < below)
        waiting: dict[str, list[Delivery]] = {}
        for row in self.connection.execute(query):
            waiting.setdefault(row.store, []).append(Delivery(*row))
        return [_backlog(store, parts) for store, parts in sorted(waiting.items())]


def _backlog(store: str, waiting: list[Delivery]) -> Backlog:
    tried = max(waiting, key=lambda one: one.attempts)
    return Backlog(store, len(waiting), sum(one.bytes for one in waiting), waiting[0].queued_at, tried.problem)
