"""A later reading of a segment: the n-th records object beside its WARC, sealed for the manifests' chain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

from storage.archive import Archive
from storage.durable import make_directories, write_durably
from storage.errors import NotReadableManifest, ObjectMissing
from storage.gzipmembers import gzip_stream
from storage.importnames import is_imported, sha256_of
from storage.manifest import Manifest
from storage.names import Stem, parse_key, records_name
from storage.sealed import SealedSegment, sealed_part
from storage.segments import Segments

_READ_BYTES = 1024 * 1024


class LaterReading:
    """Gathers the records of one later reading in a scratch file, and seals them. Use it as a context."""

    def __init__(self, archive: Archive, stem: Stem) -> None:
        self._archive = archive
        self._stem = stem
        self._directory = archive.place.open_segments / stem.source
        self._lines = TemporaryFile(dir=_scratch(archive.state))  # noqa: SIM115 - closed by __exit__
        self.records = 0

    def __enter__(self) -> LaterReading:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()

    def add(self, line: bytes) -> None:
        """Take a record line with its line feed."""
        self._lines.write(line)
        self.records += 1

    def seal(self, counts: Mapping[str, int], extractor_version: str | None) -> None:
        """Make the records durable, take them into the catalogue and the chain, and send them to the stores.

        Nothing is lost when this ends half-way: `Archive.recover` does the rest, or nothing was sealed.
        `extractor_version` is named when all of the segment was read. Raises OSError when the disk fails.
        """
        name = records_name(self._stem, _next_number(self._archive, self._stem))
        make_directories(self._directory)
        self._lines.seek(0)
        chunks = iter(lambda: self._lines.read(_READ_BYTES), b"")
        write_durably(self._directory / name.filename, gzip_stream(chunks))
        part = sealed_part(name, self._directory)
        word, now = f"{self._stem}.{name.number}", self._archive.clock()
        sealed = SealedSegment(word, self._directory, now, (part,), dict(counts), extractor_version)
        sealed.keep_note()
        self._archive.adopt(self._stem.source, sealed)


def _scratch(state: Path) -> Path:
    directory = state / "reextract"
    make_directories(directory)
    return directory


def _next_number(archive: Archive, stem: Stem) -> int:
    with archive.catalogue.begin() as connection:
        return max(Segments(connection).readings(str(stem)), default=0) + 1


def stem_of_warc(archive: Archive, key: str) -> Stem | None:
    """The stem of the segment whose WARC has that key, or of the import of that file; None when it is neither."""
    if is_imported(key):
        with archive.catalogue.begin() as connection:
            found = Segments(connection).importing(sha256_of(key))
        return Stem.parse(found[1]) if found else None
    try:
        name = parse_key(key)
    except ValueError:
        return None
    return name.stem if name.kind == "warc" else None


def is_read_by(archive: Archive, stem: Stem, extractor_version: str) -> bool:
    """Whether the newest later reading of the segment was made by that version, and read all of it."""
    with archive.catalogue.begin() as connection:
        readings = Segments(connection).readings(str(stem))
    if not readings:
        return False
    key = list(readings.values())[-1]
    try:
        return Manifest.from_bytes(archive.holdings.get(key), key).extractor_version == extractor_version
    except (ObjectMissing, NotReadableManifest):
        # `verify` tells of it; reading once more does no harm
        return False
