"""The catalogue knows its version: made, upgraded with its data, or refused untouched."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select

from reading.exports.selection import Selection, count_of, stream
from storage import migrations
from storage.catalogue import Catalogue, findable, sources
from storage.errors import CatalogueTooNew, CatalogueUnusable, NotACatalogue
from storage.migrations.standing import CURRENT, VERSION_TABLE, note_version
from storage.migrations.upgrade import upgrade
from storage.sources import Sources
from tests.storage.older_catalogue import (
    FIRST_TABLES_SQL,
    NOW,
    make_first,
    noted_version,
    opened,
    raw,
    rows,
    schema,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


@pytest.fixture
def first(path: Path) -> Path:
    """A catalogue of version 1 with rows, as Newsark left it before catalogues said their version."""
    return make_first(path)


# the tables


def test_a_new_catalogue_is_of_the_current_version(path: Path) -> None:
    opened(path).close()
    assert noted_version(path) == str(CURRENT)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute(f"SELECT written_by FROM {VERSION_TABLE}").fetchone()[0].startswith("newsark")
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_steps_lead_to_exactly_the_tables_of_the_code(path: Path, first: Path) -> None:
    """Fails when a table of storage/catalogue.py was changed without a revision in storage/migrations/versions."""
    opened(first).close()
    fresh = path.with_name("fresh.sqlite")
    opened(fresh).close()
    assert schema(first) == schema(fresh)


def test_the_steps_from_nothing_lead_there_too(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        note_version(connection, 0)
        connection.exec_driver_sql(f"DELETE FROM {VERSION_TABLE}")
        upgrade(connection)
    engine.dispose()
    fresh = path.with_name("fresh.sqlite")
    opened(fresh).close()
    assert schema(path) == schema(fresh)


def test_the_first_step_makes_the_tables_of_version_1(path: Path, first: Path) -> None:
    made = path.with_name("made.sqlite")
    engine = create_engine(f"sqlite:///{made}")
    with engine.begin() as connection:
        upgrade(connection, 1)
    engine.dispose()
    found = schema(made)
    del found[VERSION_TABLE]
    assert found == schema(first)


def test_the_last_step_is_the_current_version_and_none_is_missing() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [str(CURRENT)]
    steps = [one.revision for one in script.walk_revisions()]
    assert steps == [str(number) for number in range(CURRENT, 0, -1)]


# an older catalogue


def test_an_upgrade_keeps_every_row_and_the_catalogue_works(first: Path) -> None:
    before = rows(first)
    catalogue = opened(first)
    assert rows(first) == before
    with catalogue.begin() as connection:
        assert connection.execute(select(sources.c.id)).scalars().all() == ["gazette"]
        assert Sources(connection).enlist("other", name="O", home="https://o.example/", toml="", now=NOW) == 1
    catalogue.close()
    assert noted_version(first) == str(CURRENT)


def test_versions_of_an_older_catalogue_are_found_afterwards(first: Path) -> None:
    line = '{"headline": "%s", "articleBody": "Забастовка шахтёров", "inLanguage": "ru"}'
    with closing(sqlite3.connect(first)) as database:
        for number, (day, headline) in enumerate((("05", "New"), ("03", "Older, imported later")), 1):
            database.execute(
                "INSERT INTO versions VALUES (?, 'gazette', 7, 'a', ?, ?, 'u', NULL, NULL, '2026-10-31', 'ru', 'd', ?, "
                "'k', ?)",
                (number, f"r{number}", number, f"2026-11-{day}T00:00:00.000000Z", line % headline),
            )
        for day, outcome in (("07", "removed"), ("06", "unchanged")):
            database.execute(
                "INSERT INTO observations VALUES (NULL, 'gazette', 7, 'a', 'u', ?, ?, NULL, NULL)",
                (f"2026-11-{day}T00:00:00.000000Z", outcome),
            )
        database.commit()
    catalogue = opened(first)
    with catalogue.begin() as connection:
        query = Selection(query="забастовкой шахтер*")
        assert [row.record["headline"] for row in stream(connection, query)] == ["New"]
        assert count_of(connection, replace(query, latest_only=False, state="removed", languages=("ru",))) == 2
        filled = connection.execute(select(findable).order_by(findable.c.version_id)).mappings().all()
    assert [(row["latest"], row["outcome"], row["published"], row["year"]) for row in filled] == [
        (True, "removed", "2026-10-31", "2026"),
        (False, "removed", "2026-10-31", "2026"),
    ]
    catalogue.close()


def test_a_copy_from_before_is_kept_beside_and_said(first: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = rows(first)
    first.chmod(0o600)
    opened(first).close()
    kept = first.with_name(f"catalogue.sqlite.before-{CURRENT}")
    assert (rows(kept), noted_version(kept), kept.stat().st_mode & 0o777) == (before, None, 0o600)
    assert caplog.messages == [
        f"The catalogue is upgraded from version 1 to version {CURRENT}; as it was before it is kept in {kept}"
    ]
    caplog.clear()
    opened(first).close()
    assert caplog.messages == []


def test_what_is_committed_but_not_yet_in_the_file_is_in_the_copy(first: Path) -> None:
    with closing(sqlite3.connect(first)) as other:
        other.execute("PRAGMA wal_autocheckpoint=0")
        other.execute("INSERT INTO sources SELECT 'late', name, home, toml, 1, added_at, NULL, NULL, NULL FROM sources")
        other.commit()
        opened(first).close()
        kept = first.with_name(f"catalogue.sqlite.before-{CURRENT}")
        assert [row[0] for row in rows(kept)["sources"]] == ["gazette", "late"]


def test_an_upgrade_without_room_for_the_copy_changes_nothing(first: Path) -> None:
    in_the_way = first.with_name(f"catalogue.sqlite.before-{CURRENT}")
    in_the_way.mkdir()
    with pytest.raises(CatalogueUnusable, match="cannot be copied"):
        opened(first)
    assert noted_version(first) is None
    assert not in_the_way.with_name(in_the_way.name + ".part").exists()


def test_a_step_that_breaks_changes_nothing(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: Any) -> None:
        upgrade(connection)
        connection.exec_driver_sql("DELETE FROM sources")

    monkeypatch.setattr("storage.migrations.upgrade.upgrade", broken)
    before = rows(first)
    with pytest.raises(CatalogueUnusable, match=r"'(leads|runs)' refers to none of 'sources'"):
        opened(first)
    assert (rows(first), noted_version(first)) == (before, None)


def test_keys_and_waiting_time_hold_after_an_upgrade(first: Path) -> None:
    catalogue = opened(first)
    with catalogue.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30000
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    catalogue.close()


def test_a_catalogue_in_memory_needs_no_copy() -> None:
    catalogue = Catalogue("sqlite://", lambda: NOW)
    with catalogue.begin() as connection:
        assert connection.execute(select(sources)).all() == []
    catalogue.close()


# several processes, and death

OPEN = """
import logging, sys, time
from pathlib import Path
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from storage.catalogue import Catalogue
path = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
catalogue = Catalogue(f"sqlite:///{path}", None)
with catalogue.begin() as connection:
    connection.exec_driver_sql("SELECT * FROM deliveries").all()
