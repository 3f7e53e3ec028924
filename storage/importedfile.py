"""A file that others made on its way into an archive: kept as it came, with what was read from it, sealed in one go.

Nothing of it holds before `seal`: an import that was killed begins again, and leaves nothing behind. After that
`Archive.recover` does what is left.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
from sqlalchemy import select

from storage.archive import Archive
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import captures
from storage.digests import file_digests
from storage.durable import file_chunks, flush_directory, flush_to_medium, make_directories, write_durably
from storage.events import (
    ArticleImported,
    CaptureImported,
    Event,
    FileImported,
    FurnitureLearned,
    Settled,
    to_line,
)
from storage.gzipmembers import gzip_stream
from storage.importnames import DERIVED, PROVENANCE, ROOM, sha256_of, waiting_name
from storage.importscratch import ImportScratch, Seen
from storage.names import ObjectName, Stem, events_name, host_label, index_name, records_name
from storage.readback import Reference
from storage.sealed import SEALED_SUFFIX, SealedPart, SealedSegment, sealed_part
from storage.segment import next_serial
from storage.settling import source_file
from storage.sources import Sources
from storage.versions import Version, Versions

_WAITING = re.compile(r"(.+?)\.[0-9a-f]{16}\.")
SETTLED_EVENTS = 500
"""So many captures and articles are one step of a rebuild."""


class ImportedFile:
    """Gathers in a scratch directory what an import reads, and seals it. Use it as a context.

    Own the source, unless nothing is to be kept.

    `path` is where the file is to be copied first, `derived` where its records may be written anew. Memory does not
    grow with the file. `counts` are what the manifest will state.
    """

    def __init__(self, archive: Archive, source_id: str, *, is_kept: bool = True) -> None:
        self._archive, self._source_id = archive, source_id
        self._scratch = _emptied(archive.state / "import" / (source_id if is_kept else f"{source_id}.{os.getpid()}"))
        if is_kept:
            _remove_half_sealed(archive.place.open_segments / source_id)
        self.path, self.derived = self._scratch / "file", self._scratch / "derived"
        self._begin()

    def _begin(self) -> None:
        self._events = (self._scratch / "events").open("wb")
        self._lines = (self._scratch / "records").open("wb")
        self._found = ImportScratch(self._scratch / "found.sqlite")
        self._unsettled = 0
        self.counts: Counter[str] = Counter()

    def begin_again(self) -> None:
        """Forget what was found; the copy of the file stays."""
        self._close()
        (self._scratch / "found.sqlite").unlink()
        self._begin()

    def _close(self) -> None:
        for one in (self._events, self._lines, self._found):
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        shutil.rmtree(self._scratch)

    # what is found

    def add_capture(self, capture: Capture) -> None:
        """Take in an exchange of the file."""
        self._tell(CaptureImported(capture.facts()))
        self._found.add(capture)
        self.counts["captures"] += 1

    def add_article(self, told: ArticleImported, line: bytes | None, version: Version | None) -> None:
        """Take in what a page holds: the line of a record or an observation, and the version that it is."""
        if line is not None:
            self._lines.write(line)
        if version is not None:
            seen = Seen(version.captured_at, version.version, version.content_digest, version.record_id)
            self._found.see(version.article, seen)
            self.counts["versions"] += 1
        self._tell(told)

    def learned(self, texts: list[str]) -> None:
        """Take in furniture that was learned."""
        for text in texts:
            self._tell(FurnitureLearned(self._archive.clock(), text))

    def known(self, articles: Sequence[str]) -> dict[str, list[Seen]]:
        """For each of these articles that the catalogue has, its versions there; they are the same until `seal`."""
        with self._archive.catalogue.begin() as connection:
            histories = Versions(connection, self._source_id).histories(articles)
        return {
            article: [Seen(one.captured_at, one.version, one.content_digest, one.record_id) for one in history]
            for article, history in histories.items()
        }

    def history(self, article: str, known: Sequence[Seen]) -> list[Seen]:
        """The versions of an article that are known and that this import has, in the order of their capture."""
        return sorted([*known, *self._found.seen(article)], key=lambda one: (one.captured_at, one.number))

    def original(self, reference: Reference) -> Capture | None:
        """The exchange that a revisit refers to, in this file or in the archive; None when neither has it."""
        return self._found.original(reference) or self._original_here(reference)

    def _original_here(self, reference: Reference) -> Capture | None:
        query = select(*capture_columns()).where(captures.c.record_type == "response").limit(1)
        with self._archive.catalogue.begin() as connection:
            for column, value in (
                (captures.c.record_id, reference.record_id),
                (captures.c.payload_digest, reference.payload_digest),
            ):
                mine = query if column is captures.c.record_id else query.where(captures.c.source_id == self._source_id)
                row = connection.execute(mine.where(column == value)).first() if value else None
                if row is not None:
                    return capture_from_row(row)
        return None

    def _tell(self, event: Event) -> None:
        self._events.write(to_line(event) + b"\n")
        self._unsettled += 1
        if self._unsettled >= SETTLED_EVENTS:
            self._settle()

    def _settle(self) -> None:
        self._events.write(to_line(Settled(self._archive.clock())) + b"\n")
        self._unsettled = 0

    # sealing

    def seal(self, key: str, size_bytes: int, provenance: Mapping[str, Any]) -> None:
        """Make all of it durable, take it into the catalogue and the chain, and send it to the stores.

        `key` is that of the file. Raises OSError when the disk fails; then nothing was imported.
        """
        self._tell(FileImported(self._archive.clock(), key, str(provenance["name"]), size_bytes))
        self._settle()
        self._events.close()
        self._lines.close()
        directory = self._archive.place.open_segments / self._source_id
        make_directories(directory)
        now = self._archive.clock()
        stem = Stem(self._source_id, now, next_serial(directory), host_label(socket.gethostname()))
        parts = [
            self._moved(self.path, directory, stem, key),
            *self._beside(directory, stem, key, provenance),
            self._packed(index_name(stem), directory, self._found.index_lines()),
            self._packed(records_name(stem), directory, file_chunks(self._scratch / "records")),
            self._packed(events_name(stem), directory, self._with_head()),
        ]
        sealed = SealedSegment(str(stem), directory, now, tuple(parts), dict(self.counts))
        sealed.keep_note()
        self._archive.adopt(self._source_id, sealed)

    def _with_head(self) -> Iterator[bytes]:
        with self._archive.catalogue.begin() as connection:
            known = Sources(connection).known([self._source_id])
        yield from (to_line(source_file(one)) + b"\n" for one in known)
        yield from file_chunks(self._scratch / "events")

    def _beside(self, directory: Path, stem: Stem, key: str, provenance: Mapping[str, Any]) -> list[SealedPart]:
        room = f"{ROOM}{sha256_of(key)}/"
        beside = self._scratch / PROVENANCE
        write_durably(beside, [orjson.dumps(provenance, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)])
        parts = [self._moved(beside, directory, stem, room + PROVENANCE)]
        if self.derived.exists():
            parts.append(self._moved(self.derived, directory, stem, room + DERIVED))
        return parts

    def _moved(self, path: Path, directory: Path, stem: Stem, key: str) -> SealedPart:
        target = directory / f"{stem}.{waiting_name(key)}"
        with path.open("rb") as file:
            flush_to_medium(file.fileno())
        path.replace(target)
        flush_directory(directory)
        digests = file_digests(target)
        return SealedPart(key, target, digests.size_bytes, digests.sha256, digests.composite_sha256)

    def _packed(self, name: ObjectName, directory: Path, lines: Iterable[bytes]) -> SealedPart:
        write_durably(directory / name.filename, gzip_stream(lines))
        return sealed_part(name, directory)


def _emptied(directory: Path) -> Path:
    """The directory without what an import left there that was killed."""
    shutil.rmtree(directory, ignore_errors=True)
    make_directories(directory)
    return directory


def _remove_half_sealed(directory: Path) -> None:
    """Remove the files of an import that was killed while it was sealed, before its note was kept."""
    for path in directory.glob("*.imported"):
        found = _WAITING.match(path.name)
        if found is None or (directory / (found[1] + SEALED_SUFFIX)).exists():
            continue
        stem = Stem.parse(found[1])
        for name in (index_name(stem), records_name(stem), events_name(stem)):
            (directory / name.filename).unlink(missing_ok=True)
        path.unlink()
