"""A stored exchange read back from the bytes of a store, every digest verified."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO

from warcio.bufferedreaders import ChunkedDataReader

from storage.capture import Capture
from storage.errors import DigestMismatch, NotReadableWarc
from storage.exchange import head_status, parse_header_lines
from storage.foreignrecord import ForeignRecord, foreign_record, unpacked
from storage.gzipmembers import Member, unpack_member
from storage.importnames import is_imported
from storage.objects import Readable
from storage.timestamps import from_warc_date
from storage.warcfields import parse_field_lines
from storage.warcscan import ScannedRecord, http_head, scanned_record

_HTTP_TYPES = ("response", "revisit", "request")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a revisit says about its original: enough to find it in a catalogue or an index."""

    target_uri: str
    date: datetime | None
    record_id: str | None
    payload_digest: str | None


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """A record read back. `http_head` is empty on records that are no HTTP message.

    `payload` is the entity-body as sent, content-encoding kept; for other records it is the block; on a
    revisit it is the original's, or None when no `resolve` was given. `original` is the record a revisit was
    resolved to.
    """

    record_type: str
    record_id: str
    target_uri: str
    date: datetime
    warc_fields: dict[str, str]
    http_head: bytes
    payload: bytes | None
    reference: Reference | None = None
    original: StoredExchange | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status of this record itself: 304 on a revisit that the server asserted."""
        return head_status(self.http_head)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The HTTP header fields of this record, in order; of what a browser made its Content-Type."""
        if self.record_type == "conversion":
            return [("Content-Type", self.warc_fields.get("content-type", ""))]
        return parse_header_lines(self.http_head)

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """The fields of an application/warc-fields record, in order; empty for other records."""
        is_fields = self.warc_fields.get("content-type", "").startswith("application/warc-fields")
        return parse_field_lines(self.payload) if is_fields and self.payload else []


Resolve = Callable[[Reference], Capture | None]


def read_capture(
    store: Readable, key: str, offset: int, length: int, *, resolve: Resolve | None = None
) -> StoredExchange:
    """The record that is the gzip member at `offset`, `length` bytes long, of the WARC under `key`.

    What others wrote need not be a gzip member, and is not held against the digests that they wrote. A revisit's
    payload is read from the Capture that `resolve` finds for its reference. Raises ObjectMissing,
    NotReadableWarc (no whole record there, or an original that cannot be found) and DigestMismatch.
    """
    data = store.get_range(key, offset, length)
    if is_imported(key):
        stored = _imported(foreign_record(unpacked(data), key, offset, length), key)
    else:
        stored = _stored(scanned_record(Member(offset, length, unpack_member(data, key, offset)), key), key)
    if stored.reference is None or resolve is None:
        return stored
    found = resolve(stored.reference)
    if found is None:
        raise NotReadableWarc(key, offset, f"the original of this revisit, {stored.reference}, is not known")
    if found.record_type == "revisit":
        raise NotReadableWarc(key, offset, f"the original of this revisit is a revisit itself, {found.record_id}")
    original = read_capture(store, found.key, found.offset, found.length)
    wanted = stored.reference.payload_digest if not is_imported(key) else None
    if wanted and original.payload is not None and not _matches(wanted, original.payload):
        raise DigestMismatch(f"the payload of {found.record_id}", wanted, _digest(wanted, original.payload))
    return replace(stored, payload=original.payload, original=original)


def _imported(record: ForeignRecord, key: str) -> StoredExchange:
    """A record that others wrote, as far as it can be understood."""
    try:
        date = record.date()
    except ValueError as error:
        raise NotReadableWarc(key, record.offset, str(error)) from error
    is_revisit = record.record_type == "revisit"
    head = record.http_head
    told = record.fields.get("content-type", "")
    if not head and record.record_type == "resource":
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {told}\r\n\r\n".encode("latin-1", "replace")
    return StoredExchange(
        record_type=record.record_type,
        record_id=record.record_id(key),
        target_uri=record.url,
        date=date,
        warc_fields=record.fields,
        http_head=head,
        payload=None if is_revisit else record.body,
        reference=reference_of(record.fields) if is_revisit else None,
    )


