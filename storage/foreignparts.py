"""What of a file that others made holds records: all of a WARC or ARC file, and the WARCs in a WACZ."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from storage.errors import NotReadableWarc
from storage.foreignfile import Gap, SeveralRecords, read_records
from storage.foreignrecord import GZIP_MAGIC, ForeignRecord, foreign_record, unpacked
from storage.gzipmembers import BROKEN, gzip_member, new_decompressor

PROBE_BYTES = 64 * 1024
_ZIP_MAGIC = b"PK\x03\x04"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_WARCS = (".warc.gz", ".warc", ".arc.gz", ".arc")
_STEP_BYTES = 1024 * 1024
_WINDOW_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Where records stand in a file: `name` is that of the WARC within a WACZ, or empty."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file is (`warc`, `arc`, `wacz`), where its records stand, and what of it cannot be read.

    With `derived`, none of them can be pointed at where it is: the records are gzip members of that file.
    """

    kind: str
    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...] = ()
    derived: Path | None = None


def layout_of(path: Path, derived: Path, *, several: bool = False) -> Layout:
    """How to read a file. Where records cannot be pointed at (several in one gzip member, or packed again in a WACZ)
    they are written to `derived`, each as a gzip member of its own; with `several` that is known to be so.

    Raises NotReadableWarc when the file is none of these, or of a kind that is not read.
    """
    with path.open("rb") as file:
        magic = file.read(4)
        size = file.seek(0, os.SEEK_END)
        if magic == _ZIP_MAGIC:
            return _wacz(path, file, size, derived)
        if magic == _ZSTD_MAGIC:
            raise NotReadableWarc(path.name, 0, "it is packed with Zstandard; unpack it with zstd -d, import the .warc")
        first = _first(file, size) if size else None
        if first is None:
            what = "it is neither a WARC nor an ARC nor a WACZ file" if size else "the file is empty"
            raise NotReadableWarc(path.name, 0, what)
        kind = "arc" if first.is_arc else "warc"
        if not several and not _holds_several(file, size):
            return Layout(kind, (Span(0, size),))
    gaps = tuple(_derive([path], derived))
    return Layout(kind, (Span(0, derived.stat().st_size),), gaps, derived)


def _first(file: BinaryIO, size: int) -> ForeignRecord | None:
    """The first record of a file, wherever it begins; None when there is none."""
    try:
        return next((found for found in read_records(file, 0, size) if isinstance(found, ForeignRecord)), None)
    except SeveralRecords:
        file.seek(0)
        return foreign_record(unpacked(file.read(PROBE_BYTES), PROBE_BYTES), "", 0, 0, is_cut=True)


def _holds_several(file: BinaryIO, size: int) -> bool:
    """Whether any gzip member holds several records: only a look at the first few, the reader sees the others."""
    try:
        for _, _ in zip(range(8), read_records(file, 0, size), strict=False):
            pass
    except SeveralRecords:
        return True
    return False


def _wacz(path: Path, file: BinaryIO, size: int, derived: Path) -> Layout:
    try:
        with ZipFile(path) as archive:
            members = [one for one in archive.infolist() if _is_warc(one.filename)]
            if not members:
                raise NotReadableWarc(path.name, 0, "the zip file has no WARC in archive/: it is no WACZ")
            if all(one.compress_type == ZIP_STORED and not one.flag_bits & 1 for one in members):
                return Layout("wacz", tuple(_span(file, one) for one in members))
            with TemporaryDirectory(dir=derived.parent) as beside:
                gaps = tuple(_derive(_extracted(archive, members, Path(beside)), derived))
            return Layout("wacz", (Span(0, derived.stat().st_size),), gaps, derived)
    except BadZipFile as problem:
        # the records may be whole all the same: they are looked for in the bytes
        gap = Gap(0, 0, f"the zip file's directory cannot be read ({problem}); its records were looked for one by one")
        return Layout("wacz", (Span(0, size),), (gap,))


def _is_warc(name: str) -> bool:
    return name.startswith("archive/") and name.endswith(_WARCS)


def _span(file: BinaryIO, member: ZipInfo) -> Span:
    file.seek(member.header_offset)
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    start = member.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
    return Span(start, start + member.file_size, member.filename)


def _extracted(archive: ZipFile, members: list[ZipInfo], directory: Path) -> Iterator[Path]:
    for number, member in enumerate(members):
        path = directory / str(number)
        with archive.open(member) as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file, _STEP_BYTES)
        yield path
        path.unlink()


def _derive(paths: Iterable[Path], derived: Path) -> Iterator[Gap]:
    """Write the records of these files to one file, each as a gzip member; what could not be read of them."""
    with derived.open("wb") as target:
        for path in paths:
            with TemporaryDirectory(dir=derived.parent) as beside:
                plain = _unpacked_file(path, Path(beside) / "plain")
                with plain.open("rb") as file:
                    for found in read_records(file):
                        if isinstance(found, ForeignRecord):
                            file.seek(found.offset)
                            target.write(gzip_member([file.read(found.length)]))
                        else:
                            yield found


def _unpacked_file(path: Path, target: Path) -> Path:
    """A file with every gzip member unpacked, as far as that can be done; the file itself when it is not packed."""
    with path.open("rb") as file:
        if file.read(3) != GZIP_MAGIC:
            return path
        file.seek(0)
        with target.open("wb") as plain:
            # small, because what a window holds beyond a member's end is copied for each member
            window, decompressor = file.read(_WINDOW_BYTES), new_decompressor()
            try:
                while window:
                    plain.write(decompressor.decompress(window, _STEP_BYTES))
                    window = decompressor.unconsumed_tail
                    if decompressor.eof:
                        window, decompressor = decompressor.unused_data, new_decompressor()
                    window = window or file.read(_WINDOW_BYTES)
            except BROKEN:
                # the reader tells of what is missing: the last record is cut short
                pass
    return target
