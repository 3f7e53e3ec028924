"""What a crash left: open segments, cut back to whole exchanges, and sealed ones still to be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from storage.appendfile import AppendFile
from storage.capture import Capture
from storage.cdxj import index_line
from storage.durable import file_chunks, flush_directory, write_durably
from storage.errors import NotReadableWarc
from storage.names import Stem, manifest_of_parcel, warc_name
from storage.sealed import SealedSegment, sealed_segments
from storage.segment import Segment, SegmentFiles, new_record_id, utc_now
from storage.timestamps import from_warc_date
from storage.warcscan import capture_of, scan_records

_OPEN_SUFFIX = ".warc.gz.open"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A segment that was found: either `segment` is open again, or `sealed` was waiting.

    `captures` are the exchanges that an open segment kept. What was cut off (`cut_bytes` of the WARC, and
    `dropped_lines` that were torn or pointed past the cut) is put aside in files ending in `.torn`.
    """

    stem: str
    segment: Segment | None = None
    sealed: SealedSegment | None = None
    captures: tuple[Capture, ...] = ()
    cut_bytes: int = 0
    dropped_lines: int = 0

    def seal(self) -> SealedSegment:
        """The sealed segment; an open one is sealed now."""
        if self.sealed is not None:
            return self.sealed
        assert self.segment is not None
        return self.segment.seal()


@dataclass(frozen=True, slots=True)
class _Whole:
    """The whole exchanges of a WARC file: up to `end_bytes`."""

    end_bytes: int
    captures: tuple[Capture, ...]
    counts: Counter[str]
    warcinfo_id: str
    opened_at: datetime


def recover(
    directory: Path,
    *,
    clock: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] = new_record_id,
) -> list[Recovery]:
    """Every segment in `directory`, oldest name first; none of them may be in use by another process.

    An open segment is cut back to its last whole exchange and can be appended to or sealed. A segment that
    was being sealed is open again. A file without one whole record held nothing that was acknowledged: it is
    put aside and not returned. Raises SegmentWriteFailed or OSError when the disk fails.
    """
    found = {waiting.stem: Recovery(waiting.stem, sealed=waiting) for waiting in sealed_segments(directory)}
    for stem in found:
        name = manifest_of_parcel(stem)
        if name.number is None:
            SegmentFiles(directory, name.stem).remove_lines()
    for warc in directory.glob("*.warc.gz"):
        if warc.name.removesuffix(".warc.gz") not in found:
            warc.replace(warc.with_name(warc.name + ".open"))
            flush_directory(directory)
    for path in directory.glob(f"*{_OPEN_SUFFIX}"):
        if reopened := _reopen(path, clock, new_id):
            found[reopened.stem] = reopened
    return [found[stem] for stem in sorted(found)]


def _reopen(path: Path, clock: Callable[[], datetime], new_id: Callable[[], str]) -> Recovery | None:
    files = SegmentFiles(path.parent, Stem.parse(path.name.removesuffix(_OPEN_SUFFIX)))
    whole = _whole_exchanges(path, warc_name(files.stem).key)
    cut_bytes = _cut(path, whole.end_bytes if whole else 0)
    if whole is None:
        path.unlink()
        files.remove_lines()
        return None
    warc_filename = warc_name(files.stem).filename
    dropped = sum(_keep_lines(lines, warc_filename, whole.end_bytes) for lines in (files.records, files.events))
    index = (index_line(capture) for capture in whole.captures)
    write_durably(files.index, (line for line in index if line))
    segment = Segment(
        files,
        opened_at=whole.opened_at,
        warcinfo_id=whole.warcinfo_id,
        counts=whole.counts,
        clock=clock,
        new_id=new_id,
        create=False,
    )
    return Recovery(segment.stem, segment, None, whole.captures, cut_bytes, dropped)


def _whole_exchanges(path: Path, key: str) -> _Whole | None:
    """What of an open WARC is whole, or None when not even its warcinfo record is."""
    captures: list[Capture] = []
    counts: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    end_bytes, first = 0, None
    with path.open("rb") as file:
        try:
            for record in scan_records(file, path.name):
                first = first or record
                pending[record.record_type] += 1
                if not record.ends_exchange:
                    continue
                if capture := capture_of(record, key):
                    captures.append(capture)
                end_bytes = record.offset + record.length
                counts += pending
                pending.clear()
        except NotReadableWarc:
            # the torn end; what stands before it is whole
            pass
    if first is None or first.record_type != "warcinfo":
        return None
    warcinfo_id, opened_at = first.fields["warc-record-id"], from_warc_date(first.fields["warc-date"])
    return _Whole(end_bytes, tuple(captures), counts, warcinfo_id, opened_at)


def _cut(path: Path, end_bytes: int) -> int:
    """Cut a WARC file to its whole exchanges; the rest is put aside. Returns how many bytes that was."""
    torn_bytes = path.stat().st_size - end_bytes
    if torn_bytes:
        write_durably(path.with_name(f"{path.name}.{end_bytes}.torn"), file_chunks(path, end_bytes))
        whole = AppendFile(path, create=False)
        whole.cut(end_bytes)
        whole.flush()
        whole.close()
    return torn_bytes


def _keep_lines(path: Path, warc_filename: str, end_bytes: int) -> int:
    """Keep the whole lines of a file that name nothing past the cut; returns how many were put aside."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    kept = [line for line in lines if _stands(line, warc_filename, end_bytes)]
    if len(kept) < len(lines):
        dropped = [line for line in lines if not _stands(line, warc_filename, end_bytes)]
        write_durably(path.with_name(f"{path.name}.{end_bytes}.torn"), dropped)
    if len(kept) < len(lines) or not path.exists():
        write_durably(path, kept)
    return len(lines) - len(kept)


def _stands(line: bytes, warc_filename: str, end_bytes: int) -> bool:
    try:
        facts = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return line.endswith(b"\n") and not _points_past(facts, warc_filename, end_bytes)


def _points_past(facts: Any, warc_filename: str, end_bytes: int) -> bool:
    if isinstance(facts, dict):
        offset = facts.get("offset")
        if facts.get("filename") == warc_filename and isinstance(offset, int) and offset >= end_bytes:
            return True
        facts = list(facts.values())
    return isinstance(facts, list) and any(_points_past(one, warc_filename, end_bytes) for one in facts)
