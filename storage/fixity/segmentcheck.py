"""Every byte of a segment in one store: WARC records, index lines, record lines and events, each against the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from storage.capture import Capture
from storage.cdxj import index_line, is_indexed, parse_index_line
from storage.errors import NotReadableWarc, ObjectMissing, StorageError
from storage.fixity.findings import Finding
from storage.fixity.inventory import segment_name
from storage.fixity.objectcheck import OnBytes, Passing, difference, unreadable
from storage.fixity.recordstream import StreamedRecord, gzip_lines, stream_records
from storage.foreignrecord import foreign_record, unpacked
from storage.gzipmembers import Member, unpack_member
from storage.importnames import is_imported
from storage.manifest import ManifestObject
from storage.objects import ObjectStore
from storage.timestamps import warc_date
from storage.warcscan import ScannedRecord, capture_of, scanned_record

OnLine = Callable[[ObjectStore, str, bytes], None]
"""Told of each record line that points at bytes: the store it was read from, its object's key, the line."""

_TYPES = frozenset({"warcinfo", "request", "response", "revisit", "metadata", "resource", "conversion", "continuation"})
_MOST_DETAILS = 20
_LINE_SHOWN = 80


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """What of a segment is to be read in a store: the objects it has, by key, and the counts its manifest states."""

    store: ObjectStore
    listed: Mapping[str, ManifestObject]
    counts: Mapping[str, int]
    on_bytes: OnBytes
    on_line: OnLine | None = None


@dataclass(slots=True)
class _Warc:
    """What the WARC holds: captures by offset, up to `end`, where reading had to stop when it is not `whole`."""

    key: str
    captures: dict[int, Capture] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    end: int = 0
    whole: bool = True

    def reached(self, offset: int) -> bool:
        return self.whole or offset < self.end


