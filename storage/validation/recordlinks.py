"""What records of one file say about each other: ids, capture events, revisits, warcinfo records, segments.

For each record some 300 bytes are kept, whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.validation.faults import FaultLog
from storage.validation.fieldsyntax import Digest, date_problem, is_of_nothing
from storage.validation.recordheader import RecordHeader
from storage.validation.recordrules import BESIDE_NO_EVENT, NOT_MODIFIED, block_length, profile_of, target_of


@dataclass(frozen=True, slots=True)
class Record:
    """What of a record others may refer to. Texts that are only compared stand there as hashes."""

    number: int
    offset: int
    kind: str
    date: str
    target: int
    payload: tuple[str | None, int] | None
    method: str | None = None


@dataclass(slots=True)
class _Segments:
    first: Record | None
    last_number: int
    bytes_so_far: int | None
    ended: bool = False


class RecordLinks:
    """Takes the records of a file in their order, and tells the log where they contradict each other."""

    def __init__(self, log: FaultLog) -> None:
        self._log = log
        self._known: dict[int, Record] = {}
        self._expected: dict[int, list[Record]] = {}
        self._warcinfos_expected: dict[int, tuple[Record, str]] = {}
        self._lengths: dict[int, int | None] = {}
        self._segments: dict[int, _Segments] = {}
        self._short: dict[int, tuple[Record, str]] = {}
        self._heads: set[int] = set()
        self._only_warcinfo = True

    def add(
        self, number: int, offset: int, header: RecordHeader, payload: Digest | None, method: str | None = None
    ) -> None:
        """Take the next record; `method` is that of the HTTP request in it."""
        values = header.values
        known = (payload.algorithm, hash(payload.value)) if payload and payload.value is not None else None
        date = values.get("warc-date", "")
        record = Record(number, offset, header.record_type, date, hash(target_of(header)), known, method)
        if number == 1 and record.kind != "warcinfo":
            self._tell("warcinfo-first", "the first record is no warcinfo record", record)
        key = _key(values.get("warc-record-id", ""))
        if key is not None:
            self._add_id(key, record)
        self._add_event(key, record, header)
        self._add_warcinfo(header, record)
        if record.kind == "revisit":
            self._check_revisit(header, record, payload)
        self._add_segment(key, header, record)
        self._only_warcinfo = self._only_warcinfo and record.kind == "warcinfo"

    def add_short(self, header: RecordHeader, number: int, offset: int, message: str) -> None:
        """Take a response that has a Content-Length and no body: right only where HEAD was asked."""
        key = _key(header.values.get("warc-record-id", ""))
        record = Record(number, offset, header.record_type, "", 0, None)
        self._short[number if key is None else key] = (record, message)

    def close(self, *, lost: bool) -> None:
        """Tell what is left open at the end of the file; when records were lost, nothing is missed."""
        if not lost:
            self._tell_absent()
        for key, (record, message) in self._short.items():
            if key not in self._heads:
                self._tell("http-truncated", message, record)

    def _tell_absent(self) -> None:
        for records in self._expected.values():
            for record in records:
                self._tell("concurrent-absent", "a record of the same event is not in this file", record)
        for record, warcinfo_id in self._warcinfos_expected.values():
            self._tell("warcinfo-absent", f"{warcinfo_id} is no warcinfo record of this file", record)

    def _tell(self, rule: str, message: str, record: Record) -> None:
        self._log.add(rule, message, record.number, record.offset)

    def _add_id(self, key: int, record: Record) -> None:
        before = self._known.get(key)
        if before is not None:
            self._tell("record-id-repeated", f"record {before.number} has the same id", record)
            return
        self._known[key] = record
        for other in self._expected.pop(key, []):
            self._check_event(other, record)
        waiting = self._warcinfos_expected.pop(key, None)
        if waiting is not None and record.kind != "warcinfo":
            self._warcinfos_expected[key] = waiting

    def _add_event(self, key: int | None, record: Record, header: RecordHeader) -> None:
        if record.kind in BESIDE_NO_EVENT:
            return
        for text in header.all_of("warc-concurrent-to"):
            other = _key(text)
            if other is None:
                continue
            if record.method == "HEAD":
                self._heads.add(other)
            found = self._known.get(other)
            if found is None:
                self._expected.setdefault(other, []).append(record)
                continue
            self._check_event(record, found)
            if found.method == "HEAD" and key is not None:
                self._heads.add(key)

    def _check_event(self, record: Record, other: Record) -> None:
        if record.date != other.date:
            told = f"record {other.number} of the same event has the date {other.date}, this one {record.date}"
            self._tell("concurrent-date", told, record)
        if record.target != other.target:
            told = f"record {other.number} of the same event has another target URI"
            self._tell("concurrent-target", told, record)

    def _add_warcinfo(self, header: RecordHeader, record: Record) -> None:
        text = header.values.get("warc-warcinfo-id", "")
        key = _key(text)
        if key is None or record.kind == "warcinfo":
            return
        found = self._known.get(key)
        if found is None or found.kind != "warcinfo":
            # told once: all records of a file mostly name the same
            self._warcinfos_expected.setdefault(key, (record, text))

    def _check_revisit(self, header: RecordHeader, record: Record, payload: Digest | None) -> None:
        profile = profile_of(header)
        key = _key(header.values.get("warc-refers-to", ""))
        found = self._known.get(key) if key is not None else None
        if found is None or found is record:
            if profile == NOT_MODIFIED and payload and is_of_nothing(payload):
                self._tell("revisit-empty-digest", "the payload digest is that of nothing", record)
            return
        if found.kind not in ("response", "resource", "conversion"):
            told = f"record {found.number}, which it refers to, holds no content: it is a {found.kind}"
            self._tell("revisit-of-revisit", told, record)
            return
        if profile is not None:
            self._compare(header, record, found)

    def _compare(self, header: RecordHeader, record: Record, found: Record) -> None:
        target = header.values.get("warc-refers-to-target-uri")
        if target is not None and hash(target.strip("<>")) != found.target:
            self._tell("revisit-mismatch", f"the target URI of record {found.number} is another one", record)
        date = header.values.get("warc-refers-to-date")
        if date is not None and date != found.date and not date_problem(date, is_1_0=False):
            self._tell("revisit-mismatch", f"the date of record {found.number} is {found.date}", record)
        mine, other = record.payload, found.payload
        if mine and other and mine[0] == other[0] and mine[1] != other[1]:
            told = f"record {found.number}, which it refers to, has another payload digest"
            self._tell("revisit-digest", told, record)

    def _add_segment(self, key: int | None, header: RecordHeader, record: Record) -> None:
        number = header.values.get("warc-segment-number", "")
        length = block_length(header)
        if record.kind != "continuation":
            if number == "1" and not self._only_warcinfo:
                self._tell("segment-place", "records other than a warcinfo stand before this first segment", record)
            if key is not None and number:
                self._segments[key] = _Segments(record, 1, length)
            return
        origin = _key(header.values.get("warc-segment-origin-id", ""))
        if origin is None or not _is_number(number):
            return
        series = self._segments.get(origin)
        if series is None:
            first = self._known.get(origin)
            if first is not None:
                told = f"record {first.number}, where it begins, has no WARC-Segment-Number"
                self._tell("segment-origin", told, record)
            self._segments[origin] = _Segments(None, int(number[:18]), None)
            series = self._segments[origin]
        else:
            self._check_segment(series, header, record, int(number[:18]))
        series.ended = "warc-segment-total-length" in header.values

    def _check_segment(self, series: _Segments, header: RecordHeader, record: Record, number: int) -> None:
        if number != series.last_number + 1:
            told = f"segment {number} follows segment {series.last_number} of the same record"
            self._tell("segment-order", told, record)
        if series.ended:
            self._tell("segment-total", "a segment before this one has the total length", record)
        if series.first is not None:
            if record.target != series.first.target:
                told = f"record {series.first.number}, its first segment, has another target URI"
                self._tell("segment-target", told, record)
            if series.last_number == 1:
                told = f"its first segment is record {series.first.number} of the same file"
                self._tell("segment-needless", told, record)
        length = block_length(header)
        known = series.bytes_so_far is not None and length is not None
        series.bytes_so_far = (series.bytes_so_far or 0) + (length or 0) if known else None
        series.last_number = number
        total = header.values.get("warc-segment-total-length", "")
        if series.bytes_so_far is not None and _is_number(total) and int(total[:18]) != series.bytes_so_far:
            told = f"the segments have {series.bytes_so_far} bytes together, not {total[:18]}"
            self._tell("segment-total", told, record)


def _key(text: str) -> int | None:
    """A number for an id, the same with and without angle brackets; None for no id."""
    return hash(text.strip("<>")) if text else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
