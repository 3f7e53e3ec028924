"""The archive and its catalogue: whether they open, and whether the database is whole."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from newsark.checking.finding import Finding
from newsark.console import counted, human_bytes
from newsark.home import Home
from storage.catalogue import Catalogue
from storage.errors import CatalogueUnusable
from storage.migrations.standing import CURRENT
from storage.server import server_facts
from storage.timebudget import time_budget

WHOLENESS_SECONDS = 3.0
MUCH_FREE = 0.3
LITTLE_BYTES = 100_000_000


def check_archive(home: Home) -> Iterator[Finding]:
    """Whether the archive's place holds an archive, or may hold one."""
    home.check_place()
    path = home.archive_name
    if not home.has_archive:
        yield Finding("archive", "ok", f"{path} will be made by the first crawl")
        return
    known = home.known_sources()
    with home.archive() as opened:
        left = list(opened.place.open_segments.rglob("*.warc.gz.open"))
    yield Finding("archive", "ok", f"{path}, {counted(len(known), 'source')}")
    if left:
        what = f"{counted(len(left), 'segment')} of a crawl that runs or died; the next crawl seals them"
        yield Finding("open segments", "warning", what)


def check_catalogue(home: Home) -> Iterator[Finding]:
    """The database: where, which version, how it keeps its log, whether it is whole."""
    if not home.has_archive:
        return
    try:
        with home.archive() as opened:
            catalogue = opened.catalogue
            if catalogue.is_shared:
                yield from _server(catalogue)
                return
            with catalogue.begin() as connection:
                yield from _sqlite(connection, catalogue.engine.url.database or home.archive_name)
    except CatalogueUnusable as problem:
        cure = "look whether its server runs; a damaged SQLite file is made anew by newsark rebuild --replace"
        yield Finding("catalogue", "fault", f"{problem}; {cure}")


def _sqlite(connection: Connection, place: str) -> Iterator[Finding]:
    def said(name: str) -> str:
        return str(connection.exec_driver_sql(f"PRAGMA {name}").scalar())

    size, free = int(said("page_size")) * int(said("page_count")), int(said("page_size")) * int(said("freelist_count"))
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar()
    told = f"{place}, version {CURRENT}, {human_bytes(size)}, SQLite {version}"
    yield Finding("catalogue", "ok", told)
    if said("journal_mode") != "wal":
        told = "keeps no write-ahead log, so that readers stop a crawl: the file system may not let it"
        yield Finding("catalogue", "warning", f"{place} {told}")
    if free > max(MUCH_FREE * size, LITTLE_BYTES):
        told = f"{human_bytes(free)} of it are free pages; with no crawl running: sqlite3 FILE VACUUM"
        yield Finding("catalogue", "warning", told)
    yield _wholeness(connection)


def _wholeness(connection: Connection) -> Finding:
    began = time.monotonic()
    try:
        with time_budget(connection, WHOLENESS_SECONDS):
            faults = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(5)")]
    except OperationalError as problem:
        if "interrupted" not in str(problem.orig):
            raise
        told = f"no fault in {WHOLENESS_SECONDS:g} s; all of it: sqlite3 FILE 'PRAGMA quick_check'"
        return Finding("catalogue's wholeness", "ok", told)
    if faults == ["ok"]:
        return Finding("catalogue's wholeness", "ok", f"checked in {time.monotonic() - began:.1f} s")
    return Finding("catalogue's wholeness", "fault", f"{faults[0]}; make it anew: newsark rebuild --replace")


def _server(catalogue: Catalogue) -> Iterator[Finding]:
    began = time.monotonic()
    facts = server_facts(catalogue)
    ms = 1000 * (time.monotonic() - began)
    told = f"{facts.place}, version {CURRENT}, {human_bytes(facts.size_bytes)}, {facts.product} {facts.version}"
    used = f"{facts.connections} of {facts.max_connections} connections used"
    yield Finding("catalogue", "ok", f"{told}, answers in {ms:.1f} ms, {used}")
    for fault in facts.faults:
        yield Finding("catalogue", "warning", fault)
