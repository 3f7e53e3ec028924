"""The checks of `newsark doctor`: each is made however the others end."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from crawler.rendering.needs import chromium_path, refuse_without_browser
from crawler.source import Source
from newsark.console import counted, human_bytes
from newsark.home import Home
from storage.directory import DirectoryStore
from storage.errors import NewsarkError, ObjectExists, ObjectMissing
from storage.place import HEAD
from storage.stores import StoreSettings

LOW_DISK_BYTES = 5 * 1000**3
IMPOLITE_SECONDS = 0.5
DOCTOR_PATIENCE_SECONDS = 10.0
PARTS = ("scrapy", "aiohttp", "warcio", "trafilatura", "lxml", "pydantic", "SQLAlchemy", "boto3", "uvloop", "isal")
OPTIONAL_PARTS = ("uvloop", "isal")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok`, `warning` (works, with a drawback) or `fault` (does not work), and what to do."""

    check: str
    verdict: Literal["ok", "warning", "fault"]
    message: str


def examine(archive: str | None, endpoint_url: str | None = None) -> list[Finding]:
    """What was found; settings that cannot be used are a finding too, and end what depends on them."""
    findings = [*_check_parts(), *_check_reader()]
    try:
        home = Home.here(archive=archive, endpoint_url=endpoint_url)
    except NewsarkError as problem:
        return [*findings, Finding("settings", "fault", str(problem))]
    for name, check in CHECKS:
        try:
            findings += check(home)
        except (NewsarkError, OSError) as problem:
            findings.append(Finding(name, "fault", str(problem)))
    return findings


def _check_parts() -> Iterator[Finding]:
    yield Finding("python", "ok", sys.version.split()[0])
    for part in PARTS:
        try:
            yield Finding(part, "ok", version(part))
        except PackageNotFoundError:
            verdict: Literal["warning", "fault"] = "warning" if part in OPTIONAL_PARTS else "fault"
            yield Finding(part, verdict, "is not installed; run make setup")


def _check_reader() -> Iterator[Finding]:
    from pipelines.article import WHOLE
    from pipelines.page import PageInput
    from pipelines.pool import ReaderPool

    text = " ".join(["The harbour master said on Monday that the ferry would sail again."] * 8)
    page = PageInput(url="https://news.example.org/a", body=f"<h1>Ferry</h1><article><p>{text}</p></article>".encode())
    pool = ReaderPool(1, timeout_seconds=60)
    try:
        reading = pool.submit(page).result()
    finally:
        pool.close()
    works = reading.kind in WHOLE
    yield Finding("reader process", "ok" if works else "fault", "reads a page" if works else str(reading.reason))


def _check_settings(home: Home) -> Iterator[Finding]:
    settings = home.settings
    if settings.contact:
        yield Finding("contact", "ok", settings.contact)
    else:
        problem = "none is set; newsrooms cannot ask who visits. Set `contact` in newsark.toml"
        yield Finding("contact", "warning", problem)
    if settings.delay_seconds is not None and settings.delay_seconds < IMPOLITE_SECONDS:
        yield Finding("delay_seconds", "warning", f"{settings.delay_seconds:g} s between requests is not polite")


def _check_sources(home: Home) -> Iterator[Finding]:
    files = home.source_files()
    yield Finding("source files", "ok", f"{len(files)} in {home.sources_directory}")
    for known in files:
        if known.source.insecure_tls:
            yield Finding(known.source.id, "warning", "takes pages without verified TLS; each record says so")
        if known.source.robots == "ignore":
            yield Finding(known.source.id, "warning", f"ignores robots.txt: {known.source.robots_reason}")
    if any(known.source.render for known in files):
        yield _browser([known.source for known in files])


def _browser(sources: list[Source]) -> Finding:
    """Whether the pages of these sources can be rendered, and how safely."""
    try:
        refuse_without_browser(sources)
    except NewsarkError as problem:
        return Finding("browser", "fault", str(problem))
    if os.geteuid() == 0:
        return Finding("browser", "warning", f"{chromium_path()} has no sandbox for root: crawl as another user")
    return Finding("browser", "ok", str(chromium_path()))


def _check_disk(home: Home) -> Iterator[Finding]:
    path = home.place.state
    place = _existing(path)
    if not os.access(place, os.W_OK):
        yield Finding("disk", "fault", f"{place} cannot be written to; choose another place with --archive")
        return
    free = shutil.disk_usage(place).free
    yield Finding("disk", "ok" if free >= LOW_DISK_BYTES else "warning", f"{human_bytes(free)} free at {place}")


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.is_dir())


def _check_stores(home: Home) -> Iterator[Finding]:
    from newsark.archiveplace import store_settings

    for settings in store_settings(home.settings):
        yield from store_checks(settings)


def store_checks(settings: StoreSettings) -> Iterator[Finding]:
    """Whether a store answers and keeps its promises; a broken one is a warning where the settings accept it."""
    from storage.stores import open_store

    if "://" not in settings.place:
        place = _existing(Path(settings.place))
        if os.access(place, os.W_OK):
            yield _directory_finding(place)
        else:
            yield Finding("store", "fault", f"{place} cannot be written to; choose another place")
        return
    try:
        limit = min(DOCTOR_PATIENCE_SECONDS, settings.time_limit_seconds)
        store = open_store(replace(settings, time_limit_seconds=limit))
        faults = store.probe(HEAD)
    except ObjectMissing:
        yield Finding("store", "ok", f"{settings.place} answers; the first crawl tries out whether it is safe")
        return
    except (NewsarkError, OSError) as problem:
        yield Finding("store", "fault", str(problem))
        return
    if not faults:
        yield Finding("store", "ok", f"{settings.place} writes once, verifies checksums and states them")
    for fault in faults:
        yield Finding("store", "warning" if settings.accept_unsafe else "fault", f"{settings.place}: {fault.message}")


def _directory_finding(place: Path) -> Finding:
    """Put an object twice where the store is: hard links, fsync and refusal to overwrite must all work there."""
    with tempfile.TemporaryDirectory(dir=place, prefix=".newsark-doctor-") as directory:
        store = DirectoryStore(Path(directory))
        try:
            store.put_bytes("probe", b"one")
            store.put_bytes("probe", b"two")
        except ObjectExists:
            return Finding("store", "ok", f"{place} writes once and refuses to overwrite")
        except (NewsarkError, OSError) as problem:
            return Finding("store", "fault", f"{place}: {problem}")
    return Finding("store", "fault", f"{place} lets objects be overwritten; use another file system")


def _check_archive(home: Home) -> Iterator[Finding]:
    home.check_place()
    path = home.archive_name
    if not home.has_archive:
        yield Finding("archive", "ok", f"{path} will be made by the first crawl")
        return
    known = home.known_sources()
    with home.archive() as opened:
        left = list((opened.state / "open").rglob("*.warc.gz.open"))
    yield Finding("archive", "ok", f"{path}, {counted(len(known), 'source')}")
    if left:
        what = f"{counted(len(left), 'segment')} of a crawl that runs or died; the next crawl seals them"
        yield Finding("open segments", "warning", what)


CHECKS: tuple[tuple[str, Callable[[Home], Iterator[Finding]]], ...] = (
    ("settings", _check_settings),
    ("source files", _check_sources),
    ("disk", _check_disk),
    ("store", _check_stores),
    ("archive", _check_archive),
)
