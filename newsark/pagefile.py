"""Pages on disk: what a manifest lists, and the record of one page, made in a worker process."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from storage.errors import PageError, WrongUse

if TYPE_CHECKING:
    from pipelines.page import ReadLimits
    from pipelines.reading import Reading
    from pipelines.selectors import Selectors

GZIP_MAGIC = b"\x1f\x8b"
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page on disk, or one whose bytes are here already; `id` goes into the record when there is one."""

    path: str
    url: str = ""
    id: str | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class PageLine:
    """A page's record as a line of JSON; `problem` says why the page could not be read at all."""

    line: bytes
    problem: str | None = None


def read_manifest(path: Path) -> Iterator[PageFile]:
    """The pages that a manifest lists, their paths relative to it. Raises WrongUse with the number of a bad line."""
    try:
        data = sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else path.read_bytes()
    except OSError as problem:
        raise WrongUse(f"{path} cannot be read: {problem.strerror}") from problem
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield _page_file(line, f"{path}, line {number}", path.parent)


def _page_file(line: bytes, where: str, directory: Path) -> PageFile:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        raise WrongUse(f"{where}: not JSON: {problem}") from problem
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise WrongUse(f'{where}: a page is {{"id": …, "url": …, "path": …}}, and path is text')
    if not isinstance(entry.get("url", ""), str | None):
        raise WrongUse(f"{where}: url is text")
    named = entry.get("id")
    return PageFile(str(directory / entry["path"]), entry.get("url") or "", None if named is None else str(named))


def record_of_file(file: PageFile, limits: ReadLimits, selectors: Selectors | None = None) -> PageLine:
    """The record of a page; for one that cannot be read, a record with the reason. Never raises for a page."""
    from pipelines.page import PageInput
    from pipelines.read import read_page

    try:
        body = _body(file, limits.max_page_bytes) if file.body is None else file.body
    except PageError as problem:
        return unreadable_file(file, problem)
    headers = (("Content-Encoding", "gzip"),) if body.startswith(GZIP_MAGIC) else ()
    page = PageInput(file.url, body, headers, status=None, selectors=selectors)
    return _line(file, read_page(page, limits), body)


def unreadable_file(file: PageFile, problem: PageError) -> PageLine:
    """The record of a page that could not be read."""
    from pipelines.reading import unreadable

    return _line(file, unreadable(file.url, problem), file.path.encode())


def _line(file: PageFile, reading: Reading, identity: bytes) -> PageLine:
    """The line of a reading. A page without id and URL is named by its bytes: nothing else tells it from others."""
    from pipelines.record import ID_HEX_DIGITS, build_record, record_line

    named = file.id or (None if file.url else hashlib.sha256(identity).hexdigest()[:ID_HEX_DIGITS])
    line = record_line(build_record(reading, record_id=named))
    return PageLine(line, reading.reason if reading.kind == "unreadable" else None)


def _body(file: PageFile, limit_bytes: int) -> bytes:
    """The file's bytes; of a huge one only so many that the reader finds it too large."""
    try:
        with Path(file.path).open("rb") as opened:
            return opened.read(limit_bytes + 1)
    except (OSError, ValueError) as problem:
        raise PageError(f"{file.path} cannot be read: {getattr(problem, 'strerror', None) or problem}") from problem
