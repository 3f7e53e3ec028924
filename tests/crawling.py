"""A crawl that is under way in processes of its own: watched, interrupted, killed; and what it left on the disk."""

from __future__ import annotations

import gzip
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from warcio.checker import Checker

from crawler.source import source_for_url
from storage.directory import DirectoryStore
from storage.readback import read_capture
from tests.cli import NEWSARK, Ran

CRAWL = ("crawl", "--archive", "archive", "--contact", "test@localhost", "--json")
SAMPLE_SECONDS = 0.1


@dataclass(slots=True)
class Crawling:
    """A `newsark crawl` in a session of its own, as a terminal or a service manager would run it."""

    process: subprocess.Popen[bytes]
    peak_bytes: int = 0
    _seen: dict[int, psutil.Process] = field(default_factory=dict)

    def processes(self) -> list[psutil.Process]:
        """The crawl's processes that live: its own, the readers', and those that start readers."""
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            self._seen |= {one.pid: one for one in (main, *main.children(recursive=True))}
        return [one for one in self._seen.values() if _lives(one)]

    def send(self, number: signal.Signals) -> None:
        """Signal all of its processes, as Ctrl-C in a terminal and a service manager do."""
        self.processes()
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End all of its processes at once, nothing flushed and nothing closed."""
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.communicate()

    def ended(self, seconds: float = 60.0) -> Ran:
        """What it did, when it has ended."""
        out, err = self.process.communicate(timeout=seconds)
        return Ran(self.process.returncode, out.decode(), err.decode())

    def watch_memory(self) -> None:
        """Sum the resident memory of all its processes until it ends; `peak_bytes` is the most there was."""
        threading.Thread(target=self._watch_memory, daemon=True).start()

    def _watch_memory(self) -> None:
        while self.process.poll() is None:
            sizes = [_resident_bytes(one) for one in self.processes()]
            self.peak_bytes = max(self.peak_bytes, sum(sizes))
            time.sleep(SAMPLE_SECONDS)


def start(
    what: Sequence[str | Path],
    cwd: Path,
    *,
    command: Sequence[str] = CRAWL,
    settings: Mapping[str, object] | None = None,
) -> Crawling:
    """Begin `newsark crawl`, or another command, with these arguments; `settings` become NEWSARK_ variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    variables = {f"NEWSARK_{name.upper()}": str(value) for name, value in (settings or {}).items()}
    return Crawling(
        subprocess.Popen(
            [NEWSARK, *command, *map(str, what)],
            cwd=cwd,
            env=clean | {"COLUMNS": "200", "NO_COLOR": "1"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    )


def start_site(url: str, cwd: Path, *options: str, **settings: object) -> Crawling:
    """Begin a crawl of a site on loopback, without a delay unless `options` say one."""
    delay = () if "--delay" in options else ("--delay", "0")
    return start((url, "--allow-host", host_of(url), *delay, *options), cwd, settings=settings)


def host_of(url: str) -> str:
    """Host and port."""
    return urlsplit(url).netloc


def id_of(url: str) -> str:
    """The id of the source that a URL makes when it is crawled."""
    return source_for_url(url).id


def write_source(path: Path, site_url: str, **keys: object) -> Path:
    """A source file for a site on loopback that lists its places itself and asks without a delay."""
    chosen: dict[str, object] = {"id": path.stem, "name": path.stem, "home": site_url + "/", "discover": "listed"}
    chosen |= {"allow_hosts": [host_of(site_url)], "delay_seconds": 0.0, "requisites": "none", **keys}
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in chosen.items()))
    return path


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def report_of(ran: Ran) -> dict[str, Any]:
    """The only source of a crawl's report or of a status."""
    (only,) = ran.json["sources"]
    return dict(only)


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Leads:
    """What the catalogue of an archive says of its leads, read while a crawl may be writing."""

    archive: Path

    def rows(self, columns: str, table: str = "leads") -> list[tuple[Any, ...]]:
        """Rows of a table; none while there is no catalogue yet."""
        place = self.archive / ".newsark" / "catalogue.sqlite"
        try:
            with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
                return connection.execute(f"select {columns} from {table}").fetchall()
        except sqlite3.OperationalError:
            return []

    def kept(self) -> set[str]:
        """The URLs whose state is captured or unchanged: what `newsark status` counts as such."""
        return {url for url, state in self.rows("url, state") if state in ("captured", "unchanged")}

    def outcomes(self) -> dict[str, tuple[str, str | None]]:
        """Path and query of each lead, with its state and reason."""
        rows = self.rows("url, state, reason")
        return {url.partition("://")[2].partition("/")[2]: (state, reason) for url, state, reason in rows}


def assert_sound(archive: Path, *, bombs: bool = False) -> None:
    """Every WARC is whole, and everything the catalogue has points at whole records that say the same.

    With `bombs` warcio is not asked: it unpacks every body as far as it goes.
    """
    paths = sorted(archive.glob("warc/*/*/*/*.warc.gz"))
    assert paths
    for path in paths:
        gzip.decompress(path.read_bytes())
        options = type("Options", (), {"inputs": [str(path)], "verbose": False})()
        assert bombs or Checker(options).process_all() == 0, path
    store, leads = DirectoryStore(archive), Leads(archive)
    captures = leads.rows('url, key, "offset", length, record_id', "captures")
    assert captures
    for url, key, offset, length, record_id in captures:
        stored = read_capture(store, key, offset, length)
        assert (stored.target_uri, stored.record_id) == (url, record_id)
    assert not leads.rows("1", "leads where capture_id not in (select id from captures)")
    lines = set(_lines(archive.glob("records/*/*/*/*.jsonl.gz")))
    for (line,) in leads.rows("line", "versions"):
        assert line.strip().encode() in lines
    opened = (archive / ".newsark" / "open").rglob("*")
    assert {path.name for path in opened if path.is_file()} <= {"serial"}


def _lines(paths: Iterable[Path]) -> Iterable[bytes]:
    for path in paths:
        yield from gzip.decompress(path.read_bytes()).splitlines()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
