"""The settings and the source files, and what they need: readers, a browser, somebody to tell."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator

from crawler.rendering.needs import chromium_path, refuse_without_browser
from crawler.source import Source
from newsark.checking.finding import Finding
from newsark.home import Home
from storage.errors import NewsarkError

IMPOLITE_SECONDS = 0.5
READING_SECONDS = 7.0
BROWSER_SECONDS = 7.0


def check_reader() -> Iterator[Finding]:
    """Whether a reader process reads a page."""
    from pipelines.article import WHOLE
    from pipelines.page import PageInput
    from pipelines.pool import ReaderPool

    text = " ".join(["The harbour master said on Monday that the ferry would sail again."] * 8)
    page = PageInput(url="https://news.example.org/a", body=f"<h1>Ferry</h1><article><p>{text}</p></article>".encode())
    pool = ReaderPool(1, timeout_seconds=READING_SECONDS)
    try:
        reading = pool.submit(page).result()
    finally:
        pool.close()
    works = reading.kind in WHOLE
    yield Finding("reader process", "ok" if works else "fault", "reads a page" if works else str(reading.reason))


def check_settings(home: Home) -> Iterator[Finding]:
    """Settings that work and are not good."""
    settings = home.settings
    if settings.contact:
        yield Finding("contact", "ok", settings.contact)
    else:
        problem = "none is set; newsrooms cannot ask who visits. Set `contact` in newsark.toml"
        yield Finding("contact", "warning", problem)
    if settings.delay_seconds is not None and settings.delay_seconds < IMPOLITE_SECONDS:
        yield Finding("delay_seconds", "warning", f"{settings.delay_seconds:g} s between requests is not polite")


def check_alerts(home: Home) -> Iterator[Finding]:
    """Whether somebody is told, and the addresses are ones that can be sent to; nothing is sent."""
    from newsark.alerting import messenger

    if messenger(home) is None:
        yield Finding("alerts", "ok", "nobody is told what happens: `alert_to` is not set")
    else:
        count = len(home.settings.alert_to)
        yield Finding("alerts", "ok", f"{count} in `alert_to`; newsark alerts test sends to each")


def check_sources(home: Home) -> Iterator[Finding]:
    """The source files, and what is unusual in them."""
    files = home.source_files()
    yield Finding("source files", "ok", f"{len(files)} in {home.sources_directory}")
    for known in files:
        if known.source.insecure_tls:
            yield Finding(known.source.id, "warning", "takes pages without verified TLS; each record says so")
        if known.source.robots == "ignore":
            yield Finding(known.source.id, "warning", f"ignores robots.txt: {known.source.robots_reason}")


def check_browser(home: Home) -> Iterator[Finding]:
    """Whether the pages of sources that want it can be rendered, and how safely."""
    rendered = [known.source for known in home.source_files() if known.source.render]
    if rendered:
        yield _browser(rendered)


def _browser(sources: list[Source]) -> Finding:
    try:
        refuse_without_browser(sources)
    except NewsarkError as problem:
        return Finding("browser", "fault", str(problem))
    path = str(chromium_path())
    is_root = os.geteuid() == 0
    why = _why_not_started(path, is_root=is_root)
    if why:
        return Finding("browser", "fault", f"{path} does not start: {why}")
    if is_root:
        return Finding("browser", "warning", f"{path} has no sandbox for root: crawl as another user")
    return Finding("browser", "ok", f"{path} starts and shows a page")


def _why_not_started(path: str, *, is_root: bool) -> str | None:
    """Why the browser shows no page, or None."""
    with tempfile.TemporaryDirectory(prefix="newsark-doctor-", ignore_cleanup_errors=True) as profile:
        command = [path, "--headless", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
        command += [*(["--no-sandbox"] if is_root else []), "data:text/html,<p>shown</p>"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=BROWSER_SECONDS, check=False)  # noqa: S603 - our own words, which no shell reads
        except subprocess.TimeoutExpired:
            return f"no page within {BROWSER_SECONDS:g} s"
        except OSError as problem:
            return problem.strerror or str(problem)
    if "shown" in done.stdout:
        return None
    said = done.stderr.strip().splitlines()
    return said[-1][:300] if said else f"it ended with {done.returncode}"
