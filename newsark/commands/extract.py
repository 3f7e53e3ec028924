"""`newsark extract`: JSON records of pages on disk; nothing is stored, nothing is fetched."""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsark.console import err, out, print_error, write_bytes
from newsark.home import Home
from newsark.pagefile import (
    STANDARD_INPUT,
    PageFile,
    PageLine,
    read_manifest,
    record_of_file,
    unreadable_file,
)
from newsark.readers import reader_pool
from storage.errors import PageError, WrongUse

if TYPE_CHECKING:
    from pipelines.selectors import Selectors

# Enough that no worker waits while the page that is next in order takes its time.
AHEAD_PER_WORKER = 32
MANY_PAGES = 20


def extract(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="HTML files, also gzipped; - is standard input.", show_default=False),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="The address the page came from.")] = None,
    pages: Annotated[
        Path | None,
        typer.Option(
            "--pages",
            metavar="FILE.jsonl",
            help='A manifest instead of files: {"id", "url", "path"} a line, path relative to it.',
        ),
    ] = None,
    source_file: Annotated[
        Path | None,
        typer.Option("--source-file", metavar="FILE.toml", help="Read the pages as this source's selectors say."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes that read pages.")
    ] = None,
) -> None:
    """Print the JSON record of each page, one a line and in order. Nothing is kept and nothing is fetched.

    A page without article text has a record too:
    its articleBody is null and metadata.reason says why.

    Exit code 1 when a page could not be read at all;
    the others are printed all the same.
    """
    chosen = _page_files(files or [], url, pages)
    home = Home.here(workers=workers)
    unread = 0
    with contextlib.closing(_lines(home, chosen, _selectors(source_file))) as lines:
        for file, page in zip(chosen, _watched(lines, len(chosen)), strict=True):
            write_bytes(page.line)
            if page.problem is not None:
                unread += 1
                print_error(_named(file, page.problem))
    if unread:
        raise typer.Exit(1)


def _page_files(files: list[str], url: str | None, manifest: Path | None) -> list[PageFile]:
    if manifest is not None:
        if files or url:
            raise WrongUse("--pages has the files and their URLs; give no FILE and no --url with it")
        return list(read_manifest(manifest))
    if not files:
        raise WrongUse("name at least one HTML file, - for standard input, or --pages FILE.jsonl")
    for path in files:
        if path.startswith(("http://", "https://")):
            raise WrongUse(f"{path} is an address, and extract reads files; newsark crawl {path} visits and keeps it")
    return [PageFile(path, url or "", body=_standard_input() if path == STANDARD_INPUT else None) for path in files]


def _standard_input() -> bytes:
    return sys.stdin.buffer.read()


def _selectors(path: Path | None) -> Selectors | None:
    if path is None:
        return None
    from crawler.source import load_source

    return load_source(path).selectors


def _lines(home: Home, files: Sequence[PageFile], selectors: Selectors | None) -> Generator[PageLine]:
    """The records of these pages, in order; workers read, parse and write them, so that this process has no work."""
    from pipelines.page import ReadLimits

    if not files:
        return
    limits = ReadLimits(max_page_bytes=home.settings.max_page_bytes)
    workers = min(home.settings.workers, len(files))
    pool = reader_pool(home.settings, workers, preload=["newsark.pagefile", "pipelines.record"])
    try:
        under_way: deque[tuple[PageFile, Future[PageLine]]] = deque()
        for file in files:
            under_way.append((file, pool.call(record_of_file, file, limits, selectors)))
            if len(under_way) >= workers * AHEAD_PER_WORKER:
                yield _result(*under_way.popleft())
        while under_way:
            yield _result(*under_way.popleft())
    finally:
        pool.close()


def _result(file: PageFile, reading: Future[PageLine]) -> PageLine:
    try:
        return reading.result()
    except PageError as problem:
        return unreadable_file(file, problem)


def _named(file: PageFile, problem: str) -> str:
    return problem if file.path in problem else f"{file.path}: {problem}"


def _watched(lines: Iterable[PageLine], total: int) -> Iterable[PageLine]:
    """The same lines with a progress bar, where somebody waits at a terminal for many of them."""
    if total < MANY_PAGES or not err.is_terminal or out.is_terminal:
        return lines
    from rich.progress import track

    return track(lines, "Reading pages", total=total, console=err, transient=True)
