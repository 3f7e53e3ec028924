"""Where a command works: the directory with newsark.toml, its source files, and the archive they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crawler.agent import user_agent
from crawler.source import Source, load_source, parse_source
from newsark.settings import FILE, NewsarkSettings, load_settings
from storage.archive import STATE_DIRECTORY, Archive, ArchiveSettings
from storage.errors import BadSetting, BadSourceFile, Refused, UnknownSource
from storage.sources import Sources


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def normal_spelling(needle: str) -> str | None:
    """The normal spelling of a URL under which its article is known, or None for what is no URL to visit."""
    from crawler.links import normalise

    try:
        return normalise(needle)
    except Refused:
        return None


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
        directory = Path(os.environ.get("NEWSARK_HOME", ".")).resolve()
        return cls(directory, load_settings(directory, options))

    @property
    def archive_path(self) -> Path:
        """The archive's directory. Raises BadSetting for a place of a kind that this version cannot write to."""
        place = self.settings.archive
        if "://" in place:
            raise BadSetting("archive", place, "only a directory can hold the archive")
        return Path(place).absolute()

    @property
    def sources_directory(self) -> Path:
        """Where source files are: beside newsark.toml, or inside the archive's own state when there is none."""
        if (self.directory / FILE).is_file():
            return self.directory / "sources"
        return self.archive_path / STATE_DIRECTORY / "sources"

    @contextmanager
    def archive(self, *, create: bool = False) -> Iterator[Archive]:
        """The open archive. Raises NotAnArchive when there is none and `create` is not set."""
        settings = self.settings
        archive = Archive.open(
            self.archive_path,
            ArchiveSettings(
                operator=settings.operator or settings.contact,
                user_agent=settings.user_agent or user_agent(settings.contact),
                contact=settings.contact,
                catalogue_url=settings.catalogue,
                segment_max_bytes=settings.segment_max_bytes,
                segment_max_age_seconds=settings.segment_max_age_hours * 3600,
            ),
            utc_now,
            create=create,
        )
        try:
            yield archive
        finally:
            archive.close()

    def source_files(self) -> list[KnownFile]:
        """The sources in the source directory, by file name; names that begin with an underscore are left out."""
        found: list[KnownFile] = []
        directory = self.sources_directory
        for path in sorted(directory.glob("*.toml")) if directory.is_dir() else []:
            if path.name.startswith("_"):
                continue
            source = load_source(path)
            if any(source.id == other.source.id for other in found):
                raise BadSourceFile(str(path), "id", f"{source.id!r} is the id of another file here; ids are unique")
            found.append(KnownFile(source, path.read_text(encoding="utf-8"), path))
        return found

    def known_sources(self, archive: Archive | None) -> list[KnownFile]:
        """Every source: those with a file, then those that only the catalogue knows."""
        files = self.source_files()
        have = {known.source.id for known in files}
        if archive is not None:
            with archive.catalogue.begin() as connection:
                rows = Sources(connection).known()
            for row in rows:
                if row.id not in have:
                    files.append(KnownFile(parse_source(row.toml, f"catalogue: {row.id}"), row.toml, None))
        return files


def find_source(name: str, known: list[KnownFile]) -> KnownFile:
    """The source with that id or name. Raises UnknownSource with the ids there are."""
    for one in known:
        if name in (one.source.id, one.source.name):
            return one
    raise UnknownSource(name, [one.source.id for one in known])