class SegmentCheck:
    """One reading of a segment; `source_files` are the SHA-256 of source files that its events name, by revision."""

    def __init__(self, plan: SegmentPlan) -> None:
        self._plan = plan
        self._store = plan.store
        self._warc: _Warc | None = None
        self._is_warc_damaged = False
        self.source_files: dict[int, str] = {}

    def findings(self) -> list[Finding]:
        """What is wrong; of each object its digest first, then at most some twenty details."""
        found: list[Finding] = []
        order = {"warc": 0, "index": 1, "records": 2, "events": 3}
        rooms = {key: key.partition("/")[0] for key in self._plan.listed}
        for key in sorted(rooms, key=lambda key: (order.get(rooms[key], 9), key)):
            found += self._object(key, rooms[key])
        return found

    def _object(self, key: str, room: str) -> list[Finding]:
        readers = {"warc": self._warc_file, "index": self._index, "records": self._records, "events": self._events}
        readers["imports"] = _as_it_came
        try:
            passing = Passing(self._store.chunks(key), self._plan.on_bytes)
            details = _limited(key, self._store.place, readers[room](key, passing))
            passing.drain()
        except ObjectMissing:
            return [Finding(key, "missing", "it was listed and is gone now", self._store.place)]
        except (StorageError, OSError) as problem:
            return [unreadable(key, self._store.place, problem)]
        info, listed = passing.info(key), self._plan.listed[key]
        if (info.size_bytes, info.sha256) != (listed.size_bytes, listed.sha256):
            self._is_warc_damaged |= room == "warc"
            return [difference(self._store.place, listed, info), *details]
        if self._is_warc_damaged:
            # What is as it was written is not to blame for a WARC that is not.
            return [one for one in details if one.kind not in ("bad-index", "wrong-pointer")]
        return details

    # the WARC

    def _warc_file(self, key: str, chunks: Iterator[bytes]) -> Iterator[Finding]:
        warc = self._warc = _Warc(key)
        group = _Group(key.rpartition("/")[2])
        try:
            for record in stream_records(chunks, key):
                warc.end = record.offset + record.length
                warc.counts[record.record_type] += 1
                problems = [*record.problems, *group.problems(record), *self._keep(warc, record)]
                for problem in problems:
                    yield self._finding(key, "bad-record", problem, record.offset)
        except NotReadableWarc as problem:
            warc.whole = False
            yield self._finding(key, "bad-record", problem.problem, problem.offset)
            return
        if group.waiting:
            yield self._finding(key, "bad-record", f"an exchange lacks {min(group.waiting)}", warc.end)
        yield from self._wrong_counts(key, warc)

    def _keep(self, warc: _Warc, record: StreamedRecord) -> Iterator[str]:
        head = ScannedRecord(record.offset, record.length, record.fields, record.http_head)
        try:
            capture = capture_of(head, warc.key)
        except (KeyError, ValueError) as problem:
            yield f"it is no capture: {problem}"
            return
        if capture is not None:
            warc.captures[record.offset] = capture

    def _wrong_counts(self, key: str, warc: _Warc) -> Iterator[Finding]:
        stated = {name: count for name, count in self._plan.counts.items() if name in _TYPES}
        for name in sorted(stated.keys() | warc.counts.keys()):
            if stated and stated.get(name, 0) != warc.counts[name]:
                message = f"it holds {warc.counts[name]} {name} records, and its manifest states {stated.get(name, 0)}"
                yield self._finding(key, "wrong-counts", message)

    # the index

    def _index(self, key: str, chunks: Iterator[bytes]) -> Iterator[Finding]:
        warc, last, seen = self._warc, b"", set[int]()
        complete = True
        try:
            for number, line in enumerate(gzip_lines(chunks, key), 1):
                if line < last:
                    yield self._finding(key, "bad-index", f"line {number} is not in byte order")
                last = line
                try:
                    offset = parse_index_line(line).offset
                except ValueError as problem:
                    yield self._finding(key, "bad-index", f"line {number}: {problem}")
                    continue
                seen.add(offset)
                if warc is not None and (problem_found := self._index_problem(warc, offset, line)):
                    yield self._finding(key, "bad-index", f"line {number}: {problem_found}")
        except NotReadableWarc as broken:
            complete = False
            yield self._finding(key, "bad-index", broken.problem, broken.offset)
        if warc is not None and complete:
            for offset, capture in warc.captures.items():
                if offset not in seen and is_indexed(capture):
                    yield self._finding(key, "bad-index", f"it lacks {capture.url} at offset {offset} of the WARC")

    def _index_problem(self, warc: _Warc, offset: int, line: bytes) -> str:
        capture = warc.captures.get(offset)
        if capture is None:
            return f"no capture stands at offset {offset} of the WARC" if warc.reached(offset) else ""
        wanted = index_line(capture)
        if wanted is None:
            return f"what stands at offset {offset} of the WARC is not to be indexed"
        if wanted.removesuffix(b"\n") == line:
            return ""
        right, found = parse_index_line(wanted), parse_index_line(line)
        names = [name for name in right.__slots__ if getattr(right, name) != getattr(found, name)]
        return f"{', '.join(names)} not as at offset {offset} of the WARC" if names else ""

    # records and events

    def _lines(self, key: str, chunks: Iterator[bytes], found: list[Finding]) -> Iterator[tuple[int, bytes, Any]]:
        try:
            for number, line in enumerate(gzip_lines(chunks, key), 1):
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError as problem:
                    found.append(self._finding(key, "bad-line", f"line {number} is not JSON: {problem}"))
                    continue
                if isinstance(value, dict):
                    yield number, line, value
                else:
                    found.append(self._finding(key, "bad-line", f"line {number} is no JSON object"))
        except NotReadableWarc as broken:
            found.append(self._finding(key, "bad-line", broken.problem, broken.offset))

    def _records(self, key: str, chunks: Iterator[bytes]) -> Iterator[Finding]:
        found: list[Finding] = []
        for number, line, value in self._lines(key, chunks, found):
            where = value if value.get("type") == "Observation" else value.get("archive")
            if isinstance(where, dict) and where.get("filename") is not None:
                if problem := self._pointer_problem(where):
                    yield self._finding(key, "wrong-pointer", f"line {number}: {problem}")
                elif self._plan.on_line is not None and where is not value:
                    self._plan.on_line(self._store, key, line)
            yield from found
            found.clear()
        yield from found

    def _pointer_problem(self, where: Mapping[str, Any]) -> str:
        name, offset, length = where["filename"], where.get("offset"), where.get("length")
        if not isinstance(name, str) or not isinstance(offset, int) or not isinstance(length, int):
            return "its place in the WARC is not a name and two numbers"
        if self._warc is not None and self._warc.key == name:
            capture = self._warc.captures.get(offset)
            if capture is None:
                return f"no capture stands at offset {offset} of {name}" if self._warc.reached(offset) else ""
        elif not is_imported(name) and (name in self._plan.listed or segment_name(name) is None):
            return "" if name in self._plan.listed else f"{name[:_LINE_SHOWN]!r} is not the name of a WARC"
        else:
            try:
                capture = self._elsewhere(name, offset, length)
            except ObjectMissing:
                # Its own segment tells of it.
                return ""
            except (StorageError, OSError, KeyError, ValueError) as problem:
                return str(problem)
        return _disagreement(where, capture) if capture is not None else f"no capture stands at offset {offset}"

    def _elsewhere(self, key: str, offset: int, length: int) -> Capture | None:
        """The capture in another segment: a record may follow its exchange into the next one."""
        data = self._store.get_range(key, offset, length)
        if is_imported(key):
            return foreign_record(unpacked(data), key, offset, length).capture(key)
        return capture_of(scanned_record(Member(offset, length, unpack_member(data, key, offset)), key), key)

    def _events(self, key: str, chunks: Iterator[bytes]) -> Iterator[Finding]:
        found: list[Finding] = []
        for _, _, value in self._lines(key, chunks, found):
            if value.get("type") == "source-file" and isinstance(value.get("revision"), int):
                self.source_files[value["revision"]] = str(value.get("sha256", "")).removeprefix("sha256:")
        yield from found

    def _finding(self, key: str, kind: str, message: str, offset: int | None = None) -> Finding:
        return Finding(key, kind, message, self._store.place, offset)


