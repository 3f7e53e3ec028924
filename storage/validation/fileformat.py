"""What kind of file it is, told by its first bytes."""

from __future__ import annotations

import io
import re
import zlib
from typing import Literal

from storage.validation.bytesflow import GZIP_MAGIC, FileFlow, GzipFlow

FileKind = Literal["warc", "warc-gzip", "zip", "empty", "arc", "arc-gzip", "gzip", "zstd", "html", "other"]

LOOKED_AT_BYTES = 64 * 1024
"""How much of a file's beginning `file_kind` asks for."""

_WARC = re.compile(rb"WARC/[0-9]", re.IGNORECASE)
_RECORD_LATER = re.compile(rb"\nWARC/1\.[01]\r?\n")
# ARC: a URL, an address, a date, a media type and a length, on the first line
_ARC = re.compile(rb"filedesc:|[a-z][a-z0-9+.-]*:\S* [0-9.]{7,15} [0-9]{14,17} \S+ -?[0-9]+\r?\n", re.IGNORECASE)
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18|\x37\xa4\x30\xec", re.DOTALL)
_NAMED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"SQLite": "SQLite",
    b"{": "JSON",
    b"[": "JSON",
    b"<?xml": "XML",
}


def file_kind(beginning: bytes) -> FileKind:
    """The kind of a file that begins with these bytes (`LOOKED_AT_BYTES` of them, or all)."""
    if not beginning:
        return "empty"
    if beginning.startswith(GZIP_MAGIC):
        return _gzip_kind(beginning)
    if beginning.startswith(_ZIP):
        return "zip"
    if _ZSTD.match(beginning):
        return "zstd"
    return _plain_kind(beginning)


def other_kind(beginning: bytes) -> str:
    """A word for what it is when it is none of the kinds that have a name here."""
    for magic, word in _NAMED.items():
        if beginning.startswith(magic):
            return f"{word}, it seems"
    shown = beginning[:16]
    return f"it begins with {shown.decode('ascii')!r}" if shown.isascii() else f"it begins with {shown.hex(' ')}"


def _plain_kind(beginning: bytes) -> FileKind:
    if _WARC.match(beginning):
        return "warc"
    if _ARC.match(beginning):
        return "arc"
    if _HTML.match(beginning):
        return "html"
    return "warc" if _RECORD_LATER.search(beginning) else "other"


def _gzip_kind(beginning: bytes) -> FileKind:
    packed = FileFlow(io.BytesIO(beginning))
    flow = GzipFlow(packed)
    inner = b""
    while not inner and packed.peek(3) == GZIP_MAGIC:
        flow.open_member()
        inner = flow.peek(2048)
    if _ARC.match(inner):
        return "arc-gzip"
    return "warc-gzip" if _WARC.match(inner) or _later_record(beginning) else "gzip"


def _later_record(beginning: bytes) -> bool:
    """Whether a later gzip member begins a record: then the first one is damaged, or foreign."""
    at = beginning.find(GZIP_MAGIC, 1)
    while at >= 0:
        if starts_record(beginning[at : at + 1024]):
            return True
        at = beginning.find(GZIP_MAGIC, at + 1)
    return False


def starts_record(packed: bytes) -> bool:
    """Whether these bytes begin a gzip member that begins a WARC record."""
    try:
        return bool(_WARC.match(zlib.decompressobj(31).decompress(packed, 16)))
    except zlib.error:
        return False
