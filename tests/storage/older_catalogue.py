"""A catalogue of version 1, and what can be said of any catalogue's file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect

from storage.catalogue import Catalogue
from storage.migrations.standing import FIRST_TABLES, VERSION_TABLE

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
FIRST_TABLES_SQL = (Path(__file__).parent / "golden" / "catalogue-1.sql").read_text(encoding="utf-8")
SOME_ROWS = """
INSERT INTO sources VALUES ('gazette', 'The Gazette', 'https://gazette.example/', 'id = "gazette"', 3,
  '2026-11-01T00:00:00.000000Z', 'ab', NULL, NULL);
INSERT INTO leads VALUES (7, 'gazette', 'i', 'https://gazette.example/1', 'article', NULL, NULL, 0, '{"a": "ß"}',
  '2026-11-01T00:00:00.000000Z', '2026-11-02T00:00:00.000000Z', 'captured', NULL, NULL, 1, NULL, 0, 5, 0, NULL, NULL,
  NULL, 9);
INSERT INTO runs VALUES (1, 'gazette', '2026-11-01T00:00:00.000000Z', NULL, NULL, '{}', '[]', 0);
"""


def make_first(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(FIRST_TABLES_SQL + SOME_ROWS)
    return path


def opened(path: Path) -> Catalogue:
    return Catalogue(f"sqlite:///{path}", lambda: NOW)


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables of version 1, by table."""
    with closing(sqlite3.connect(path)) as database:
        return {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in sorted(FIRST_TABLES)}


def noted_version(path: Path) -> str | None:
    with closing(sqlite3.connect(path)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone():
            return None
        (found,) = database.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()
        return str(found[0])


def schema(path: Path) -> dict[str, Any]:
    """Everything that a database says about its tables, with nothing left to the order of columns."""
    engine = create_engine(f"sqlite:///{path}")
    look = inspect(engine)
    found = {}
    for table in look.get_table_names():
        found[table] = {
            "columns": {one["name"]: {**one, "type": repr(one["type"])} for one in look.get_columns(table)},
            "key": look.get_pk_constraint(table),
            "refers": sorted(look.get_foreign_keys(table), key=str),
            "unique": sorted(look.get_unique_constraints(table), key=str),
            "indexes": sorted(map(index_facts, look.get_indexes(table)), key=str),
            "checks": sorted(look.get_check_constraints(table), key=str),
        }
    engine.dispose()
    return found


def index_facts(index: Any) -> dict[str, Any]:
    """The index with its condition as text, which compares."""
    return {**index, "dialect_options": {name: str(value) for name, value in index["dialect_options"].items()}}


def raw(path: Path) -> dict[str, bytes]:
    """Every file in the catalogue's directory."""
    return {one.name: one.read_bytes() for one in path.parent.iterdir()}
