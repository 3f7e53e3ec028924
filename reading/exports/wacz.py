"""A selection as a WACZ 1.1.1 package: its WARC, the index of that, its pages with titles and text, and sums of all."""

from __future__ import annotations

import hashlib
import struct
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import IO, Any

import orjson

from reading.exports.hashed import Hashed
from reading.exports.selection import Selection
from reading.exports.warc import PageLine, SelectionWarc
from storage.archive import Archive
from storage.cdxj import sorted_index

WARC_NAME = "data.warc.gz"
PAGES_HEAD = {"format": "json-pages-1.0", "id": "pages", "title": "Articles"}
IN_MEMORY_BYTES = 16 << 20
BLOCK_BYTES = 1 << 20
EMPTY_EXTRA = struct.pack("<HH", 0xCAFE, 0)


def export_warc(
    archive: Archive, selection: Selection, to: IO[bytes], filename: str, on_row: Callable[[], object] = lambda: None
) -> tuple[int, list[str]]:
    """How many pages were written as one WARC file called `filename`, and what was left out since it cannot be read."""
    with archive.catalogue.begin() as connection:
        warc = SelectionWarc(connection, archive.holdings, filename)
        count = sum(1 for _ in warc.write(selection, Hashed(to), archive.clock, on_row))
    return count, warc.missing


def export_wacz(
    archive: Archive, name: str, selection: Selection, to: IO[bytes], on_row: Callable[[], object] = lambda: None
) -> tuple[int, list[str]]:
    """How many pages were written as a WACZ package, and what was left out. `to` need not be seekable: it is streamed,
    but for the pages' text, which waits in a temporary file."""
    package = _Package(to)
    with archive.catalogue.begin() as connection, tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as pages:
        pages.write(orjson.dumps(PAGES_HEAD) + b"\n")
        warc = SelectionWarc(connection, archive.holdings, WARC_NAME)
        count, first = 0, None
        with package.entry(f"archive/{WARC_NAME}") as file:
            for page in warc.write(selection, file, archive.clock, on_row):
                pages.write(_page_line(page))
                count, first = count + 1, first or page
        # pywb takes no index that is called otherwise
        with package.entry("indexes/index.cdx", zipfile.ZIP_DEFLATED) as file:
            for line in sorted_index(warc.index):
                file.write(line)
        pages.seek(0)
        with package.entry("pages/pages.jsonl", zipfile.ZIP_DEFLATED) as file:
            while block := pages.read(BLOCK_BYTES):
                file.write(block)
    package.finish(_facts(archive.clock(), name, selection, first))
    return count, warc.missing


class _Entry(Hashed):
    """An entry that is being written; its sum is noted when it is whole."""

    def __init__(self, to: IO[bytes], done: Callable[[Hashed], None]) -> None:
        super().__init__(to)
        self._file, self._done = to, done

    def __enter__(self) -> _Entry:
        return self

    def __exit__(self, *problem: object) -> None:
        self._file.close()
        if problem[0] is None:
            self._done(self)


class _Package:
    """The ZIP file, and what its description will say of each entry."""

    def __init__(self, to: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(to, "w", zipfile.ZIP_STORED)
        self._resources: list[dict[str, Any]] = []

    def entry(self, path: str, compression: int = zipfile.ZIP_STORED) -> _Entry:
        """The next entry."""
        info = zipfile.ZipInfo(path)
        info.compress_type = compression

        def done(file: Hashed) -> None:
            # ReplayWeb.page looks for the extra field of the local header only where the directory has one
            info.extra = EMPTY_EXTRA
            facts = {"name": path.rpartition("/")[2], "path": path, "hash": f"sha256:{file.sha256}"}
            self._resources.append({**facts, "bytes": file.size_bytes})

        return _Entry(self._zip.open(info, "w", force_zip64=True), done)

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the description of all entries, and its sum."""
        told = orjson.dumps({**facts, "resources": self._resources}, option=orjson.OPT_INDENT_2)
        digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(told).hexdigest()}"}
        for path, data in (("datapackage.json", told), ("datapackage-digest.json", orjson.dumps(digest))):
            self._zip.writestr(zipfile.ZipInfo(path), data)
        self._zip.close()


def _facts(now: datetime, name: str, selection: Selection, first: PageLine | None) -> dict[str, Any]:
    main = {} if first is None else {"mainPageUrl": first.url, "mainPageDate": _moment(first.at)}
    query = orjson.dumps(selection.as_json()).decode()
    return {
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "title": f"Articles of {name}",
        "description": f"The articles of {name} that the query {query} chose, with what their pages need",
        "created": _moment(now),
        "modified": _moment(now),
        "software": f"newsark {version('newsark')}",
        **main,
    }


def _page_line(page: PageLine) -> bytes:
    facts = {"id": page.id, "url": page.url, "ts": _moment(page.at), "title": page.title, "text": page.text}
    return orjson.dumps({key: value for key, value in facts.items() if value}) + b"\n"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
