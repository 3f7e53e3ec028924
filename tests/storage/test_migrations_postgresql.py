"""The steps on a real PostgreSQL: with their data, by one of several processes, and whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from reading.exports.selection import Selection, stream
from storage.catalogue import Catalogue
from storage.database import open_engine, parsed_url
from storage.errors import CatalogueTooNew, NotACatalogue
from storage.lead import NewLead, lead_identity
from storage.leads import Leads
from storage.migrations.standing import CURRENT, FIRST_TABLES, VERSION_TABLE
from storage.migrations.upgrade import upgrade
from tests.postgresql import database, server

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
THEN = "2026-11-01T00:00:00.000000Z"
LINE = '{"headline": "New", "articleBody": "Забастовка шахтёров", "inLanguage": "ru"}'
ROWS = f"""
INSERT INTO sources VALUES ('gazette', 'The Gazette', 'https://gazette.example/', 'id = "gazette"', 3, '{THEN}', 'ab');
INSERT INTO leads (source_id, identity, url, kind, depth, hints, first_seen, last_seen, state, attempts, queue,
    priority, rank) VALUES ('gazette', 'i', 'https://gazette.example/1', 'article', 0, '{{"a": "ß"}}', '{THEN}',
    '{THEN}', 'captured', 1, 0, 5, 0);
INSERT INTO versions (source_id, article, record_id, version, url, date_published, in_language, content_digest,
    captured_at, records_key, line)
    VALUES ('gazette', 'a', 'r', 1, 'u', '2026-10-31', 'ru', 'd', '{THEN}', 'k', '{LINE}');
INSERT INTO runs (source_id, started_at, counts, problems, complete) VALUES ('gazette', '{THEN}', '{{}}', '[]', false);
"""


@pytest.fixture
def empty() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture
def first(empty: str) -> str:
    """A catalogue of version 1 with rows, as Newsark left it before catalogues said their version."""
    engine = open_engine(empty)
    with engine.begin() as connection:
        upgrade(connection, 1)
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
        connection.exec_driver_sql(ROWS)
    engine.dispose()
    return empty


def opened(url: str) -> Catalogue:
    return Catalogue(url, lambda: NOW)


def asked(url: str, statement: str) -> list[tuple[Any, ...]]:
    return server().execute(statement, str(parsed_url(url).database))


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables of version 1, by table, as far as version 1 has columns."""
    return {
        table: asked(url, f"SELECT row_to_json(t)::jsonb - 'urlkey' - 'fingerprint' FROM {table} AS t")
        for table in sorted(FIRST_TABLES)
    }


def noted_version(url: str) -> str | None:
    if not asked(url, f"SELECT 1 FROM pg_tables WHERE tablename = '{VERSION_TABLE}'"):
        return None
    return str(asked(url, f"SELECT version_num FROM {VERSION_TABLE}")[0][0])


def schema(url: str) -> dict[str, Any]:
    """Everything that a database says about its tables, with nothing left to the order of columns."""
    engine = open_engine(url)
    look = inspect(engine)
    found = {}
    for table in look.get_table_names():
        found[table] = {
            "columns": {one["name"]: {**one, "type": repr(one["type"])} for one in look.get_columns(table)},
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "refers": sorted(look.get_foreign_keys(table), key=str),
            "unique": sorted(look.get_unique_constraints(table), key=str),
            "indexes": sorted(look.get_indexes(table), key=str),
        }
    engine.dispose()
    return found


def test_the_steps_lead_to_exactly_the_tables_of_the_code(first: str) -> None:
    opened(first).close()
    with database() as fresh:
        opened(fresh).close()
        assert schema(first) == schema(fresh)
    assert "words" in schema(first)


def test_an_upgrade_keeps_every_row_and_the_catalogue_works(first: str) -> None:
    before = rows(first)
    catalogue = opened(first)
    assert rows(first) == before
    assert noted_version(first) == str(CURRENT)
    with catalogue.begin() as connection:
        found = [row.record["headline"] for row in stream(connection, Selection(query="забастовкой шахтер*"))]
        url = "https://gazette.example/2"
        added = Leads(connection, "gazette").add([NewLead(url, lead_identity(url), "article", 50)], NOW)
    catalogue.close()
    assert (found, added) == (["New"], 1)


OPEN = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from storage.catalogue import Catalogue
print("ready", flush=True)
sys.stdin.readline()
catalogue = Catalogue(sys.argv[1], None)
with catalogue.begin() as connection:
    connection.exec_driver_sql("SELECT * FROM alerts").all()
"""

DIE = """
import sys, time
from storage.migrations import upgrade
real = upgrade.upgrade
def stop(connection):
    real(connection)
    print("now", flush=True)
    time.sleep(60)
upgrade.upgrade = stop
from storage.catalogue import Catalogue
Catalogue(sys.argv[1], None)
"""


def python(code: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("made", [True, False], ids=["older", "empty"])
def test_of_processes_that_open_at_one_moment_one_upgrades_and_all_work(
    request: pytest.FixtureRequest, made: bool
) -> None:
    url: str = request.getfixturevalue("first" if made else "empty")
    processes = [python(OPEN, url) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = ""
    for process in processes:
        out, problem = process.communicate(timeout=60)
        assert (process.returncode, problem) == (0, "")
        said += out
    assert said.count("upgraded from version 1") == int(made)
    assert noted_version(url) == str(CURRENT)


def test_a_kill_in_the_middle_leaves_the_old_version_whole(first: str) -> None:
    before = rows(first)
    process = python(DIE, first)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert (noted_version(first), rows(first)) == (None, before)
    opened(first).close()
    assert (noted_version(first), rows(first)) == (str(CURRENT), before)


def test_what_is_no_catalogue_of_ours_is_refused_untouched(empty: str) -> None:
    asked(empty, "CREATE TABLE guests (name text)")
    with pytest.raises(NotACatalogue, match="such as 'guests'"):
        opened(empty)
    asked(empty, "DROP TABLE guests")
    opened(empty).close()
    asked(empty, f"UPDATE {VERSION_TABLE} SET version_num = '99', written_by = 'newsark/7.0'")
    with pytest.raises(CatalogueTooNew, match=r"written by newsark/7\.0"):
        opened(empty)
