"""`newsark doctor`: is this machine, this configuration and this archive able to do the job?"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import typer

from newsark.console import human_bytes, out, print_json
from newsark.home import Home
from newsark.options import ArchiveOption, JsonOption
from storage.archive import HEAD
from storage.errors import NewsarkError, ObjectExists
from storage.objects import DirectoryStore

LOW_DISK_BYTES = 5 * 1000**3
PARTS = ("scrapy", "aiohttp", "warcio", "trafilatura", "lxml", "pydantic", "SQLAlchemy", "uvloop", "isal")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok`, `warning` (works, with a drawback) or `fault` (does not work), and what to do."""

    check: str
    verdict: Literal["ok", "warning", "fault"]
    message: str


def doctor(archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """Check this machine, the settings, the source files and the archive. Exit code 1 when something does not work."""
    home = Home.here(archive=archive)
    findings = [finding for check in CHECKS for finding in check(home)]
    if json:
        rows = [{"check": one.check, "verdict": one.verdict, "message": one.message} for one in findings]
        print_json({"ok": all(one.verdict != "fault" for one in findings), "findings": rows})
    else:
        marks = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}
        for one in findings:
            mark, style = marks[one.verdict]
            out.print(f"[{style}]{mark}[/] {one.check}: ", end="")
            out.print(one.message, markup=False)
    if any(one.verdict == "fault" for one in findings):
        raise typer.Exit(1)


def _check_parts(home: Home) -> Iterator[Finding]:  # noqa: ARG001
    yield Finding("python", "ok", sys.version.split()[0])
    for part in PARTS:
        try:
            yield Finding(part, "ok", version(part))
        except PackageNotFoundError:
            optional = part in ("uvloop", "isal")
            yield Finding(part, "warning" if optional else "fault", "is not installed; run make setup")


def _check_settings(home: Home) -> Iterator[Finding]:
    settings = home.settings
    if settings.contact:
        yield Finding("contact", "ok", settings.contact)
    else:
        yield Finding(
            "contact",
            "warning",
            "none is set; newsrooms cannot ask who visits. Set `contact` in newsark.toml",
        )
    if settings.delay_seconds is not None and settings.delay_seconds < 0.5:
        yield Finding("delay_seconds", "warning", f"{settings.delay_seconds:g} s between requests is not polite")


def _check_sources(home: Home) -> Iterator[Finding]:
    try:
        files = home.source_files()
    except NewsarkError as problem:
        yield Finding("source files", "fault", str(problem))
        return
    yield Finding("source files", "ok", f"{len(files)} in {home.sources_directory}")
    for known in files:
        if known.source.insecure_tls:
            yield Finding(known.source.id, "warning", "takes pages without verified TLS; each record says so")


def _check_archive(home: Home) -> Iterator[Finding]:
    path = home.archive_path
    place = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.access(place, os.W_OK):
        yield Finding("archive", "fault", f"{place} cannot be written to; choose another place with --archive")
        return
    free = shutil.disk_usage(place).free
    verdict: Literal["ok", "warning"] = "ok" if free >= LOW_DISK_BYTES else "warning"
    yield Finding("disk", verdict, f"{human_bytes(free)} free at {place}")
    yield from _check_store(place)
    if not (path / HEAD).exists():
        yield Finding("archive", "ok", f"{path} will be made by the first crawl")
        return
    with home.archive() as opened:
        sources = home.known_sources(opened)
        left = list((opened.state / "open").rglob("*.open")) if (opened.state / "open").is_dir() else []
    yield Finding("archive", "ok", f"{path}, {len(sources)} sources")
    if left:
        yield Finding(
            "open segments",
            "warning",
            f"{len(left)} files of a crawl that runs or died; the next crawl seals them",
        )


def _check_store(place: Path) -> Iterator[Finding]:
    """Put an object twice where the archive is: hard links, fsync and refusal to overwrite must all work there."""
    with tempfile.TemporaryDirectory(dir=place, prefix=".newsark-doctor-") as directory:
        store = DirectoryStore(Path(directory))
        try:
            store.put_bytes("probe", b"one")
            store.put_bytes("probe", b"two")
        except ObjectExists:
            yield Finding("store", "ok", "writes once and refuses to overwrite")
        except (NewsarkError, OSError) as problem:
            yield Finding("store", "fault", f"{place}: {problem}")
        else:
            yield Finding("store", "fault", f"{place} lets objects be overwritten; use another file system")


def _check_reader(home: Home) -> Iterator[Finding]:  # noqa: ARG001
    from pipelines.pool import ReaderPool

    from pipelines.page import PageInput

    text = " ".join(["The harbour master said on Monday that the ferry would sail again."] * 8)
    page = PageInput(url="https://news.example.org/a", body=f"<h1>Ferry</h1><article><p>{text}</p></article>".encode())
    pool = ReaderPool(1, timeout_seconds=60)
    try:
        reading = pool.submit(page).result()
    finally:
        pool.close()
    works = reading.article is not None
    yield Finding("reader process", "ok" if works else "fault", "reads a page" if works else str(reading.reason))


CHECKS: tuple[Callable[[Home], Iterator[Finding]], ...] = (
    _check_parts,
    _check_settings,
    _check_sources,
    _check_archive,
    _check_reader,
)
