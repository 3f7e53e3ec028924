"""What server a catalogue is on, and whether it and the rights on it suffice: what `newsark doctor` tells."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from storage.catalogue import Catalogue
from storage.database import shown_url
from storage.worktables import metadata

OLDEST_MAJOR = 14
"""The oldest PostgreSQL that is still maintained; it is tested with that of Debian, which is newer."""

MOST_SECONDS = 5.0
"""So far apart may the clocks of the server and of this machine be before it is said."""

_FACTS = text(
    """
    SELECT current_setting('server_version') AS version,
        pg_encoding_to_char(d.encoding) AS encoding,
        d.datcollate AS collation,
        current_user AS who,
        pg_database_size(d.oid) AS size,
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
        current_setting('max_connections')::int AS most,
        pg_is_in_recovery() AS is_replica,
        current_setting('fsync') = 'on' AS flushes,
        has_schema_privilege(coalesce(current_schema(), 'public'), 'CREATE') AS may_create,
        clock_timestamp() AS at
    FROM pg_database AS d WHERE d.datname = current_database()
    """
)
# An upgrade changes tables, which is the right of who owns them.
_FOREIGN = text(
    """
    SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(:tables)
        AND NOT pg_has_role(current_user, tableowner, 'USAGE') ORDER BY tablename
    """
)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A catalogue's database as it is now. `faults` are sentences with their cure; none when everything suffices.

    `place` is the URL without what is secret, `version` the server's or SQLite's own, `collation` by what it sorts,
    `clock_seconds` how far the server's clock is ahead of this machine's. SQLite has no user and no connections.
    """

    product: str
    version: str
    place: str
    encoding: str
    collation: str
    user: str
    size_bytes: int
    connections: int
    max_connections: int
    clock_seconds: float
    faults: tuple[str, ...]


def server_facts(catalogue: Catalogue) -> ServerFacts:
    """The facts of the catalogue's database, read in one short transaction; raises what SQLAlchemy raises."""
    place = shown_url(catalogue.engine.url)
    with catalogue.begin() as connection:
        if not catalogue.is_shared:
            return _of_sqlite(connection, place)
        before = time.time()
        row = connection.execute(_FACTS).one()
        ahead = (row.at - datetime.fromtimestamp((before + time.time()) / 2, UTC)).total_seconds()
        foreign = list(connection.execute(_FOREIGN, {"tables": list(metadata.tables)}).scalars())
        return ServerFacts(
            "PostgreSQL",
            row.version.split()[0],
            place,
            row.encoding,
            row.collation,
            row.who,
            row.size,
            row.connections,
            row.most,
            ahead,
            tuple(_faults(row, foreign, ahead)),
        )


def _faults(row: Any, foreign: list[str], ahead: float) -> Iterator[str]:
    if int(row.version.split(".")[0].split()[0]) < OLDEST_MAJOR:
        yield f"PostgreSQL {row.version} is older than {OLDEST_MAJOR}; upgrade the server"
    if row.encoding != "UTF8":
        yield f"the database's encoding is {row.encoding}; make one with ENCODING 'UTF8' and run newsark rebuild"
    if row.is_replica:
        yield "the server is a replica and takes no writes; give `catalogue` the URL of the primary"
    if not row.flushes:
        yield "the server has fsync = off: a power cut can destroy the catalogue; set fsync = on"
    if not row.may_create:
        yield f"{row.who} may not make tables; make it the owner of the database, or GRANT CREATE ON SCHEMA"
    if foreign:
        named = ", ".join(foreign)
        yield f"{row.who} does not own {named} and cannot upgrade the catalogue; ALTER TABLE … OWNER TO {row.who}"
    if abs(ahead) > MOST_SECONDS:
        where = "ahead of" if ahead > 0 else "behind"
        yield f"the server's clock is {abs(ahead):.0f} s {where} this machine's; let both keep time by NTP"


def _of_sqlite(connection: Connection, place: str) -> ServerFacts:
    def said(name: str) -> Any:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    size = said("page_count") * said("page_size")
    return ServerFacts("SQLite", version, place, said("encoding"), "BINARY", "", size, 0, 0, 0.0, ())
