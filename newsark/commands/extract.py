"""`newsark extract`: JSON records of pages on disk; nothing is stored, nothing is fetched."""

from __future__ import annotations

import gzip
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from newsark.home import Home
from storage.errors import WrongUse

if TYPE_CHECKING:
    from pipelines.read import Reading

GZIP_MAGIC = b"\x1f\x8b"
IN_FLIGHT_PER_WORKER = 4


@dataclass(frozen=True, slots=True)
class PageFile:
    """A page on disk: `path` is - for standard input; `id` goes into the record when there is one."""

    path: str
    url: str
    id: str | None = None


def extract(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]…", help="HTML files; - is standard input.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="The address that the page came from.")] = None,
    pages: Annotated[
        Path | None,
        typer.Option(
            "--pages",
            metavar="FILE.jsonl",
            help='A manifest: {"id", "url", "path"} a line; path may be gzip.',
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes that read pages.")] = None,
) -> None:
    """Print one JSON record a line for each page, in order. Nothing is kept and nothing is fetched.

    A page without article text gives a record whose articleBody is null, with the reason in metadata.reason.
    """
    home = Home.here(workers=workers)
    for line in _records(home, _page_files(files or [], url, pages)):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _page_files(files: list[str], url: str | None, manifest: Path | None) -> list[PageFile]:
    if manifest is not None:
        if files:
            raise WrongUse("give files or --pages, not both")
        return list(_manifest(manifest))
    if not files:
        raise WrongUse("name at least one HTML file, - for standard input, or --pages FILE.jsonl")
    return [PageFile(path, url or "") for path in files]


def _manifest(path: Path) -> Iterator[PageFile]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as problem:
        raise WrongUse(f"{path} cannot be read: {problem.strerror}") from problem
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
            where = path.parent / entry["path"]
            yield PageFile(str(where), str(entry.get("url") or ""), str(entry["id"]) if "id" in entry else None)
        except (orjson.JSONDecodeError, KeyError, TypeError) as problem:
            raise WrongUse(f'{path}, line {number}: not {{"id", "url", "path"}}: {problem!r}') from problem


def _records(home: Home, files: Iterable[PageFile]) -> Iterator[bytes]:
    """The record lines of these pages, in order; a few pages are read ahead."""
    from pipelines.pool import ReaderPool

    from pipelines.page import PageInput, ReadLimits

    files = list(files)
    settings = home.settings
    workers = min(settings.workers, len(files)) or 1
    pool = ReaderPool(
        workers,
        timeout_seconds=settings.extract_timeout_seconds,
        limits=ReadLimits(max_page_bytes=settings.max_page_bytes),
    )
    try:
        under_way: deque[tuple[PageFile, Future[Reading]]] = deque()
        for file in files:
            page = PageInput(url=file.url, body=_read(file.path), headers=(), status=None)
            under_way.append((file, pool.submit(page)))
            if len(under_way) >= workers * IN_FLIGHT_PER_WORKER:
                yield _line(*under_way.popleft())
        while under_way:
            yield _line(*under_way.popleft())
    finally:
        pool.close()


def _line(file: PageFile, reading: Future[Reading]) -> bytes:
    from pipelines.record import build_record, record_line

    return record_line(build_record(reading.result(), record_id=file.id))


def _read(path: str) -> bytes:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as problem:
        raise WrongUse(f"{path} cannot be read: {problem.strerror}; name an HTML file") from problem
    return gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data
