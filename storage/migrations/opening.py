"""Bringing a database to the current version when it is opened: made, upgraded in place, or refused untouched."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData

from storage.durable import flush_directory, flush_to_medium
from storage.errors import CatalogueUnusable
from storage.log import Log
from storage.migrations.standing import CURRENT, EMPTY, note_version, note_writer, version_of
from storage.warcinfo import SegmentInfo

_log = Log(__name__)

# Any number will do, as long as every Newsark takes the same one.
_POSTGRESQL_LOCK = 0x6E657773
# The other process may be copying and changing a large catalogue.
_LOCK_WAIT_MS = 3_600_000


def make_current(engine: Engine, metadata: MetaData) -> None:
    """Return when the database holds the tables of `metadata` at version CURRENT.

    An empty database gets them; an older catalogue is upgraded in one transaction, with a copy of its SQLite file
    kept beside. Of processes that open at one moment one does it, the others wait. Raises CatalogueTooNew and
    NotACatalogue before anything is written, and CatalogueUnusable when there is no room for the copy.
    """
    with engine.connect() as connection:
        version = version_of(connection)
        if connection.dialect.name == "sqlite":
            # WAL lets `status` read while a crawl writes. The file itself remembers it, so it is not asked for before
            # it is known whose file it is.
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    if version != CURRENT:
        with _alone(engine) as connection:
            _bring_up(connection, metadata)


def _bring_up(connection: Connection, metadata: MetaData) -> None:
    # Looked at again: another process may have done it while this one waited.
    version = version_of(connection)
    if version == EMPTY:
        metadata.create_all(connection)
        note_version(connection, CURRENT)
        note_writer(connection, _software())
    elif version < CURRENT:
        copy = _keep_copy(connection)
        _take_steps(connection, version)
        kept = f"; as it was before it is kept in {copy}" if copy else ""
        sentence = f"The catalogue is upgraded from version {version} to version {CURRENT}{kept}"
        _log.warning("catalogue-upgraded", sentence, version=CURRENT, before=version, kept=copy)


def _take_steps(connection: Connection, version: int) -> None:
    # Its notes about contexts, plugins and revisions are for those who write steps.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from storage.migrations.upgrade import upgrade

    note_version(connection, version)
    upgrade(connection)
    note_writer(connection, _software())
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise CatalogueUnusable(f"a row of its table {broken[0]!r} refers to none of {broken[2]!r}")


def _software() -> str:
    return SegmentInfo(part_of="the catalogue").software


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other process has at the same time: committed at the end, rolled back on an error."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            with _alone_in_sqlite(connection):
                yield connection
        else:
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}")
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})")
                yield connection


@contextmanager
def _alone_in_sqlite(connection: Connection) -> Iterator[None]:
    busy_ms = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_LOCK_WAIT_MS}")
    # A step that changes a column replaces the whole table, which other tables' rows refer to; SQLite's own procedure
    # (lang_altertable.html, 7) turns the keys off, which is possible only outside a transaction, and checks them after.
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={busy_ms}")


def _keep_copy(connection: Connection) -> Path | None:
    """A whole copy of the SQLite file beside it, durable; None for a database that is no file."""
    if connection.dialect.name != "sqlite":
        return None
    filename = connection.exec_driver_sql("PRAGMA database_list").first()
    if filename is None or not filename[2]:
        return None
    path = Path(filename[2])
    kept = path.with_name(f"{path.name}.before-{CURRENT}")
    beside = kept.with_name(kept.name + ".part")
    try:
        beside.unlink(missing_ok=True)
        # By SQLite itself: what is committed may still be in the file beside the file. Only readers can come
        # between, since this process holds the lock for writing.
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(beside)) as target:
            source.backup(target)
        shutil.copymode(path, beside)
        with beside.open("rb") as file:
            flush_to_medium(file.fileno())
        beside.replace(kept)
        flush_directory(kept.parent)
    except (OSError, sqlite3.Error) as problem:
        beside.unlink(missing_ok=True)
        raise CatalogueUnusable(f"it cannot be copied to {kept} before it is upgraded: {problem}") from problem
    return kept
