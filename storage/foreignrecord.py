"""One record of a WARC or ARC file that others wrote, from its bytes: read as far as it can be understood."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from warcio.bufferedreaders import ChunkedDataReader

from storage.capture import Capture, CaptureType
from storage.errors import NotReadableWarc
from storage.exchange import head_status, parse_header_lines
from storage.gzipmembers import BROKEN, new_decompressor
from storage.httpheads import media_type
from storage.importnames import sha256_of
from storage.timestamps import from_timestamp, from_warc_date
from storage.warcfields import parse_field_lines

GZIP_MAGIC = b"\x1f\x8b\x08"
HEAD_LIMIT_BYTES = 64 * 1024
KEPT_BYTES = 64 * 1024 * 1024
"""So much of a record is held in memory: more than any page that is read."""

MAX_ID_CHARS = 64
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_HTTP_HEAD_END = re.compile(rb"\n\r?\n")
_ARC_LINE = re.compile(
    rb"(?P<url>[a-z]+:\S+) (?P<ip>\S+) (?P<date>[0-9]{8,17})(?: (?P<rest>[^\r\n]*?))? (?P<length>[0-9]{1,18})\r?\n"
)
_EXCHANGES = ("response", "revisit", "resource")
_NONE = ("", "0.0.0.0", "-")  # noqa: S104 - what ARC files write for an address that is not known


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """A record and where it stands in its file. `block` may be its beginning only when it is `cut`.

    `fields` has the first value of each WARC field, names in lower case; an ARC record's stand under WARC's names.
    `problem` says what is wrong with a record that can be read all the same.
    """

    offset: int
    length: int
    fields: dict[str, str]
    block: bytes
    is_cut: bool = False
    problem: str | None = None
    is_arc: bool = False

    @property
    def record_type(self) -> str:
        """The WARC-Type in lower case; `response` for what an ARC file holds, `warcinfo` for its first record."""
        return self.fields.get("warc-type", "").lower()

    @property
    def http_head(self) -> bytes:
        """The HTTP head at the start of the block, its empty line included; empty where there is none."""
        if self.record_type not in ("response", "revisit") or not self.block.startswith(b"HTTP/"):
            return b""
        end = _HTTP_HEAD_END.search(self.block)
        return self.block[: end.end()] if end else self.block

    @property
    def body(self) -> bytes:
        """The entity-body without its transfer-coding, content-encoding kept."""
        body = self.block[len(self.http_head) :]
        codings = [value for name, value in parse_header_lines(self.http_head) if name.lower() == "transfer-encoding"]
        if "chunked" not in ", ".join(codings).lower():
            return body
        unchunked: bytes = ChunkedDataReader(BytesIO(body)).read()
        return unchunked

    @property
    def url(self) -> str:
        """The address it is about; wget of old wrote it in angle brackets."""
        return self.fields.get("warc-target-uri", "").strip("<>")

    @property
    def is_exchange(self) -> bool:
        """Whether it stands for a visit to a web page: something that an archive shows."""
        if self.record_type not in _EXCHANGES or not self.url.startswith(("http://", "https://")):
            return False
        return self.record_type == "resource" or bool(self.http_head) or self.record_type == "revisit"

    def date(self) -> datetime:
        """When the visit was. Raises ValueError when the record does not say it."""
        text = self.fields.get("warc-date", "")
        try:
            return from_warc_date(text)
        except ValueError:
            pass
        if text.isdecimal():
            return from_timestamp(text[:14].ljust(14, "0") if len(text) < 14 else text[:14])
        date = datetime.fromisoformat(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)

    def record_id(self, key: str) -> str:
        """Its WARC-Record-ID; one that is made of file and place where there is none that fits."""
        told = self.fields.get("warc-record-id", "")
        if told and len(told) <= MAX_ID_CHARS:
            return told if told.startswith("<") else f"<{told}>"[:MAX_ID_CHARS]
        return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{sha256_of(key)}:{self.offset}')}>"

    def capture(self, key: str) -> Capture:
        """The exchange as a capture under the key of its file. Raises ValueError when it names no date."""
        head = self.http_head
        address = self.fields.get("warc-ip-address", "")
        kind: CaptureType = "revisit" if self.record_type == "revisit" else "response"
        told = self.fields.get("content-type", "").partition(";")[0].strip().lower() or None
        return Capture(
            key=key,
            offset=self.offset,
            length=self.length,
            record_id=self.record_id(key),
            record_type=kind,
            date=self.date(),
            url=self.url,
            status=head_status(head) if head else (200 if self.record_type == "resource" else None),
            mime=media_type(head) if head else (told if self.record_type == "resource" else None),
            payload_digest=(self.fields.get("warc-payload-digest") or "")[:80] or None,
            truncated="unspecified" if "warc-truncated" in self.fields else None,
            ip_address=None if address in _NONE else address[:64],
            refers_to=(self.fields.get("warc-refers-to") or "")[:MAX_ID_CHARS] or None,
            http_head_bytes=len(head) or None,
        )


def foreign_record(data: bytes, where: str, offset: int, length: int, *, is_cut: bool = False) -> ForeignRecord:
    """The record at the start of unpacked bytes; what follows it is left alone. `is_cut` says that more would follow.

    Raises NotReadableWarc, naming `where`, when neither a WARC nor an ARC record stands there.
    """
    if data.startswith(b"WARC/"):
        return _warc_record(data, where, offset, length, is_cut=is_cut)
    found = _ARC_LINE.match(data[:HEAD_LIMIT_BYTES])
    if found is None:
        raise NotReadableWarc(where, offset, "no WARC or ARC record starts there")
    text = {name: (value or b"").decode("utf-8", "replace") for name, value in found.groupdict().items()}
    fields = {
        "warc-type": "warcinfo" if text["url"].startswith("filedesc:") else "response",
        "warc-target-uri": text["url"],
        "warc-date": text["date"],
        "warc-ip-address": text["ip"],
        "content-length": text["length"],
    }
    return _cut(fields, data[found.end() :], offset, length, is_cut=is_cut, is_arc=True)


def _warc_record(data: bytes, where: str, offset: int, length: int, *, is_cut: bool) -> ForeignRecord:
    end = _HEAD_END.search(data, 0, HEAD_LIMIT_BYTES)
    if end is None:
        raise NotReadableWarc(where, offset, "the record's head has no end")
    fields: dict[str, str] = {}
    for name, value in parse_field_lines(data[: end.start()].partition(b"\n")[2]):
        fields.setdefault(name.lower(), value.strip())
    return _cut(fields, data[end.end() :], offset, length, is_cut=is_cut, is_arc=False)


def _cut(fields: dict[str, str], rest: bytes, offset: int, length: int, *, is_cut: bool, is_arc: bool) -> ForeignRecord:
    """The record with as much of its block as its Content-Length names and is there."""
    told = fields.get("content-length", "")
    if not re.fullmatch("[0-9]{1,18}", told):
        what = f"its Content-Length is {told!r}" if told else "it has no Content-Length"
        return ForeignRecord(offset, length, fields, rest.removesuffix(b"\r\n\r\n"), is_cut, what, is_arc)
    size, problem = int(told), None
    if size > len(rest) and not is_cut:
        problem = f"its Content-Length is {size}, and {len(rest)} bytes are there"
    return ForeignRecord(offset, length, fields, rest[:size], is_cut and size > len(rest), problem, is_arc)


def end_of_record(data: bytes, record: ForeignRecord) -> int | None:
    """Where the record ends in the unpacked bytes that it was read from, the empty lines after it included; None when
    it says no length that can be right."""
    told = record.fields.get("content-length", "")
    if record.problem is not None or not told.isdecimal():
        return None
    found = _ARC_LINE.match(data) if record.is_arc else _HEAD_END.search(data, 0, HEAD_LIMIT_BYTES)
    assert found is not None
    end = found.end() + int(told)
    for _ in range(2):
        end += 2 if data[end : end + 2] == b"\r\n" else 1 if data[end : end + 1] == b"\n" else 0
    return end


def unpacked(data: bytes, limit_bytes: int = KEPT_BYTES) -> bytes:
    """What a gzip member's bytes unpack to, up to a limit; bytes that are none as they are. Never raises: what is
    damaged gives what comes before the damage."""
    if not data.startswith(GZIP_MAGIC):
        return data[:limit_bytes]
    decompressor, pieces, size = new_decompressor(), list[bytes](), 0
    try:
        while data and not decompressor.eof and size < limit_bytes:
            pieces.append(decompressor.decompress(data[:65536], limit_bytes - size))
            size += len(pieces[-1])
            data = decompressor.unconsumed_tail + data[65536:]
    except BROKEN:
        pass
    return b"".join(pieces)
