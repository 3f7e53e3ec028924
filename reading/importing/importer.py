"""One file after the other: copied, its records read in order, its pages judged and recorded, and all of it sealed.

What was sealed is there. An import that was stopped before begins again with that file; one that was done is not done
twice.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.page import PageInput
from pipelines.pool import PageReader
from pipelines.reading import EXTRACTOR, Reading, extractor_version
from reading.importing.articles import ImportedArticles, Rules
from reading.importing.filereport import FileReport
from reading.importing.recordpage import RecordPages
from storage.archive import Archive
from storage.capture import Capture
from storage.errors import NotReadableWarc
from storage.foreignfile import Gap, SeveralRecords, read_records
from storage.foreignparts import Layout, layout_of
from storage.foreignrecord import ForeignRecord
from storage.importedfile import ImportedFile
from storage.importnames import DERIVED, ROOM, import_key
from storage.segments import Segments
from storage.timestamps import warc_date
from storage.warcfields import parse_field_lines

LEASE_SECONDS = 3600.0
AHEAD_PER_WORKER = 16
AHEAD_BYTES = 128 * 1024 * 1024
"""So many bytes of pages may wait for their reading: a bound of memory, with the largest page on top."""

GROUP = AHEAD_PER_WORKER // 2
"""So many captures are recorded at a time: the catalogue is asked once for each group."""

Waiting = tuple[Capture, int, Future[Reading] | None]
"""A capture, the bytes of its page, and the page's reading to come."""

