"""Files held to their standard: WARC 1.0 and 1.1, WACZ 1.1.1; what is neither is called by its name."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from storage.validation.bytesflow import Readable
from storage.validation.faults import FaultLog, Verdict
from storage.validation.fileformat import LOOKED_AT_BYTES, FileKind, file_kind, other_kind
from storage.validation.waczpackage import PACKAGE
from storage.validation.waczrules import WACZ_RULES
from storage.validation.waczvalidator import WaczValidator
from storage.validation.warcrules import WARC_RULES
from storage.validation.warcvalidator import OnRecord, WarcValidator

OnRead = Callable[[int], None]
"""What is told of bytes as they are read."""

_FOREIGN: Final[dict[FileKind, tuple[str, str]]] = {
    "empty": ("format-empty", "the file is empty"),
    "arc": ("format-arc", "this is an ARC file, not WARC; cure: warcio recompress FILE NEW-FILE.warc.gz"),
    "arc-gzip": ("format-arc", "this is an ARC file in gzip, not WARC; cure: warcio recompress FILE NEW-FILE.warc.gz"),
    "gzip": ("format-gzip", "this is gzip, and what it holds is no WARC"),
    "zstd": ("format-zstd", "this is compressed by Zstandard; unpack it with zstd -d and validate what comes out"),
    "html": ("format-html", "this is an HTML page"),
}


RULES: Final = WARC_RULES | WACZ_RULES
"""Every rule, by its id."""

_SPOOL_BYTES = 64 * 1024 * 1024


class _Rewound:
    """Bytes of a file whose beginning was looked at; tells of what is read."""

    def __init__(self, beginning: bytes, file: Readable, on_read: OnRead | None) -> None:
        self._beginning = io.BytesIO(beginning)
        self._file = file
        self._on_read = on_read

    def read(self, size: int, /) -> bytes:
        piece = self._beginning.read(size) or self._file.read(size)
        if self._on_read:
            self._on_read(len(piece))
        return piece


def validate(file: BinaryIO, label: str, name: str | None, *, on_read: OnRead | None = None) -> Verdict:
    """The verdict on a file, under the name `label`; `name` is its own name, or None where it has none.

    A WARC file is read once from front to back; a WACZ package needs a file in which one can seek, and is copied
    into a temporary one when it has no other. Whatever the bytes are, there is a verdict; what reading raises is
    passed on.
    """
    beginning = _beginning(file)
    if file_kind(beginning) == "zip":
        return _validate_package(beginning, file, label, name, on_read)
    return _validate_sequence(beginning, file, label, name, on_read)


def _validate_sequence(
    beginning: bytes,
    file: Readable,
    label: str,
    name: str | None,
    on_read: OnRead | None = None,
    on_record: OnRecord | None = None,
) -> Verdict:
    kind = file_kind(beginning)
    if kind in ("warc", "warc-gzip"):
        whole = _Rewound(beginning, file, on_read)
        return WarcValidator(whole, name, gzip=kind == "warc-gzip", on_record=on_record).validate(label)
    rule, message = _FOREIGN.get(kind, ("format-other", f"this is no WARC file: {other_kind(beginning)}"))
    return _foreign(rule, message, label)


def _validate_package(
    beginning: bytes, file: BinaryIO, label: str, name: str | None, on_read: OnRead | None
) -> Verdict:
    def validate_warc(inner: Readable, path: str, inner_name: str, on_record: OnRecord) -> Verdict:
        start = _beginning(inner)
        return _validate_sequence(start, inner, path, inner_name, on_read, on_record)

    with _seekable(beginning, file) as package:
        if _is_foreign_zip(package, name):
            return _foreign("format-zip", "this is a ZIP file without datapackage.json, and no WACZ", label)
        return WaczValidator(package, name, validate_warc).validate(label)


def _is_foreign_zip(package: BinaryIO, name: str | None) -> bool:
    """Whether a ZIP file claims in no way to be a WACZ package."""
    if name is not None and name.lower().endswith(".wacz"):
        return False
    try:
        with zipfile.ZipFile(package) as opened:
            return not any(path == PACKAGE or path.startswith("archive/") for path in opened.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return name is not None


@contextmanager
def _seekable(beginning: bytes, file: BinaryIO) -> Iterator[BinaryIO]:
    if file.seekable():
        yield file
        return
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as copy:
        copy.write(beginning)
        shutil.copyfileobj(file, copy, 1024 * 1024)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def _foreign(rule: str, message: str, label: str) -> Verdict:
    log = FaultLog(WARC_RULES)
    log.add(rule, message, None, 0)
    return log.verdict(label, 0)


def _beginning(file: Readable) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while size < LOOKED_AT_BYTES and (piece := file.read(LOOKED_AT_BYTES - size)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
