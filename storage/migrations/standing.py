"""What a database is: empty, a catalogue of some version, or something else. Plain SELECTs; imports no Alembic."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sqlalchemy import Column, Connection, MetaData, String, Table, Text, inspect, select, update

from storage.database import shown_url
from storage.errors import CatalogueTooNew, CatalogueUnusable, NotACatalogue

CURRENT = 10
"""The version that this code works with: the newest revision in versions/."""

EMPTY = 0
"""The version of a database without tables."""

VERSION_TABLE = "catalogue_version"
FIRST_TABLES = frozenset({"sources", "leads", "captures", "versions", "observations", "segments", "runs"})
"""The tables of version 1, which did not yet say its version."""

# Alembic asks for `version_num`; `written_by` is for the message about a version that is too new.
_version_table = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), primary_key=True),
    Column("written_by", Text),
)


def version_of(connection: Connection) -> int:
    """The version of the catalogue in a database, EMPTY when there is nothing at all. Writes nothing.

    Raises CatalogueTooNew for a version that is not known here, and NotACatalogue for a database of something else.
    """
    looked_into = inspect(connection)
    if looked_into.has_table(VERSION_TABLE):
        return _noted_version(connection)
    tables = set(looked_into.get_table_names())
    if not tables:
        return EMPTY
    if not tables >= FIRST_TABLES:
        raise NotACatalogue(_place(connection), _difference(tables))
    return 1


def _noted_version(connection: Connection) -> int:
    row = connection.execute(select(_version_table.c.version_num, _version_table.c.written_by)).first()
    if row is None or not row.version_num.isdecimal():
        raise CatalogueUnusable(f"its table {VERSION_TABLE} names no version")
    version = int(row.version_num)
    if version > CURRENT:
        raise CatalogueTooNew(_place(connection), version, CURRENT, row.written_by)
    return version


def _difference(tables: AbstractSet[str]) -> str:
    missing = sorted(FIRST_TABLES - tables)
    if len(missing) == len(FIRST_TABLES):
        return f"it holds other tables, such as {min(tables)!r}"
    return f"it lacks the table {missing[0]!r}"


def _place(connection: Connection) -> str:
    return shown_url(connection.engine.url)


def note_version(connection: Connection, version: int) -> None:
    """Note the version in a database that does not say it; one that does keeps what it says."""
    if not inspect(connection).has_table(VERSION_TABLE):
        _version_table.create(connection)
        connection.execute(_version_table.insert().values(version_num=str(version)))


def note_writer(connection: Connection, software: str) -> None:
    """Note which software brought the catalogue to its version."""
    connection.execute(update(_version_table).values(written_by=software))
