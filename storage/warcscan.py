"""The records of a WARC file that Newsark wrote, and the captures they make, read from the bytes alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from storage.capture import Capture, CaptureType
from storage.errors import NotReadableWarc
from storage.exchange import Truncation, head_status
from storage.gzipmembers import Member, read_members
from storage.httpheads import media_type
from storage.timestamps import from_warc_date
from storage.warcfields import parse_field_lines

_HEAD_END = re.compile(rb"\n\r?\n")
_CAPTURES = ("response", "revisit", "metadata", "conversion")


@dataclass(frozen=True, slots=True)
class ScannedRecord:
    """One record and where it stands. `fields` has the first value of each field, names in lower case."""

    offset: int
    length: int
    fields: dict[str, str]
    block: bytes

    @property
    def record_type(self) -> str:
        """The WARC-Type."""
        return self.fields.get("warc-type", "")

    @property
    def ends_exchange(self) -> bool:
        """Whether the exchange it belongs to is whole with it; so is a warcinfo record by itself."""
        beside = self.record_type == "request" or "warc-concurrent-to" in self.fields
        return not beside


def scan_records(file: BinaryIO, filename: str, offset: int = 0) -> Iterator[ScannedRecord]:
    """Every record from `offset` on; raises NotReadableWarc at the first place where none stands whole."""
    for member in read_members(file, filename, offset):
        yield scanned_record(member, filename)


def scanned_record(member: Member, filename: str) -> ScannedRecord:
    """The record in a gzip member. Raises NotReadableWarc unless it is exactly one WARC record."""
    header, _, rest = member.data.partition(b"\r\n\r\n")
    if not header.startswith(b"WARC/1."):
        raise NotReadableWarc(filename, member.offset, "no WARC record starts there")
    fields: dict[str, str] = {}
    for name, value in parse_field_lines(header.partition(b"\r\n")[2]):
        fields.setdefault(name.lower(), value)
    length = fields.get("content-length", "")
    if not re.fullmatch(r"[0-9]{1,18}", length) or len(rest) != int(length) + 4 or rest[-4:] != b"\r\n\r\n":
        raise NotReadableWarc(filename, member.offset, f"the block is not of Content-Length {length!r}")
    return ScannedRecord(member.offset, member.length, fields, rest[:-4])


def capture_of(record: ScannedRecord, key: str) -> Capture | None:
    """The Capture that `Segment.append` gave for a record under `key`; None for records beside one, and for tombstones.

    Raises KeyError or ValueError when the record lacks what WARC asks of every record.
    """
    if not record.ends_exchange or record.record_type not in _CAPTURES:
        return None
    fields = record.fields
    if record.record_type == "metadata" and "warc-target-uri" not in fields:
        return None
    head = http_head(record.block) if record.record_type in ("response", "revisit") else None
    protocol = fields.get("warc-protocol")
    cut = fields.get("warc-truncated") if record.record_type == "response" else None
    return Capture(
        key=key,
        offset=record.offset,
        length=record.length,
        record_id=fields["warc-record-id"],
        record_type=cast(CaptureType, record.record_type),
        date=from_warc_date(fields["warc-date"]),
        url=fields.get("warc-target-uri", ""),
        status=None if head is None else head_status(head),
        mime=_type_of_document(record) if head is None else media_type(head),
        payload_digest=fields.get("warc-payload-digest"),
        block_digest=fields.get("warc-block-digest"),
        truncated=cast("Truncation | None", cut),
        ip_address=fields.get("warc-ip-address"),
        protocol=protocol if protocol and not protocol.startswith("tls/") else None,
        refers_to=fields.get("warc-refers-to"),
        http_head_bytes=None if head is None else len(head),
    )


def _type_of_document(record: ScannedRecord) -> str | None:
    """The media type of what a browser made; what tells of a failure has none."""
    is_document = record.record_type == "conversion"
    return record.fields.get("content-type", "").partition(";")[0].strip() or None if is_document else None


def http_head(block: bytes) -> bytes:
    """The HTTP head at the start of a block, its empty line included; all of the block when it has no end."""
    end = _HEAD_END.search(block)
    return block[: end.end()] if end else block
