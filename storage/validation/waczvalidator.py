"""A WACZ package held to WACZ 1.1.1: its ZIP file, its manifest, its indexes and pages, and every WARC inside."""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, BinaryIO, Protocol, cast

from storage.validation.bytesflow import GZIP_MAGIC, Readable
from storage.validation.compressedindex import check_idx
from storage.validation.faults import FaultLog, Verdict
from storage.validation.waczindex import INDEX_NAME, DamagedIndex, Targets, Unpacked, check_index, lines_of
from storage.validation.waczpackage import (
    DIGEST,
    JSON_LIMIT_BYTES,
    PACKAGE,
    PAGES,
    Entry,
    check_digest,
    check_package,
    check_pages,
    check_resources,
    json_object,
    unknown_entry,
    wanted_algorithms,
)
from storage.validation.waczrules import WACZ_RULES
from storage.validation.warcvalidator import OnRecord

_PIECE_BYTES = 256 * 1024
_PAGES_NAME = re.compile(r"pages/[^/]+\.jsonl")
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

ValidateWarc = Callable[[Readable, str, str, OnRecord], Verdict]
"""What validates a WARC file inside: the bytes, the path, the name, and what is told of each record."""


class _Guarded:
    """A file to which zipfile may give any offset that it read: one before the beginning is its fault."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read = file.read
        self.tell = file.tell
        self.seekable = file.seekable

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0 and offset < 0:
            raise zipfile.BadZipFile("it points before its beginning")
        return self._file.seek(offset, whence)


class _Digested:
    """An entry as it is read: its bytes counted and digested on their way."""

    def __init__(self, file: IO[bytes], algorithms: set[str]) -> None:
        self._file = file
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self._size = 0

    def read(self, size: int, /) -> bytes:
        piece = self._file.read(size)
        self._size += len(piece)
        for one in self._hashes.values():
            one.update(piece)
        return piece

    def entry(self) -> Entry:
        """What it is, once the rest is read."""
        while self.read(_PIECE_BYTES):
            pass
        return Entry(self._size, {name: one.hexdigest() for name, one in self._hashes.items()})


class _Look(Protocol):
    def __call__(self, file: Readable, path: str, /) -> None: ...


class WaczValidator:
    """Holds one WACZ package to the rules. `name` is the file's name without its directory, or None."""

    def __init__(self, file: BinaryIO, name: str | None, validate_warc: ValidateWarc) -> None:
        self._file = file
        self._name = name
        self._validate_warc = validate_warc
        self._log = FaultLog(WACZ_RULES)
        self._targets = Targets()
        self._entries: dict[str, Entry] = {}
        self._records = 0
        self._indexed = False

    def validate(self, file: str) -> Verdict:
        """The verdict, under the name `file`. Raises what reading the file raises, and nothing about the content."""
        if self._name is not None and not self._name.lower().endswith(".wacz"):
            self._tell("wacz-suffix", f"{self._name} does not end in .wacz")
        try:
            with zipfile.ZipFile(cast(BinaryIO, _Guarded(self._file))) as package:
                self._check(package)
        except _BROKEN as problem:
            self._tell("zip-structure", f"the ZIP file cannot be read: {problem or type(problem).__name__}")
        return self._log.verdict(file, self._records)

    def _tell(self, rule: str, message: str, record: int | None = None, offset: int | None = None) -> None:
        self._log.add(rule, message, record, offset)

    def _check(self, package: zipfile.ZipFile) -> None:
        infos = self._named(package)
        manifest = self._small_file(package, infos, PACKAGE)
        facts = json_object(manifest) if manifest is not None else None
        algorithms = wanted_algorithms(facts)
        folders: tuple[tuple[str, _Look], ...] = (
            ("archive/", self._check_warc),
            ("indexes/", self._check_index_in(package, infos)),
            ("pages/", self._check_page_list),
            ("", lambda file, path: None),  # noqa: ARG005 - the others want them
        )
        for folder, look in folders:
            for path in sorted(infos):
                if path.startswith(folder) and path not in self._entries:
                    self._read_entry(package, infos[path], algorithms, look)
        self._check_folders(infos)
        self._check_manifest(manifest, facts, self._small_file(package, infos, DIGEST))
        self._check_lookups(facts)

    # The ZIP file

    def _named(self, package: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        infos: dict[str, zipfile.ZipInfo] = {}
        for info in package.infolist():
            name = info.filename
            if name in infos:
                self._tell("zip-duplicate", f"{name} stands there more than once", offset=info.header_offset)
            elif name.startswith("/") or "\\" in name or ".." in name.split("/"):
                self._tell("zip-name", f"{name!r} leads out of the package", offset=info.header_offset)
            elif not info.is_dir():
                infos[name] = info
                self._check_method(info)
        return infos

    def _check_method(self, info: zipfile.ZipInfo) -> None:
        name, at = info.filename, info.header_offset
        if not _is_readable(info):
            self._tell("zip-method", f"{name} is encrypted or compressed by another method", offset=at)
        elif info.compress_type != zipfile.ZIP_STORED:
            if name.lower().endswith(".gz"):
                self._tell("zip-recompressed", f"{name} is compressed twice", offset=at)
            elif name.startswith("archive/"):
                self._tell("zip-not-stored", f"{name} is compressed by the ZIP file", offset=at)

    def _read_entry(self, package: zipfile.ZipFile, info: zipfile.ZipInfo, algorithms: set[str], look: _Look) -> None:
        path = info.filename
        if not _is_readable(info):
            self._entries[path] = unknown_entry(info.file_size, algorithms)
            return
        try:
            with package.open(info) as opened:
                file = _Digested(opened, algorithms)
                look(file, path)
                self._entries[path] = file.entry()
        except _BROKEN as problem:
            told = f"{path} cannot be read whole: {problem or type(problem).__name__}"
            self._tell("zip-structure", told, offset=info.header_offset)
            self._entries[path] = unknown_entry(info.file_size, algorithms)

    def _small_file(self, package: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo], path: str) -> bytes | None:
        info = infos.get(path)
        if info is None:
            return None
        if not _is_readable(info):
            return b""
        try:
            with package.open(info) as opened:
                return opened.read(JSON_LIMIT_BYTES)
        except _BROKEN:
            # told when every file is read
            return b""

    # The folders

    def _check_warc(self, file: Readable, path: str) -> None:
        name = path.removeprefix("archive/")
        start = _Kept(file)
        verdict = self._validate_warc(start, path, name, self._targets.taker(name))
        foreign = next((fault for fault in verdict.faults if fault.rule.startswith("format-")), None)
        if foreign:
            self._tell("archive-foreign", f"{path}: {foreign.message}")
            return
        gzip = start.beginning.startswith(GZIP_MAGIC)
        if gzip != name.lower().endswith(".warc.gz") and (gzip or name.lower().endswith(".gz")):
            self._tell("archive-suffix", f"{path} is {'' if gzip else 'not '}in gzip")
        self._records += verdict.records
        self._log.extend(fault.inside(path) for fault in verdict.faults if fault.rule != "file-suffix")

    def _check_index_in(self, package: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo]) -> _Look:
        entries = {name: _opener(package, info) for name, info in infos.items()}

        def look(file: Readable, path: str) -> None:
            if not INDEX_NAME.fullmatch(path):
                self._tell("index-foreign", f"{path} is no index")
                return

            def tell(rule: str, message: str, record: int | None, offset: int | None) -> None:
                self._tell(rule, f"{path}: {message}", record, offset)

            if path.endswith(".idx"):
                check_idx(lines_of(file), entries, tell)
                return
            self._indexed = True
            try:
                check_index(lines_of(Unpacked(file) if path.endswith(".gz") else file), self._targets, tell)
            except DamagedIndex as problem:
                tell("index-damaged", str(problem), None, None)

        return look

    def _check_page_list(self, file: Readable, path: str) -> None:
        if not _PAGES_NAME.fullmatch(path):
            self._tell("pages-foreign", f"{path} is no list of pages")
            return

        def tell(rule: str, message: str, offset: int) -> None:
            self._tell(rule, f"{path}: {message}", None, offset)

        check_pages(lines_of(file), main=path == PAGES, urls=self._targets.urls, tell=tell)

    def _check_folders(self, infos: dict[str, zipfile.ZipInfo]) -> None:
        if not self._targets.files():
            self._tell("archive-missing", "archive/ holds no WARC file")
        if not self._indexed:
            self._tell("index-missing", "indexes/ holds no CDXJ index")
        if PAGES not in infos:
            self._tell("pages-missing", f"there is no {PAGES}")

    # The manifest

    def _check_manifest(self, manifest: bytes | None, facts: dict[str, Any] | None, digest: bytes | None) -> None:
        if manifest is None:
            self._tell("package-missing", f"there is no {PACKAGE}")
        elif facts is None:
            self._tell("package-json", f"{PACKAGE} is no JSON object")
        else:
            check_package(facts, self._tell)
            check_resources(facts, self._entries, self._tell)
        if digest is None:
            self._tell("digest-missing", f"there is no {DIGEST}")
        elif manifest is not None:
            check_digest(digest, manifest, self._tell)

    def _check_lookups(self, facts: dict[str, Any] | None) -> None:
        if not self._indexed:
            return
        for name in self._targets.files():
            for offset in self._targets.not_found(name):
                self._tell("index-absent", f"archive/{name}: no index leads to this record", None, offset)
        page = (facts or {}).get("mainPageUrl")
        if isinstance(page, str) and hash(page) not in self._targets.urls:
            self._tell("package-main-page", f"{page} is in no index")


class _Kept:
    """Bytes as they are read, with the first of them kept."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.beginning = b""

    def read(self, size: int, /) -> bytes:
        piece = self._file.read(size)
        self.beginning = self.beginning or piece[:4]
        return piece


def _is_readable(info: zipfile.ZipInfo) -> bool:
    return info.compress_type in _METHODS and not info.flag_bits & 1


def _opener(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, package.open(info))
