"""Where a command works: the directory with newsark.toml, its source files, and the archive they belong to."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsark.archiveplace import archive_settings, is_bucket, place_of
from newsark.console import short
from newsark.settings import FILE, HOME_VARIABLE, NewsarkSettings, load_settings
from storage.errors import BadSetting, BadSourceFile, UnknownSource, WrongUse

# The catalogue's library and the sources' take long to load; a command loads what it needs.
if TYPE_CHECKING:
    from crawler.source import Source
    from newsark.storerows import StoreRows
    from reading.life import Confirmation
    from storage.archive import Archive
    from storage.place import Place

SHOWN_SOURCES = 10
PATIENCE_SECONDS = 5.0


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A source with the text of its file; `path` is None when the catalogue alone knows it."""

    source: Source
    text: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class Home:
    """The place and the settings of one command."""

    directory: Path
    settings: NewsarkSettings

    @classmethod
    def here(cls, **options: Any) -> Home:
        """The home in NEWSARK_HOME or the current directory, with these options on top."""
        named = os.environ.get(HOME_VARIABLE)
        directory = Path(named or ".").expanduser().resolve()
        if named and not (directory / FILE).is_file():
            raise BadSetting("environment", HOME_VARIABLE, f"{directory} has no {FILE}; newsark init makes one")
        return cls(directory, load_settings(directory, options))

    def hurried(self) -> Home:
        """The same with less patience: who looks at a page does not wait half a minute for each picture in it."""
        own = self.settings
        replicas = tuple(one.model_copy(update=_sooner(one)) for one in own.replicas)
        return replace(self, settings=own.model_copy(update=_sooner(own) | {"replicas": replicas}))

    def with_logs(self) -> Home:
        """The same; from now on what happens is logged as the settings say. Commands that work for long ask for it."""
        from newsark.logs import begin_logs

        begin_logs(self.settings)
        return self

    @property
    def place(self) -> Place:
        """Where the archive is. Raises BadSetting for a store of a kind that does not exist."""
        return place_of(self.settings)

    @property
    def archive_name(self) -> str:
        """The archive as people call it: its directory's path, or its s3:// address."""
        place = self.settings.archive
        return place if is_bucket(place) else str(Path(place).expanduser().absolute())

    @property
    def short_name(self) -> str:
        """The archive's name with the home directory as `~`, or relative to here."""
        return self.archive_name if is_bucket(self.archive_name) else short(Path(self.archive_name))

    @property
    def has_archive(self) -> bool:
        """Whether there is an archive already."""
        return self.place.head() is not None

    @property
    def confirmations(self) -> Mapping[str, Confirmation]:
        """What makes a fact of a suspicion, for each kind of absence."""
        from reading.life import CONFIRMATIONS, confirmation

        return {kind: confirmation(getattr(self.settings, f"confirm_{kind}")) for kind in CONFIRMATIONS}

    @property
    def sources_directory(self) -> Path:
        """Where source files are: beside newsark.toml, or inside the archive's own state when there is none."""
        if (self.directory / FILE).is_file():
            return self.directory / "sources"
        return self.place.state / "sources"

    @property
    def is_vacant(self) -> bool:
        """Whether nothing stands where the archive is to be, but perhaps source files that wait for it."""
        return self.place.first_other() is None and self.place.head() is None

    def check_place(self) -> None:
        """Raise NotAnArchive when the archive's place holds something else; a vacant place will do."""
        if not self.is_vacant:
            with self.archive():
                return

    @contextmanager
    def archive(self, *, create: bool = False, is_public: bool = False) -> Iterator[Archive]:
        """The open archive, made where it is missing when `create` is set; with `is_public` without what is suppressed.

        Raises WrongUse when it is missing, NotAnArchive when its place holds something else, CatalogueUnreachable when
        the database's server does not answer, and CatalogueUnusable for whatever else goes wrong with the database as
        long as it is open.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            archive = self._open(create=create, is_public=is_public)
            try:
                yield archive
            finally:
                archive.close()
        except SQLAlchemyError as problem:
            from storage.database import catalogue_problem

            raise catalogue_problem(problem, self.settings.catalogue) from problem

    def _open(self, *, create: bool, is_public: bool) -> Archive:
        from storage.archive import Archive

        place = self.place
        if not create and self.is_vacant:
            missing = f"there is no archive at {self.archive_name} yet"
            raise WrongUse(f"{missing}; newsark crawl makes it, --archive names another place")
        chosen = archive_settings(self.settings, tuple(store.place for store in place.stores))
        return Archive.open(place, chosen, utc_now, create=create, is_public=is_public)

    def source_paths(self) -> list[Path]:
        """The source files, by name; those whose name begins with an underscore are examples and left out."""
        return [path for path in sorted(self.sources_directory.glob("*.toml")) if not path.name.startswith("_")]

    def source_ids(self) -> list[str]:
        """The ids in the source files, read without checking anything else in them."""
        ids = []
        for path in self.source_paths():
            try:
                ids.append(str(tomllib.loads(path.read_text(encoding="utf-8"))["id"]))
            except (OSError, ValueError, KeyError):
                ids.append(path.stem)
        return ids

    def source_files(self) -> list[KnownFile]:
        """The sources that have a file, by its name. Raises BadSourceFile for one that cannot be used."""
        from crawler.source import load_source

        found: list[KnownFile] = []
        for path in self.source_paths():
            source = load_source(path)
            if any(source.id == other.source.id for other in found):
                raise BadSourceFile(str(path), "id", f"{source.id!r} is the id of another file here; ids are unique")
            found.append(KnownFile(source, path.read_text(encoding="utf-8"), path))
        return found

    def known_sources(self) -> list[KnownFile]:
        """Every source: those with a file, then those that only the catalogue knows."""
        files = self.source_files()
        if not self.has_archive:
            return files
        from crawler.source import parse_source
        from storage.sources import Sources

        have = {known.source.id for known in files}
        with self.archive() as archive, archive.catalogue.begin() as connection:
            # one without a home is a collection of imported files
            rows = [row for row in Sources(connection).known() if row.id not in have and row.home]
        return files + [KnownFile(parse_source(row.toml, f"catalogue: {row.id}"), row.toml, None) for row in rows]

    def source_id(self, name: str) -> str:
        """The id of the source with that id or name, imported collections among them. Raises UnknownSource."""
        from storage.sources import Sources

        names = {one.source.id: one.source.name for one in self.source_files()}
        if self.has_archive:
            with self.archive() as archive, archive.catalogue.begin() as connection:
                names = {row.id: row.name for row in Sources(connection).known()} | names
        for source_id, called in names.items():
            if name in (source_id, called):
                return source_id
        raise unknown_source(name, list(names))


def _sooner(rows: StoreRows) -> dict[str, float]:
    return {"store_patience_seconds": min(rows.store_patience_seconds, PATIENCE_SECONDS)}


def find_source(name: str, known: list[KnownFile]) -> KnownFile:
    """The source with that id or name. Raises UnknownSource with the ids that come near."""
    for one in known:
        if name in (one.source.id, one.source.name):
            return one
    raise unknown_source(name, [one.source.id for one in known])


def unknown_source(name: str, ids: list[str]) -> UnknownSource:
    """The error for a name no source has, with the ids that come near, or the first few."""
    near = difflib.get_close_matches(name, ids, n=3)
    more = [f"and {len(ids) - SHOWN_SOURCES} more"] if len(ids) > SHOWN_SOURCES else []
    return UnknownSource(name, near or ids[:SHOWN_SOURCES] + more)
