"""Suppressions as rows of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from storage.catalogue import insert_new, suppressions
from storage.suppression import Suppressed, Suppression, SuppressionLifted

_COLUMNS = tuple(suppressions.c[name] for name in Suppression.__dataclass_fields__)


class Suppressions:
    """The suppressions of an archive, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def take(self, source_id: str, told: Iterable[Suppressed | SuppressionLifted]) -> None:
        """Record what events of that source tell; what is recorded already is left as it is."""
        for event in told:
            if isinstance(event, Suppressed):
                values = {name: getattr(event, name) for name in Suppressed.__dataclass_fields__}
                new = insert_new(self.connection, suppressions).values(source_id=source_id, **values)
                self.connection.execute(new)
            else:
                this = update(suppressions).where(suppressions.c.id == event.id, suppressions.c.lifted_at.is_(None))
                values = {"lifted_at": event.at, "lifted_by": event.by, "lift_reason": event.reason}
                self.connection.execute(this.values(**values))

    def all(self) -> list[Suppression]:
        """All of them, those that are over too, oldest first."""
        query = select(*_COLUMNS).order_by(suppressions.c.at, suppressions.c.id)
        return [Suppression(*row) for row in self.connection.execute(query)]

    def holding(self, now: datetime) -> list[Suppression]:
        """Those that are in force, by id."""
        query = select(*_COLUMNS).where(_holds(now)).order_by(suppressions.c.id)
        return [Suppression(*row) for row in self.connection.execute(query)]

    def holding_ids(self, now: datetime) -> tuple[str, ...]:
        """Their ids alone, in order."""
        query = select(suppressions.c.id).where(_holds(now)).order_by(suppressions.c.id)
        return tuple(self.connection.execute(query).scalars())


def _holds(now: datetime) -> ColumnElement[bool]:
    lasts = or_(suppressions.c.until.is_(None), suppressions.c.until > now)
    return and_(suppressions.c.lifted_at.is_(None), lasts)
