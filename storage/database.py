"""The connection to a catalogue's database: SQLite's file, or a PostgreSQL server through a pool of connections."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import BadSetting, CatalogueUnreachable, CatalogueUnusable, ExtraMissing, StorageError

POOL_CONNECTIONS = 5
MORE_CONNECTIONS = 10
POOL_WAIT_SECONDS = 60.0
CONNECT_SECONDS = 10
RECYCLE_SECONDS = 1800
IDLE_SECONDS = 5.0
"""A connection that was not used for so long is tried before it is used again."""

# What the server does by itself is said only where neither the URL nor the role says it. A server that vanished without
# a word is noticed within a minute, and a lock is waited for no longer.
_CONNECTION = {
    "application_name": "newsark",
    "connect_timeout": str(CONNECT_SECONDS),
    "client_encoding": "utf8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# What is acknowledged must survive a server that is killed.
_SESSION = """
    SELECT set_config('lock_timeout', '60s', false) WHERE current_setting('lock_timeout') = '0'
    UNION ALL
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SECRETS = frozenset({"password", "sslpassword"})
# libpq gives no code for a connection that does not come about
_GONE = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "53300"})
_AGAIN = frozenset({"40001", "40P01", "55P03"})


def parsed_url(url: str) -> URL:
    """The URL as SQLAlchemy has it; `postgresql://` and `postgres://` mean psycopg 3.

    Raises BadSetting, without repeating the URL, when it is none.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _bad_url("it is not DIALECT://USER:PASSWORD@HOST:PORT/DATABASE") from None
    if parsed.drivername in _DRIVERS:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if (password := parsed.query.get("password")) is not None:
        parsed = parsed.difference_update_query(["password"])
        parsed = parsed.set(password=parsed.password or str(password))
    return parsed


def shown_url(url: str | URL) -> str:
    """The URL for people: what is secret in it is `***`."""
    parsed = parsed_url(url) if isinstance(url, str) else url
    hidden = {name: "***" for name in parsed.query if name in _SECRETS}
    parsed = parsed.set(drivername=parsed.get_backend_name())
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def open_engine(url: str) -> Engine:
    """An engine for the database of that URL; nothing is asked of it yet.

    Raises BadSetting when the URL is none or of a database that Newsark cannot use, and ExtraMissing when the driver
    for PostgreSQL is not installed.
    """
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _made(parsed)
        event.listen(engine, "connect", _tune_sqlite)
        return engine
    if parsed.drivername != "postgresql+psycopg":
        raise _bad_url(f"{parsed.drivername!r} is neither sqlite nor postgresql")
    try:
        import_module("psycopg")
    except ImportError as problem:
        raise ExtraMissing("catalogues in PostgreSQL", "postgresql") from problem
    own = {name: value for name, value in _CONNECTION.items() if name not in parsed.query}
    # where the engine would show it
    secret = {name: value for name, value in parsed.query.items() if name in _SECRETS}
    engine = _made(
        parsed.difference_update_query(_SECRETS),
        pool_size=POOL_CONNECTIONS,
        max_overflow=MORE_CONNECTIONS,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_recycle=RECYCLE_SECONDS,
        pool_use_lifo=True,
        connect_args=own | secret,
    )
    event.listen(engine, "connect", _tune_postgresql)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _try_idle)
    return engine


def _made(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, **options)
    except (NoSuchModuleError, ArgumentError, ImportError, ValueError) as problem:
        raise _bad_url(str(problem).splitlines()[0]) from None


def _bad_url(problem: str) -> BadSetting:
    return BadSetting("settings", "catalogue", f"is no database URL that works here: {problem}")


def is_away(problem: BaseException) -> bool:
    """Whether the problem means that the server is not there now or ended the connection, which passes.

    So does what another transaction stood in the way of. Nothing of the transaction holds then.
    """
    if not isinstance(problem, DBAPIError):
        return False
    if problem.connection_invalidated:
        return True
    original: Any = problem.orig
    if type(original).__module__.partition(".")[0] != "psycopg":
        return False
    code = original.sqlstate
    never_connected = code is None and type(original).__name__ in ("OperationalError", "ConnectionTimeout")
    return never_connected or code in _GONE | _AGAIN or str(code).startswith("08")


def first_line(problem: BaseException) -> str:
    """What a problem says itself, without the statement that SQLAlchemy adds."""
    lines = str(getattr(problem, "orig", None) or problem).splitlines()
    return lines[0] if lines else type(problem).__name__


def catalogue_problem(problem: BaseException, url: str | None) -> StorageError:
    """What SQLAlchemy raised, as an error for people; `url` is that of the catalogue, where one was given."""
    said = first_line(problem)
    place = shown_url(url) if url is not None else None
    if place is not None and is_away(problem):
        return CatalogueUnreachable(place, said)
    return CatalogueUnusable(f"{place}: {said}" if place is not None else said)


def _tune_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # First, since another process may hold the database now.
    cursor.execute("PRAGMA busy_timeout=30000")
    # Makes a commit survive a power cut, not only a kill.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _tune_postgresql(connection: Any, _record: ConnectionPoolEntry) -> None:
    from psycopg.types.string import StrDumperUnknown

    class WithoutNul(StrDumperUnknown):
        """PostgreSQL's text has no NUL, which a page may well have: it becomes the sign for what cannot be shown."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    connection.adapters.register_dumper(str, WithoutNul)
    connection.autocommit = True
    connection.execute(_SESSION)
    connection.autocommit = False


def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _try_idle(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Try a connection that stood idle; the pool makes another when the server has ended it meanwhile."""
    if time.monotonic() - record.info.get("used", time.monotonic()) < IDLE_SECONDS:
        return
    import psycopg

    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error as problem:
        raise DisconnectionError("the server ended an idle connection") from problem