def _stored(record: ScannedRecord, key: str) -> StoredExchange:
    fields, block = record.fields, record.block
    what = f"{key} at offset {record.offset}"
    _verify(f"the block of {what}", fields.get("warc-block-digest"), block)
    is_http = record.record_type in _HTTP_TYPES and fields.get("content-type", "").startswith("application/http")
    head = http_head(block) if is_http else b""
    payload: bytes | None = _entity_body(head, block[len(head) :]) if is_http else block
    reference = None
    if record.record_type == "revisit":
        payload, reference = None, reference_of(fields)
    elif payload is not None and not _matches_either(fields, payload, block[len(head) :]):
        wanted = fields["warc-payload-digest"]
        raise DigestMismatch(f"the payload of {what}", wanted, _digest(wanted, payload))
    try:
        date = from_warc_date(fields.get("warc-date", ""))
    except ValueError as error:
        raise NotReadableWarc(key, record.offset, str(error)) from error
    return StoredExchange(
        record_type=record.record_type,
        record_id=fields.get("warc-record-id", ""),
        target_uri=fields.get("warc-target-uri", "").strip("<>"),
        date=date,
        warc_fields=fields,
        http_head=head,
        payload=payload,
        reference=reference,
    )


def _entity_body(head: bytes, body: bytes) -> bytes:
    """The body without its transfer-coding: other writers keep chunked bodies as they came."""
    codings = [value.lower() for name, value in parse_header_lines(head) if name.lower() == "transfer-encoding"]
    if "chunked" not in ", ".join(codings):
        return body
    unchunked: bytes = ChunkedDataReader(BytesIO(body)).read()
    return unchunked


def _date_or_none(text: str | None) -> datetime | None:
    """A date that only helps to find the original; one that cannot be read does not."""
    try:
        return from_warc_date(text) if text else None
    except ValueError:
        return None


def reference_of(fields: dict[str, str]) -> Reference:
    """What the WARC fields of a revisit, names in lower case, say of its original."""
    date = _date_or_none(fields.get("warc-refers-to-date"))
    return Reference(
        target_uri=(fields.get("warc-refers-to-target-uri") or fields.get("warc-target-uri", "")).strip("<>"),
        date=date,
        record_id=fields.get("warc-refers-to"),
        payload_digest=fields.get("warc-payload-digest"),
    )


def _matches_either(fields: dict[str, str], payload: bytes, framed: bytes) -> bool:
    """Whether the payload digest is right; some writers take it over the chunks as framed (warcio #74)."""
    wanted = fields.get("warc-payload-digest")
    return wanted is None or _matches(wanted, payload) or (framed != payload and _matches(wanted, framed))


def _verify(what: str, wanted: str | None, data: bytes) -> None:
    if wanted is not None and not _matches(wanted, data):
        raise DigestMismatch(what, wanted, _digest(wanted, data))


def _matches(wanted: str, data: bytes) -> bool:
    found = _digest(wanted, data)
    return not found or found == wanted or found.lower() == wanted.lower()


def _digest(wanted: str, data: bytes) -> str:
    """The digest of the data, written as `wanted` is; empty when its algorithm is not known."""
    label, _, value = wanted.partition(":")
    algorithm = re.sub(r"[^a-z0-9]", "", label.lower())
    if algorithm not in ("sha1", "sha256", "sha512", "md5"):
        return ""
    digest = hashlib.new(algorithm, data, usedforsecurity=False)
    if len(value) == digest.digest_size * 2:
        return f"{label}:{digest.hexdigest()}"
    return f"{label}:{base64.b32encode(digest.digest()).decode('ascii').rstrip('=')}"
