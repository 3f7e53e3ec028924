"""Alerts that were raised, each once, and whether somebody was told: the memory of whoever sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from storage.catalogue import alerts, insert_new


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody wants to be told. `key` is what makes it one: with the same key it is not raised again.

    `source` is None for what is about the whole archive; `at` is when it was raised.
    """

    key: str
    rule: str
    at: datetime
    title: str
    source: str | None = None
    url: str | None = None


_COLUMNS = (alerts.c.key, alerts.c.rule, alerts.c.at, alerts.c.title, alerts.c.source_id, alerts.c.url)


class Alerts:
    """The alerts of an archive, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, raised: Sequence[Alert]) -> list[Alert]:
        """Those that were not known; they are recorded."""
        known = self._known([one.key for one in raised])
        new = {one.key: one for one in raised if one.key not in known}
        rows = [
            {
                "key": one.key,
                "rule": one.rule,
                "at": one.at,
                "title": one.title,
                "source_id": one.source,
                "url": one.url,
            }
            # in one order, or two that raise them at once wait for each other for good
            for _, one in sorted(new.items())
        ]
        if not rows:
            return []
        # somebody else may have raised one meanwhile
        added = insert_new(self.connection, alerts).returning(alerts.c.key)
        mine = set(self.connection.execute(added, rows).scalars())
        return [one for key, one in new.items() if key in mine]

    def _known(self, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(keys), 500):
            part = select(alerts.c.key).where(alerts.c.key.in_(keys[start : start + 500]))
            found.update(self.connection.execute(part).scalars())
        return found

    def since(self, moment: datetime | None, *, untold_only: bool = False) -> list[Alert]:
        """The alerts raised since a moment, oldest first."""
        query = select(*_COLUMNS).order_by(alerts.c.at, alerts.c.id)
        if moment is not None:
            query = query.where(alerts.c.at >= moment)
        if untold_only:
            query = query.where(alerts.c.told_at.is_(None))
        return [Alert(*row) for row in self.connection.execute(query)]

    def last_told(self) -> datetime | None:
        """When somebody was last told of one, or None."""
        return self.connection.execute(select(func.max(alerts.c.told_at))).scalar()

    def told(self, keys: Sequence[str], at: datetime) -> None:
        """Record that somebody was told of these."""
        for start in range(0, len(keys), 500):
            part = alerts.c.key.in_(list(keys[start : start + 500]))
            self.connection.execute(update(alerts).where(part).values(told_at=at))
