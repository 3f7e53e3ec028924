"""An erasure in the catalogue: its rows go, and what of them lies in the database's file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Table, delete, or_, select, update

from storage.catalogue import (
    Catalogue,
    alerts,
    captures,
    findable,
    leads,
    marks,
    observations,
    runs,
    segments,
    suppressions,
    unread,
    versions,
)
from storage.erasing.plan import SourcePlan
from storage.wordindex import WordIndex

AT_ONCE = 500


def forget(catalogue: Catalogue, plan: SourcePlan) -> None:
    """Delete every row of what goes, in one transaction; may be done again."""
    with catalogue.whole() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        _Forgetting(connection, plan).forget()


def set_sizes(connection: Connection, sizes: dict[str, int]) -> None:
    """Note how large segments are now, by the keys of their manifests."""
    for key, size in sizes.items():
        connection.execute(update(segments).where(segments.c.manifest_key == key).values(bytes=size))


def compact(catalogue: Catalogue) -> None:
    """Let nothing of deleted rows stay in a SQLite file, nor in the file beside it."""
    with catalogue.engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            return
        connection.exec_driver_sql("INSERT INTO words(words) VALUES('optimize')")
        connection.commit()
        raw: Any = connection.connection.dbapi_connection
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class _Forgetting:
    def __init__(self, connection: Connection, plan: SourcePlan) -> None:
        self._connection, self._plan = connection, plan

    def forget(self) -> None:
        plan = self._plan
        self._forget_versions()
        self._unlink_captures()
        self._delete(captures, captures.c.record_id, plan.captures)
        self._delete(unread, unread.c.record_id, plan.captures)
        self._delete(observations, observations.c.article, plan.articles)
        self._delete(observations, observations.c.url, plan.urls)
        self._delete(leads, leads.c.identity, plan.leads)
        self._delete(alerts, alerts.c.key, plan.alerts, of_source=False)
        for part in _parts(plan.urls):
            told = update(suppressions).where(suppressions.c.url.in_(part))
            self._connection.execute(told.where(suppressions.c.source_id == plan.source_id).values(url=None))
        self._forget_names()
        self._forget_problems()

    def _forget_versions(self) -> None:
        query = select(versions.c.id, versions.c.line, versions.c.record_id)
        mine = versions.c.source_id == self._plan.source_id
        named = or_(
            *(versions.c.record_id.in_(part) for part in _parts(self._plan.records)),
            *(versions.c.article.in_(part) for part in _parts(self._plan.articles)),
        )
        rows = self._connection.execute(query.where(mine, named)).all()
        WordIndex(self._connection).remove([(row.id, row.line) for row in rows])
        for part in _parts({row.id for row in rows}):
            self._connection.execute(delete(findable).where(findable.c.version_id.in_(part)))
            self._connection.execute(delete(versions).where(versions.c.id.in_(part)))
        for part in _parts({row.record_id for row in rows} | self._plan.records):
            self._connection.execute(delete(marks).where(marks.c.record_id.in_(part)))

    def _unlink_captures(self) -> None:
        """Captures that stay belong to no lead; leads that stay have no capture."""
        plan = self._plan
        for part in _parts(plan.leads):
            gone = select(leads.c.id).where(leads.c.source_id == plan.source_id, leads.c.identity.in_(part))
            self._connection.execute(update(captures).where(captures.c.lead_id.in_(gone)).values(lead_id=None))
            self._connection.execute(delete(unread).where(unread.c.lead_id.in_(gone)))
        for part in _parts(plan.captures):
            gone = select(captures.c.id).where(captures.c.record_id.in_(part))
            mine = leads.c.source_id == plan.source_id
            self._connection.execute(update(leads).where(mine, leads.c.capture_id.in_(gone)).values(capture_id=None))

    def _forget_names(self) -> None:
        """Of leads that stay, forget that they were found on a page that goes."""
        mine, urls = leads.c.source_id == self._plan.source_id, self._plan.urls
        for row in self._connection.execute(select(leads.c.id, leads.c.via, leads.c.hints).where(mine)).all():
            hints = {name: told for name, told in row.hints.items() if told not in urls}
            if row.via in urls or hints != row.hints:
                via = None if row.via in urls else row.via
                self._connection.execute(update(leads).where(leads.c.id == row.id).values(via=via, hints=hints))

    def _forget_problems(self) -> None:
        query = select(runs.c.id, runs.c.problems).where(runs.c.source_id == self._plan.source_id)
        for row in self._connection.execute(query).all():
            left = [one for one in row.problems if one.get("url") not in self._plan.urls]
            if left != row.problems:
                self._connection.execute(update(runs).where(runs.c.id == row.id).values(problems=left))

    def _delete(self, table: Table, column: Any, values: Collection[str], *, of_source: bool = True) -> None:
        for part in _parts(values):
            chosen = delete(table).where(column.in_(part))
            self._connection.execute(chosen.where(table.c.source_id == self._plan.source_id) if of_source else chosen)


def _parts(values: Collection[Any]) -> list[list[Any]]:
    every = sorted(values)
    return [every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE)]
