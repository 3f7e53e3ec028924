"""All records of one exchange, as the bytes they are stored in: what stands beside a capture's record, then that."""

from __future__ import annotations

from storage.capture import Capture
from storage.errors import NotReadableWarc
from storage.gzipmembers import BROKEN, Member, gzip_member, new_decompressor, unpack_member
from storage.importnames import is_imported
from storage.objects import Readable
from storage.warcfields import parse_field_lines
from storage.warcscan import scanned_record

_GZIP = b"\x1f\x8b\x08"
WINDOW_BYTES = 64 * 1024
"""A request and what is told of an exchange are small; beside records that need more are not looked for."""


def exchange_members(store: Readable, capture: Capture) -> tuple[bytes, ...]:
    """The gzip members of an exchange in their order, the capture's own last, byte for byte as they are stored.

    Of what others made it is the one record, packed where it was not. Raises ObjectMissing and NotReadableWarc.
    """
    start = 0 if is_imported(capture.key) else max(capture.offset - WINDOW_BYTES, 0)
    if is_imported(capture.key):
        data = store.get_range(capture.key, capture.offset, capture.length)
        return (_whole(data, capture) if data.startswith(_GZIP) else gzip_member([data]),)
    data = store.get_range(capture.key, start, capture.offset - start + capture.length)
    before, main = data[: capture.offset - start], data[capture.offset - start :]
    return (*_beside(before, capture), _whole(main, capture))


def told_beside(store: Readable, capture: Capture) -> list[tuple[str, str]]:
    """What the metadata record beside a capture's record tells, in order; nothing where there is none. Raises as
    `exchange_members` does."""
    if is_imported(capture.key):
        return []
    for member in exchange_members(store, capture)[:-1]:
        unpacked = unpack_member(member, capture.key, capture.offset)
        record = scanned_record(Member(capture.offset, len(member), unpacked), capture.key)
        if record.record_type == "metadata":
            return parse_field_lines(record.block)
    return []


def _whole(data: bytes, capture: Capture) -> bytes:
    if len(data) != capture.length:
        raise NotReadableWarc(capture.key, capture.offset, "the file ends within the record")
    return data


def _beside(before: bytes, capture: Capture) -> list[bytes]:
    """The members at the end of these bytes whose records belong to the capture's."""
    found: list[bytes] = []
    end = place = len(before)
    while (place := before.rfind(_GZIP, 0, place)) >= 0:
        data = before[place:end]
        unpacked = _unpacked(data)
        if unpacked is None:
            continue
        try:
            record = scanned_record(Member(place, len(data), unpacked), capture.key)
        except NotReadableWarc:
            continue
        if record.fields.get("warc-concurrent-to") != capture.record_id:
            break
        found.insert(0, data)
        end = place
    return found


def _unpacked(data: bytes) -> bytes | None:
    """What a member unpacks to, None unless it is one, whole, and ends with these bytes."""
    decompressor = new_decompressor()
    try:
        unpacked = decompressor.decompress(data, 1 << 20)
    except BROKEN:
        return None
    return unpacked if decompressor.eof and not decompressor.unused_data else None
