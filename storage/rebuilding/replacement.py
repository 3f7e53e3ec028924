"""Replacing a catalogue: the new one is made beside it and takes its place when it is whole; the old one is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from storage.catalogue import Catalogue, checks, deliveries, segments, sources
from storage.database import parsed_url, shown_url
from storage.durable import flush_directory, make_directories
from storage.errors import CatalogueNotEmpty, NewsarkError
from storage.rebuilding.rebuild import is_unfinished
from storage.sources import Sources
from storage.timestamps import timestamp14

BESIDE = ".rebuild"
HOLD = timedelta(days=7)
_LOCAL = (deliveries, checks)


@dataclass(slots=True)
class Replacement:
    """A catalogue that is being made; `kept` is the file that the old one went to, when there was one."""

    catalogue: Catalogue
    kept: Path | None = None


@contextmanager
def replacing(url: str, clock: Callable[[], datetime], owner: str, *, replace: bool) -> Iterator[Replacement]:
    """A catalogue to be filled. At the end of the block it stands under `url`; when that raises, all is as it was.

    SQLite: it is made in a file beside, which an interrupted rebuild goes on with, and is renamed when it is whole.
    What the old one knows of this machine (deliveries, checks) goes along. Other databases: the one under `url` is
    filled in place, so it must be empty. Raises CatalogueNotEmpty, and SourceBusy while a crawl is under way.
    """
    place = _sqlite_path(url)
    if place is None:
        catalogue = Catalogue(url, clock)
        try:
            _refuse_filled(catalogue)
            yield Replacement(catalogue)
        finally:
            catalogue.close()
        return
    with _old(url, place, clock) as old:
        if not replace and (old is None or _knows(old)) and place.exists():
            raise CatalogueNotEmpty(str(place), can_replace=True)
        if old is not None:
            _hold(old, clock, owner)
        make_directories(place.parent)
        beside = place.with_name(place.name + BESIDE)
        catalogue = Catalogue(f"sqlite:///{beside}", clock)
        replacement = Replacement(catalogue)
        try:
            yield replacement
            if old is not None:
                _take_along(old, catalogue)
            _to_one_file(catalogue.engine)
        finally:
            catalogue.close()
            if old is not None:
                _release(old, owner)
                _to_one_file(old.engine)
        knows_something = place.exists() and (old is None or _knows(old))
    replacement.kept = _swap(place, beside, clock(), keep=knows_something)


def _sqlite_path(url: str) -> Path | None:
    parsed = parsed_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _refuse_filled(catalogue: Catalogue) -> None:
    with catalogue.begin() as connection:
        if not _is_empty(catalogue) and not is_unfinished(connection):
            raise CatalogueNotEmpty(shown_url(catalogue.engine.url), can_replace=False)


def _is_empty(catalogue: Catalogue) -> bool:
    with catalogue.begin() as connection:
        return not any(
            connection.execute(select(func.count()).select_from(table)).scalar() for table in (sources, segments)
        )


def _knows(catalogue: Catalogue) -> bool:
    return not _is_empty(catalogue)


@contextmanager
def _old(url: str, place: Path, clock: Callable[[], datetime]) -> Iterator[Catalogue | None]:
    """The catalogue that stands there; None when there is none, or none that can be read."""
    catalogue: Catalogue | None = None
    if place.exists():
        try:
            catalogue = Catalogue(url, clock)
        except (SQLAlchemyError, NewsarkError):
            # damaged, or a newer one: it is kept as it is
            catalogue = None
    try:
        yield catalogue
    finally:
        if catalogue is not None:
            catalogue.close()


def _hold(old: Catalogue, clock: Callable[[], datetime], owner: str) -> None:
    """Take every source, so that no crawl writes to a catalogue that is about to be put aside."""
    with old.begin() as connection:
        for source in Sources(connection).known():
            Sources(connection).own(source.id, owner, clock(), HOLD)


def _release(old: Catalogue, owner: str) -> None:
    with old.begin() as connection:
        for source in Sources(connection).known():
            Sources(connection).disown(source.id, owner)


def _take_along(old: Catalogue, new: Catalogue) -> None:
    """Copy what only this machine knows; sources that the store does not know stay behind."""
    with old.begin() as reading, new.begin() as writing:
        known = {source.id for source in Sources(writing).known()}
        for table in _LOCAL:
            rows = [dict(row) for row in reading.execute(select(table)).mappings()]
            rows = [row for row in rows if row.get("source_id") in known or "source_id" not in row]
            have = set(writing.execute(select(table.c.id)).scalars())
            if left := [row for row in rows if row["id"] not in have]:
                writing.execute(insert(table), left)


def _to_one_file(engine: Engine) -> None:
    """Bring everything into the one file that is renamed, on the disk for good."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=FULL")
        connection.commit()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _swap(place: Path, beside: Path, now: datetime, *, keep: bool) -> Path | None:
    """Put the new catalogue in its place at once; an old one worth keeping has its bytes under another name then."""
    kept: Path | None = None
    if not keep:
        for suffix in ("-wal", "-shm", "-journal"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
    elif place.exists():
        kept = place.with_name(f"{place.stem}-until-{timestamp14(now)}{place.suffix}")
        try:
            os.link(place, kept)
        except OSError:
            # no hard links here: for a moment there is no catalogue, and the next rebuild puts this one in its place
            place.rename(kept)
        # A journal must never be found beside another database: SQLite would play it into that one.
        for suffix in ("-wal", "-shm", "-journal"):
            side = place.with_name(place.name + suffix)
            if side.exists():
                side.rename(kept.with_name(kept.name + suffix))
    beside.replace(place)
    flush_directory(place.parent)
    return kept
