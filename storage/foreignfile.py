"""The records of a WARC or ARC file that others wrote, one after the other; what cannot be read is told.

Files are read from this disk. Memory holds one record, and of a huge one its beginning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from storage.errors import NotReadableWarc
from storage.foreignrecord import (
    GZIP_MAGIC,
    HEAD_LIMIT_BYTES,
    KEPT_BYTES,
    ForeignRecord,
    end_of_record,
    foreign_record,
)
from storage.gzipmembers import BROKEN, new_decompressor

_WINDOW_BYTES = 64 * 1024
_SEARCH_BYTES = 1024 * 1024
_PROBE_BYTES = 512
_START = re.compile(rb"(?:^|\n)(?=WARC/[0-9.]{3,4}\r?\n|(?:https?://|ftp://|filedesc:|dns:)\S+ \S+ [0-9]{8,17} )")


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a file in which no record could be read, and why."""

    offset: int
    length: int
    reason: str


class SeveralRecords(Exception):
    """A gzip member holds more than one record: they cannot be pointed at where they are."""


@dataclass(frozen=True, slots=True)
class _Member:
    data: bytes
    length: int
    is_cut: bool
    problem: str | None


def read_records(file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[ForeignRecord | Gap]:
    """The records from `start` to `end`, and the gaps between them, in order.

    Raises SeveralRecords at a gzip member with more than one record: unpack the file first. Raises what the disk does.
    """
    if end is None:
        end = file.seek(0, os.SEEK_END)
    place = start
    while place < end:
        file.seek(place)
        magic = file.read(min(3, end - place))
        found = _packed(file, place, end) if magic == GZIP_MAGIC else _plain(file, place, end)
        yield found
        place = found.offset + found.length


def _packed(file: BinaryIO, place: int, end: int) -> ForeignRecord | Gap:
    member = _member(file, place, end)
    if member.problem is not None:
        return _gap(file, place, end, member.problem)
    if not member.data.strip():
        return Gap(place, member.length, "an empty gzip member")
    try:
        record = foreign_record(member.data, "", place, member.length, is_cut=member.is_cut)
    except NotReadableWarc as problem:
        return Gap(place, member.length, problem.problem)
    stop = end_of_record(member.data, record)
    if stop is not None and stop < len(member.data) and _START.match(member.data[stop : stop + _PROBE_BYTES]):
        raise SeveralRecords
    return record


def _member(file: BinaryIO, place: int, end: int) -> _Member:
    """The gzip member there; more than can be kept of it is unpacked and thrown away, to find its end."""
    file.seek(place)
    decompressor, pieces, size, taken, is_cut = new_decompressor(), list[bytes](), 0, 0, False
    while not decompressor.eof:
        window = file.read(min(_WINDOW_BYTES, end - place - taken))
        if not window:
            return _Member(b"".join(pieces), taken, is_cut, "the gzip member is cut short")
        taken += len(window)
        while window and not decompressor.eof:
            try:
                piece = decompressor.decompress(window, _SEARCH_BYTES)
            except BROKEN as error:
                return _Member(b"".join(pieces), taken, is_cut, f"the gzip member is damaged: {error}")
            window = decompressor.unconsumed_tail
            if size < KEPT_BYTES:
                pieces.append(piece)
                size += len(piece)
            else:
                is_cut = is_cut or bool(piece)
    return _Member(b"".join(pieces), taken - len(decompressor.unused_data), is_cut, None)


def _plain(file: BinaryIO, place: int, end: int) -> ForeignRecord | Gap:
    file.seek(place)
    head = file.read(min(HEAD_LIMIT_BYTES, end - place))
    blank = len(head) - len(head.lstrip(b"\r\n"))
    if blank:
        return (
            Gap(place, blank, "empty lines")
            if blank < len(head) or place + blank == end
            else _gap(file, place, end, "")
        )
    try:
        record = foreign_record(head, "", place, len(head), is_cut=True)
    except NotReadableWarc as problem:
        return _gap(file, place, end, problem.problem)
    stop = end_of_record(head, record)
    if stop is None or place + stop > end:
        # no length that can be right: the record ends where the next one begins
        following = _next_start(file, place + 1, end)
        data = _read(file, place, following)
        found = foreign_record(data, "", place, following - place, is_cut=following - place > len(data))
        told = found.problem or f"its Content-Length leads beyond the end of the file, at {end}"
        return ForeignRecord(place, following - place, found.fields, found.block, found.is_cut, told, found.is_arc)
    stop = place + stop
    stop = _after_blank(file, stop, end)
    if stop < end and not _begins(file, stop, end):
        following = _next_start(file, place + 1, end)
        data = _read(file, place, following)
        record = foreign_record(data, "", place, following - place, is_cut=following - place > len(data))
        told = "no record begins where it ends by its Content-Length"
        return ForeignRecord(place, following - place, record.fields, record.block, record.is_cut, told, record.is_arc)
    data = _read(file, place, stop)
    return foreign_record(data, "", place, stop - place, is_cut=stop - place > len(data))


def _read(file: BinaryIO, place: int, stop: int) -> bytes:
    file.seek(place)
    return file.read(min(stop - place, KEPT_BYTES))


def _after_blank(file: BinaryIO, place: int, end: int) -> int:
    """The place after the line ends that stand there: at most the two that end a record."""
    file.seek(place)
    follows = file.read(min(4, end - place))
    return place + len(follows) - len(follows.lstrip(b"\r\n"))


def _begins(file: BinaryIO, place: int, end: int) -> bool:
    file.seek(place)
    return _START.match(file.read(min(_PROBE_BYTES, end - place))) is not None


def _gap(file: BinaryIO, place: int, end: int, reason: str) -> Gap:
    return Gap(place, _next_start(file, place + 1, end) - place, reason)


def _next_start(file: BinaryIO, place: int, end: int) -> int:
    """Where the next record begins, packed or plain; the end when none does."""
    while place < end:
        file.seek(place)
        window = file.read(min(_SEARCH_BYTES, end - place))
        starts = [found.end() for found in _START.finditer(window)]
        starts += [found.start() for found in re.finditer(re.escape(GZIP_MAGIC), window)]
        for start in sorted(starts):
            if window[start : start + 3] != GZIP_MAGIC or _is_packed_record(file, place + start, end):
                return place + start
        if len(window) < _SEARCH_BYTES:
            return end
        # what begins at the end of one window is seen whole in the next
        place += len(window) - _PROBE_BYTES
    return end


def _is_packed_record(file: BinaryIO, place: int, end: int) -> bool:
    file.seek(place)
    try:
        begin = new_decompressor().decompress(file.read(min(2 * _PROBE_BYTES, end - place)), _PROBE_BYTES)
    except BROKEN:
        return False
    return _START.match(begin) is not None