"""

DIE = """
import sys, time
from pathlib import Path
from storage.migrations import opening, upgrade
def stop(*args, **kwargs):
    print("now", flush=True)
    time.sleep(60)
place = sys.argv[2]
if place == "copy":
    opening.flush_to_medium = stop
elif place == "steps":
    real = upgrade.upgrade
    upgrade.upgrade = lambda connection: stop(real(connection))
elif place == "done":
    opening._log.warning = stop
from storage.catalogue import Catalogue
Catalogue(f"sqlite:///{sys.argv[1]}", None)
stop()
"""


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(params=["new", "first"])
def shared(request: pytest.FixtureRequest, path: Path) -> Path:
    return make_first(path) if request.param == "first" else path


def test_of_processes_that_open_at_one_moment_one_upgrades_and_all_work(shared: Path) -> None:
    had = shared.exists()
    processes = [python(OPEN, shared) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = ""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        out, problem = process.communicate(timeout=30)
        assert (process.returncode, problem) == (0, "")
        said += out
    assert said.count("upgraded from version 1") == int(had)
    assert noted_version(shared) == str(CURRENT)


@pytest.mark.parametrize(
    ("place", "after"), [("copy", None), ("steps", None), ("done", None), ("opened", str(CURRENT))]
)
def test_a_kill_in_the_middle_leaves_the_old_or_the_new_version(first: Path, place: str, after: str | None) -> None:
    before = rows(first)
    process = python(DIE, first, place)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert (noted_version(first), rows(first)) == (after, before)
    opened(first).close()
    assert (noted_version(first), rows(first)) == (str(CURRENT), before)
    assert noted_version(first.with_name(f"catalogue.sqlite.before-{CURRENT}")) is None


def test_a_current_catalogue_is_opened_without_alembic(path: Path) -> None:
    for _ in ("made", "opened again"):
        code = f"import sys\nfrom storage.catalogue import Catalogue\nCatalogue('sqlite:///{path}', None).close()\n"
        code += "assert not [name for name in sys.modules if name.split('.')[0] in ('alembic', 'mako')]"
        process = python(code)
        assert (process.communicate(timeout=30)[1], process.returncode) == ("", 0)


# what is refused


def test_a_newer_catalogue_is_refused_untouched_and_names_its_writer(path: Path) -> None:
    opened(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '99', written_by = 'newsark/7.0'")
        database.commit()
    before = raw(path)
    with pytest.raises(CatalogueTooNew) as refused:
        opened(path)
    assert raw(path) == before
    assert (refused.value.version, refused.value.known, refused.value.exit_code) == (99, CURRENT, 3)
    assert "version 99, written by newsark/7.0" in str(refused.value)
    assert "Use newsark/7.0 or a later one" in str(refused.value)


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE TABLE guests (name)", "it holds other tables, such as 'guests'"),
        ("CREATE TABLE alembic_version (version_num); CREATE TABLE zoo (name)", "such as 'alembic_version'"),
        (FIRST_TABLES_SQL + "DROP TABLE runs", "it lacks the table 'runs'"),
    ],
)
def test_a_database_of_something_else_is_refused_untouched(path: Path, journal: str, sql: str, words: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode={journal}")
        database.executescript(sql)
    before = raw(path)
    with pytest.raises(NotACatalogue, match="is not a Newsark catalogue") as refused:
        opened(path)
    assert words in str(refused.value)
    assert refused.value.exit_code == 2
    assert raw(path) == before


@pytest.mark.parametrize("noted", ["", "DELETE", "head"])
def test_a_version_that_is_no_number_is_refused(path: Path, noted: str) -> None:
    opened(path).close()
    with closing(sqlite3.connect(path)) as database:
        if noted == "DELETE":
            database.execute(f"DELETE FROM {VERSION_TABLE}")
        else:
            database.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (noted,))
        database.commit()
    with pytest.raises(CatalogueUnusable, match="names no version"):
        opened(path)


def test_other_tables_beside_a_catalogue_do_not_matter(first: Path) -> None:
    with closing(sqlite3.connect(first)) as database:
        database.execute("CREATE TABLE guests (name)")
    opened(first).close()
    opened(first).close()
    assert noted_version(first) == str(CURRENT)