def _as_it_came(key: str, chunks: Iterator[bytes]) -> Iterator[Finding]:  # noqa: ARG001 - the others want it
    """What others made is kept as it came: its digest is all that is to be right."""
    return iter(())


class _Group:
    """What records say of each other: one warcinfo at the start, ids once, exchanges that are whole."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._warcinfo: str | None = None
        self._ids: set[str] = set()
        self.waiting: set[str] = set()

    def problems(self, record: StreamedRecord) -> Iterator[str]:
        fields = record.fields
        record_id = fields.get("warc-record-id", "")
        if record_id in self._ids:
            yield f"{record_id} is the id of an earlier record"
        self._ids.add(record_id)
        self.waiting.discard(record_id)
        if record.record_type in ("request", "metadata") and (main := fields.get("warc-concurrent-to")):
            self.waiting.add(main)
        if record.offset == 0:
            self._warcinfo = record_id
            if record.record_type != "warcinfo" or fields.get("warc-filename") != self._filename:
                yield "the file does not begin with its own warcinfo record"
        elif fields.get("warc-warcinfo-id", self._warcinfo) != self._warcinfo:
            yield "it names another file's warcinfo record"


def _disagreement(where: Mapping[str, Any], capture: Capture) -> str:
    """The first thing that a record line says of its bytes and the bytes do not."""
    facts = {
        "length": capture.length,
        "recordId": capture.record_id,
        "payloadDigest": capture.payload_digest,
        "status": capture.status,
        "date": warc_date(capture.date),
    }
    for name, fact in facts.items():
        if name in where and where[name] != fact:
            return f"{name} is {fact!r} at offset {capture.offset}, not {where[name]!r}"
    return ""


def _limited(key: str, place: str, findings: Iterator[Finding]) -> list[Finding]:
    """The first findings, and how many more there are: one torn line may move all others."""
    kept: list[Finding] = []
    more = 0
    for finding in findings:
        if len(kept) < _MOST_DETAILS:
            kept.append(finding)
        else:
            more += 1
    if more:
        kept.append(Finding(key, kept[-1].kind, f"and {more} more of its lines or records", place))
    return kept
