"""What stands in a WARC where records were erased: one record as long as they were, so that nothing else moves."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime

from storage.digests import sha256_digest
from storage.erasing.erasureerrors import TooSmall
from storage.timestamps import warc_date
from storage.warcrecords import WarcRecord

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_EXTRA_HEAD = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x02\xff"
_TRAILER_BYTES = 8
_STORED_LIMIT = 65535
_BLOCK_OVERHEAD = 5
_PAD = "-"


def tombstone(length: int, record_id: str, at: datetime, erasure_id: str) -> bytes:
    """A gzip member of exactly that length: a `metadata` record without a target that names the erasure.

    It is stored without compression, padded inside; a short one is packed, and padded in the gzip header's extra field
    (RFC 1952, 2.3.1.1). Raises TooSmall when it does not fit.
    """
    blocks = max(1, -(-length // (_STORED_LIMIT + _BLOCK_OVERHEAD)))
    size = length - len(_HEAD) - _TRAILER_BYTES - _BLOCK_OVERHEAD * blocks
    record = _padded(size, record_id, at, erasure_id)
    return _packed(length, record_id, at, erasure_id) if record is None else _stored(record, blocks)


def _padded(size: int, record_id: str, at: datetime, erasure_id: str) -> bytes | None:
    """The record in exactly so many bytes; None when it does not fit."""
    padding = max(0, size - len(_record(record_id, at, erasure_id, 0)))
    for _ in range(4):
        record = _record(record_id, at, erasure_id, padding)
        if len(record) == size:
            return record
        # the length of the block is itself written in digits
        padding += size - len(record)
        if padding < 0:
            return None
    # where one digit more is one byte too many, another field takes it up
    record = _record(record_id, at, erasure_id, padding - 1, spare=True)
    return record if len(record) == size else None


def _record(record_id: str, at: datetime, erasure_id: str, padding: int, *, spare: bool = False) -> bytes:
    told = f"erased: {erasure_id}\r\n" + (f"padding: {_PAD * padding}\r\n" if padding > 0 else "")
    block = told.encode("ascii")
    fields = (
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", record_id),
        ("WARC-Date", warc_date(at)),
        ("Content-Type", "application/warc-fields" + (" " if spare else "")),
        ("WARC-Block-Digest", sha256_digest(block)),
        ("Content-Length", str(len(block))),
    )
    return b"".join(WarcRecord("metadata", fields, (block,)).pieces())


def _stored(record: bytes, blocks: int) -> bytes:
    parts, step = [], -(-len(record) // blocks)
    for number in range(blocks):
        part = record[number * step : (number + 1) * step]
        is_last = number == blocks - 1
        parts.append(struct.pack("<BHH", is_last, len(part), len(part) ^ 0xFFFF) + part)
    return _HEAD + b"".join(parts) + _trailer(record)


def _packed(length: int, record_id: str, at: datetime, erasure_id: str) -> bytes:
    record = _record(record_id, at, erasure_id, 0)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(record) + packer.flush()
    bare = len(_EXTRA_HEAD) + 2 + len(packed) + _TRAILER_BYTES
    left = length - bare - 4
    if left < 0 or left > _STORED_LIMIT - 4:
        raise TooSmall(length, bare + 4)
    # a subfield (RFC 1952) of our own, which readers pass over
    extra = b"nw" + struct.pack("<H", left) + b"\0" * left
    return _EXTRA_HEAD + struct.pack("<H", len(extra)) + extra + packed + _trailer(record)


def _trailer(record: bytes) -> bytes:
    return struct.pack("<II", zlib.crc32(record), len(record) & 0xFFFFFFFF)