PROVENANCE_FORMAT = "newsark-import-1"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file to be imported: its name, where it is from in words, and its bytes in pieces."""

    name: str
    origin: str
    chunks: Callable[[], Iterable[bytes]]


class Importer:
    """Imports files into one source of an archive. `on_bytes` is told of bytes that were read; used from one thread."""

    def __init__(
        self,
        archive: Archive,
        source_id: str,
        pool: PageReader,
        rules: Rules,
        *,
        workers: int = 1,
        dry_run: bool = False,
        on_bytes: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._archive, self._source_id = archive, source_id
        self._pool, self._rules = pool, rules
        self._ahead = workers * AHEAD_PER_WORKER
        self._dry_run = dry_run
        self._on_bytes = on_bytes

    def take(self, incoming: Incoming) -> FileReport:
        """What came of the file. What cannot be read of it is in the report.

        Raises SourceBusy when a crawl works on the source, and what the disk and the stores raise; then nothing of the
        file was taken.
        """
        report = FileReport(incoming.name, source=self._source_id)
        if not self._dry_run:
            self._archive.own(self._source_id, LEASE_SECONDS)
        try:
            with ImportedFile(self._archive, self._source_id, is_kept=not self._dry_run) as imported:
                self._take(incoming, imported, report)
        except NotReadableWarc as problem:
            report.state, report.reason = "refused", problem.problem
        finally:
            if not self._dry_run:
                self._archive.disown(self._source_id)
        return report

    def _take(self, incoming: Incoming, imported: ImportedFile, report: FileReport) -> None:
        report.bytes, report.sha256 = _copy(incoming.chunks(), imported.path)
        report.key = import_key(report.sha256, incoming.name)
        with self._archive.catalogue.begin() as connection:
            known = Segments(connection).importing(report.sha256)
        if known is not None:
            report.state, report.reason = "already here", f"imported into {known[0]} before"
            self._on_bytes(report.bytes)
            return
        try:
            self._read(layout_of(imported.path, imported.derived), imported, report)
        except SeveralRecords:
            # far into the file: what was read until then is read again
            imported.begin_again()
            self._forget(report)
            self._read(layout_of(imported.path, imported.derived, several=True), imported, report)
        report.state = "read only"
        if not self._dry_run:
            imported.seal(report.key, report.bytes, self._provenance(incoming, report))
            report.state = "imported"

    def _forget(self, report: FileReport) -> None:
        fresh = FileReport(report.name, source=report.source, key=report.key, bytes=report.bytes, sha256=report.sha256)
        for name in FileReport.__dataclass_fields__:
            setattr(report, name, getattr(fresh, name))

    def _provenance(self, incoming: Incoming, report: FileReport) -> dict[str, object]:
        facts = report.as_json()
        told = {name: facts[name] for name in ("bytes", "sha256", "kind", "software", "records", "captures", "derived")}
        return {
            "format": PROVENANCE_FORMAT,
            "name": incoming.name,
            "from": incoming.origin,
            "importedAt": warc_date(self._archive.clock()),
            "importedBy": f"{EXTRACTOR} {extractor_version()}",
            "source": self._source_id,
            **told,
            "problemCount": report.problem_count,
            "problems": facts["problems"],
        }

    # reading

    def _read(self, layout: Layout, imported: ImportedFile, report: FileReport) -> None:
        report.kind, report.derived = layout.kind, layout.derived is not None
        key = f"{ROOM}{report.sha256}/{DERIVED}" if layout.derived else report.key
        path = layout.derived or imported.path
        for gap in layout.gaps:
            report.add_problem(gap.offset, gap.length, gap.reason)
        work = _Reading(self._archive, self._source_id, imported, self._rules, report, key, path)
        waiting: deque[Waiting] = deque()
        pending, owned = 0, time.monotonic()
        for record in self._records(path, layout, report):
            capture, page = work.exchange(record)
            if capture is None:
                continue
            size = len(page.body) if page is not None else 0
            if page is not None and self._rules.on_site(page.url):
                page = replace(page, selectors=self._rules.selectors)
            waiting.append((capture, size, self._pool.submit(page) if page is not None else None))
            pending += size
            while waiting and (len(waiting) >= self._ahead or pending > AHEAD_BYTES):
                pending -= work.finish(_group(waiting))
            if not self._dry_run and time.monotonic() - owned > LEASE_SECONDS / 3:
                self._archive.own(self._source_id, LEASE_SECONDS)
                owned = time.monotonic()
        while waiting:
            work.finish(_group(waiting))

    def _records(self, path: Path, layout: Layout, report: FileReport) -> Iterator[ForeignRecord]:
        with path.open("rb") as file:
            for span in layout.spans:
                for found in read_records(file, span.start, span.end):
                    self._on_bytes(found.length if layout.derived is None else 0)
                    if isinstance(found, Gap):
                        report.add_problem(found.offset, found.length, found.reason)
                        continue
                    report.records[found.record_type or "unknown"] += 1
                    if found.problem is not None:
                        report.add_problem(found.offset, found.length, found.problem)
                    yield found
        if layout.derived is not None:
            self._on_bytes(report.bytes)


class _Reading:
    """The exchanges and articles of one file."""

    def __init__(
        self,
        archive: Archive,
        source_id: str,
        imported: ImportedFile,
        rules: Rules,
        report: FileReport,
        key: str,
        path: Path,
    ) -> None:
        self._imported, self._report, self._key = imported, report, key
        self._pages = RecordPages(imported, _Here(archive, key, path))
        self._articles = ImportedArticles(archive, source_id, imported, rules)

    def exchange(self, record: ForeignRecord) -> tuple[Capture | None, PageInput | None]:
        """The capture that a record is, and its page; nothing for records that stand for no visit."""
        if record.record_type == "warcinfo" and self._report.software is None:
            told = {name.lower(): value for name, value in parse_field_lines(record.block[:4096])}
            self._report.software = told.get("software", "")[:200] or None
        if not record.is_exchange:
            return None, None
        try:
            capture = record.capture(self._key)
        except ValueError as problem:
            self._report.add_problem(record.offset, record.length, f"it is no capture: {problem}")
            return None, None
        capture, page, trouble = self._pages.page(record, capture)
        if trouble is not None:
            self._report.add_problem(record.offset, record.length, trouble)
        # originals of revisits further on
        self._imported.add_capture(capture)
        self._report.captures += 1
        return capture, page

    def finish(self, group: Sequence[Waiting]) -> int:
        """Record what came of some pages; their size."""
        read = [(capture, reading.result()) for capture, _, reading in group if reading is not None]
        for capture, page in read:
            if page.kind == "unreadable":
                self._report.add_problem(capture.offset, capture.length, page.reason or "the page cannot be read")
        self._articles.take(read, self._report)
        return sum(size for _, size, _ in group)


class _Here:
    """Reads captures of the file that is being imported, and those of the archive."""

    def __init__(self, archive: Archive, key: str, path: Path) -> None:
        self._archive, self._key, self._path = archive, key, path

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """A part of an object's bytes."""
        if key != self._key:
            return self._archive.holdings.get_range(key, offset, length)
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def _group(waiting: deque[Waiting]) -> list[Waiting]:
    """Some that wait longest, taken away; the readers still have work meanwhile."""
    return [waiting.popleft() for _ in range(min(len(waiting), GROUP))]


def _copy(chunks: Iterable[bytes], path: Path) -> tuple[int, str]:
    """Size and SHA-256 of what was copied."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()
