"""Where a command works: the directory with newsark.toml, its source files, and the archive they belong to."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsark.settings import FILE, HOME_VARIABLE, NewsarkSettings, load_settings
from storage.errors import BadSetting, BadSourceFile, CatalogueUnusable, NotAnArchive, UnknownSource, WrongUse

# The catalogue's library and the sources' take long to load; a command loads what it needs.
if TYPE_CHECKING:
    from crawler.source import Source
    from storage.archive import Archive

SHOWN_SOURCES = 10


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

    @property
    def archive_path(self) -> Path:
        """The archive's directory. Raises BadSetting for a place of a kind that this version cannot write to."""
        place = self.settings.archive
        if "://" in place:
            raise BadSetting("archive", place, "only a directory can hold the archive")
        return Path(place).expanduser().absolute()

    @property
    def has_archive(self) -> bool:
        """Whether there is an archive already."""
        from storage.archive import HEAD

        return (self.archive_path / HEAD).exists()

    @property
    def sources_directory(self) -> Path:
        """Where source files are: beside newsark.toml, or inside the archive's own state when there is none."""
        from storage.archive import STATE_DIRECTORY

        if (self.directory / FILE).is_file():
            return self.directory / "sources"
        return self.archive_path / STATE_DIRECTORY / "sources"

    @property
    def is_vacant(self) -> bool:
        """Whether nothing stands where the archive is to be, but perhaps source files that wait for it."""
        from storage.archive import is_vacant

        return is_vacant(self.archive_path)

    def check_place(self) -> None:
        """Raise NotAnArchive when the archive's place holds something else; a vacant place will do."""
        if not self.is_vacant:
            with self.archive():
                return

    @contextmanager
    def archive(self, *, create: bool = False) -> Iterator[Archive]:
        """The open archive, made where it is missing when `create` is set.

        Raises WrongUse when it is missing, NotAnArchive when its place holds something else, and CatalogueUnusable
        for whatever goes wrong with the database as long as it is open.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            archive = self._open(create=create)
            try:
                yield archive
            finally:
                archive.close()
        except SQLAlchemyError as problem:
            raise CatalogueUnusable(str(getattr(problem, "orig", None) or problem).splitlines()[0]) from problem

    def _open(self, *, create: bool) -> Archive:
        from sqlalchemy.exc import ArgumentError

        from crawler.agent import user_agent
        from storage.archive import HEAD, Archive, ArchiveSettings

        settings, path = self.settings, self.archive_path
        if not create and self.is_vacant:
            raise WrongUse(f"there is no archive at {path} yet; newsark crawl makes it, --archive names another place")
        chosen = ArchiveSettings(
            operator=settings.operator or settings.contact,
            user_agent=settings.user_agent or user_agent(settings.contact),
            contact=settings.contact,
            catalogue_url=settings.catalogue,
            segment_max_bytes=settings.segment_max_bytes,
            segment_max_age_seconds=settings.segment_max_age_hours * 3600,
        )
        try:
            return Archive.open(path, chosen, utc_now, create=create)
        except json.JSONDecodeError as problem:
            raise NotAnArchive(str(path), f"its {HEAD} is damaged: {problem}") from problem
        except (ArgumentError, ModuleNotFoundError, ValueError) as problem:
            raise BadSetting("settings", "catalogue", f"is no database URL that works here: {problem}") from problem

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
            rows = [row for row in Sources(connection).known() if row.id not in have]
        return files + [KnownFile(parse_source(row.toml, f"catalogue: {row.id}"), row.toml, None) for row in rows]


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
