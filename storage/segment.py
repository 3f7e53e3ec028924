"""An open segment: one WARC file that grows by whole exchanges, its records, events and index beside it."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from storage.appendfile import AppendFile
from storage.capture import Capture
from storage.cdxj import index_line, sorted_index
from storage.conversion import Conversion, conversion_records
from storage.durable import file_chunks, flush_directory, make_directories, write_durably
from storage.errors import SegmentClosed, SegmentWriteFailed
from storage.exchange import Exchange
from storage.exchangerecords import exchange_records
from storage.gzipmembers import gzip_member, gzip_stream
from storage.log import Log
from storage.names import Stem, events_name, host_label, index_name, records_name, warc_name
from storage.sealed import SealedSegment, sealed_part
from storage.warcinfo import SegmentInfo, warcinfo_record

log = Log(__name__)

__all__ = ["Segment", "SegmentFiles", "SegmentInfo", "new_record_id", "utc_now"]

_SERIAL_FILE = "serial"


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def new_record_id() -> str:
    """A new WARC-Record-ID: `<urn:uuid:…>`."""
    return f"<urn:uuid:{uuid4()}>"


@dataclass(frozen=True, slots=True)
class SegmentFiles:
    """Where an open segment lies: its WARC under the final name and `.open`, lines uncompressed beside it."""

    directory: Path
    stem: Stem

    @property
    def warc(self) -> Path:
        """The WARC while it is open."""
        return self.directory / f"{self.stem}.warc.gz.open"

    @property
    def records(self) -> Path:
        """Record lines of what was read from the WARC."""
        return self.directory / f"{self.stem}.0.jsonl.open"

    @property
    def events(self) -> Path:
        """Event lines."""
        return self.directory / f"{self.stem}.jsonl.open"

    @property
    def index(self) -> Path:
        """CDXJ lines in the order of capture; derived from the WARC and therefore not flushed with it."""
        return self.directory / f"{self.stem}.cdxj.open"

    def remove_lines(self) -> None:
        """Remove the files beside the WARC, once sealed parts hold what they held."""
        for path in (self.records, self.events, self.index):
            path.unlink(missing_ok=True)


class Segment:
    """An open segment of one source, used from one thread.

    `append` either keeps the whole exchange or leaves every file as it was. What was appended is durable when
    `flush` has returned: acknowledge nothing before. `recover` (storage/recovery.py) finds what a crash left.

    Lines are kept in groups that end with a flush: when a line or the flush fails, all lines since the last flush are
    taken back, so that the group can be added again. Exchanges stay, and are flushed with the next flush.
    """

    def __init__(
        self,
        files: SegmentFiles,
        *,
        opened_at: datetime,
        warcinfo_id: str,
        counts: Mapping[str, int],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        create: bool,
    ) -> None:
        self.stem = str(files.stem)
        self.opened_at = opened_at
        self.warc_key = warc_name(files.stem).key
        self.records_key = records_name(files.stem).key
        self._files = files
        self._warcinfo_id = warcinfo_id
        self._counts = Counter(counts)
        self._clock = clock
        self._new_id = new_id
        self._closed = False
        with ExitStack() as undo:
            self._records = _opened(files.records, create, undo)
            self._events = _opened(files.events, create, undo)
            self._index = _opened(files.index, create, undo, derived=True)
            # Last, so that a WARC without its lines beside it is never found.
            self._warc = _opened(files.warc, create, undo)
            undo.pop_all()
        self._whole_lines = self._line_sizes()

    @classmethod
    def create(
        cls,
        directory: Path,
        source: str,
        info: SegmentInfo,
        *,
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = new_record_id,
        host: str | None = None,
    ) -> Segment:
        """A new segment in `directory`, which is made when missing; its warcinfo record is durable.

        `source` begins every name, `host` (this machine's name by default) ends it. Raises
        SegmentWriteFailed.
        """
        opened_at, warcinfo_id = clock(), new_id()
        label = host_label(host or socket.gethostname())
        with _told_as_write_failure(directory):
            make_directories(directory)
            files = SegmentFiles(directory, Stem(source, opened_at, next_serial(directory), label))
        segment = cls(
            files,
            opened_at=opened_at,
            warcinfo_id=warcinfo_id,
            counts={"warcinfo": 1},
            clock=clock,
            new_id=new_id,
            create=True,
        )
        record = warcinfo_record(info, warc_name(files.stem).filename, opened_at, warcinfo_id)
        with ExitStack() as undo, _told_as_write_failure(directory):
            undo.callback(segment._abandon)
            segment._warc.append(gzip_member(record.pieces()))
            segment.flush()
            flush_directory(directory)
            undo.pop_all()
        return segment

    @property
    def size_bytes(self) -> int:
        """The size of the WARC file so far."""
        return self._warc.size_bytes

    @property
    def counts(self) -> Mapping[str, int]:
        """How many records of each WARC-Type the segment holds."""
        return dict(self._counts)

    def append(
        self, exchange: Exchange | Conversion, original: Capture | None = None, hops: int | None = None
    ) -> Capture:
        """Keep an exchange, or what a browser made of one, and return where it stands; see `exchange_records` for
        `original` and `hops`.

        Raises SegmentWriteFailed when the disk does not take all of it: then the segment is as it was before
        and the same exchange may be tried again. Raises SegmentClosed after `seal`.
        """
        self._refuse_when_closed()
        made: dict[str, Any] = {"warcinfo_id": self._warcinfo_id, "new_id": self._new_id}
        if isinstance(exchange, Conversion):
            records = conversion_records(exchange, **made)
        else:
            records = exchange_records(exchange, **made, original=original, hops=hops)
        beside = b"".join(gzip_member(record.pieces()) for record in records.beside)
        main = gzip_member(records.main.pieces())
        start = self._warc.append(beside + main)
        capture = replace(records.draft, key=self.warc_key, offset=start + len(beside), length=len(main))
        with ExitStack() as undo:
            undo.callback(self._warc.cut, start)
            if line := index_line(capture):
                self._index.append(line)
            undo.pop_all()
        self._counts.update(record.record_type for record in (*records.beside, records.main))
        return capture

    def add_record(self, line: bytes) -> None:
        """Keep one record line (JSON, with or without its line end). Raises as `append` does."""
        self._refuse_when_closed()
        with self._lines_taken_back():
            self._records.append(_one_line(line))

    def add_event(self, line: bytes) -> None:
        """Keep one event line (JSON, with or without its line end). Raises as `append` does."""
        self._refuse_when_closed()
        with self._lines_taken_back():
            self._events.append(_one_line(line))

    def flush(self) -> None:
        """Make everything kept so far durable.

        Raises SegmentWriteFailed: then acknowledge nothing. For lack of room the next flush writes anew what this one
        did not; after any other failure nothing more is taken: close the segment and let `recover` find it.
        """
        self._refuse_when_closed()
        with self._lines_taken_back():
            self._warc.flush()
            self._records.flush()
            self._events.flush()
        self._whole_lines = self._line_sizes()

    @contextmanager
    def _lines_taken_back(self) -> Iterator[None]:
        try:
            yield
        except SegmentWriteFailed:
            for file, size_bytes in zip((self._records, self._events), self._whole_lines, strict=True):
                file.cut(size_bytes)
            raise

    def _line_sizes(self) -> tuple[int, int]:
        return self._records.size_bytes, self._events.size_bytes

    def close(self) -> None:
        """Leave the segment open on disk, for `recover` to find; nothing is flushed."""
        for file in (self._warc, self._records, self._events, self._index):
            file.close()
        self._closed = True

    def _abandon(self) -> None:
        """Remove a segment that could not be made, so that trying again on a full disk does not fill it further."""
        self.close()
        self._files.remove_lines()
        self._files.warc.unlink(missing_ok=True)

    def seal(self) -> SealedSegment:
        """Close the segment for good and name its files and their digests.

        Empty records and events make no object. Nothing is lost when this ends half-way: `recover` does the
        rest. Raises SegmentWriteFailed when the disk fails, SegmentClosed when it is sealed already.
        """
        self.flush()
        self.close()
        with _told_as_write_failure(self._files.directory):
            return self._sealed()

    def _sealed(self) -> SealedSegment:
        files, stem = self._files, self._files.stem
        names = [warc_name(stem), index_name(stem)]
        lines = files.index.read_bytes().splitlines(keepends=True)
        write_durably(files.directory / index_name(stem).filename, gzip_stream(sorted_index(lines)))
        for path, name in ((files.records, records_name(stem)), (files.events, events_name(stem))):
            if path.stat().st_size:
                write_durably(files.directory / name.filename, gzip_stream(file_chunks(path)))
                names.append(name)
        files.warc.replace(files.directory / warc_name(stem).filename)
        flush_directory(files.directory)
        parts = tuple(sealed_part(name, files.directory) for name in names)
        sealed = SealedSegment(self.stem, files.directory, self._clock(), parts, self.counts)
        sealed.keep_note()
        files.remove_lines()
        log.info("segment-sealed", source=stem.source, segment=self.stem, bytes=sealed.size_bytes)
        return sealed

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise SegmentClosed(self.stem)


def _opened(path: Path, create: bool, undo: ExitStack, *, derived: bool = False) -> AppendFile:
    file = AppendFile(path, create=create, derived=derived)
    if create:
        undo.callback(path.unlink)
    undo.callback(file.close)
    return file


@contextmanager
def _told_as_write_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SegmentWriteFailed(str(path), error) from error


def _one_line(line: bytes) -> bytes:
    line = line.removesuffix(b"\n")
    if b"\n" in line:
        raise ValueError("a line of a segment holds a line end inside")
    return line + b"\n"


def next_serial(directory: Path) -> int:
    """Serials of a directory count up, so that two segments of one second have different names (annex C)."""
    path = directory / _SERIAL_FILE
    last = re.fullmatch(r"([0-9]{1,5})\n", path.read_text()) if path.exists() else None
    serial = (int(last[1]) + 1) % 100_000 if last else 0
    write_durably(path, [f"{serial}\n".encode()])
    return serial
