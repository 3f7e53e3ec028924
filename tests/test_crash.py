"""A crawl that is killed, stopped or out of disk: at most a second visit, never a hole and never a torn file."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select
from warcio.checker import Checker

from benchmarks import crashpoints
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.readback import read_capture
from tests.cli import NEWSARK, newsark
from tests.in_process import asked
from tests.newsroom import Site, running_newsroom

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_newsroom() as opened:
        yield opened


def start(site: Site, cwd: Path, *options: str) -> subprocess.Popen[bytes]:
    """A crawl under way."""
    host = site.url.partition("://")[2]
    command = [NEWSARK, "crawl", site.url + "/", "--archive", "archive", "--allow-host", host, "--json", *options]
    environment = {"PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def finish(site: Site, cwd: Path) -> dict[str, Any]:
    """The report of a crawl that is left alone."""
    host = site.url.partition("://")[2]
    fixed = ["--archive", "archive", "--allow-host", host, "--delay", "0", "--json"]
    ran = newsark("crawl", site.url + "/", *fixed, cwd=cwd)
    assert ran.code == 0, ran.out + ran.err
    (report,) = ran.json["sources"]
    return dict(report)


def captured(cwd: Path) -> set[str]:
    """URLs of the articles that the catalogue calls captured."""
    path = cwd / "archive" / ".newsark" / "catalogue.sqlite"
    if not path.exists():
        return set()
    database = sqlite3.connect(path, timeout=30)
    try:
        query = "SELECT url FROM leads WHERE kind = 'article' AND state = 'captured'"
        return {row[0] for row in database.execute(query)}
    except sqlite3.OperationalError:
        return set()
    finally:
        database.close()


def captures(cwd: Path) -> dict[str | None, Capture]:
    """Every capture that the catalogue knows, by record id."""
    catalogue = Catalogue(f"sqlite:///{cwd / 'archive' / '.newsark' / 'catalogue.sqlite'}", lambda: datetime.now(UTC))
    with catalogue.begin() as connection:
        found = [capture_from_row(tuple(row)) for row in connection.execute(select(*capture_columns()))]
    catalogue.close()
    return {one.record_id: one for one in found if one is not None}


def wait_for(cwd: Path, articles: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many articles are captured."""
    deadline = time.monotonic() + 40
    while len(captured(cwd)) < articles:
        assert process.poll() is None, (process.stderr or process.stdout).read()
        assert time.monotonic() < deadline, "the crawl did not come so far"
        time.sleep(0.02)


def assert_whole(site: Site, cwd: Path) -> None:
    """Every story has one record whose bytes can be read, and every file is whole."""
    records = asked("export", "-o", "-", "--archive", "archive", cwd=cwd).lines
    assert {record["url"] for record in records} == {site.url + story.path for story in site.newsroom.stories()}
    store = DirectoryStore(cwd / "archive")
    known = captures(cwd)
    for record in records:
        where = record["archive"]
        stored = read_capture(
            store, where["filename"], where["offset"], where["length"], resolve=lambda one: known.get(one.record_id)
        )
        assert stored.payload is not None
        assert "sha256:" + hashlib.sha256(stored.payload).hexdigest() == where["payloadDigest"]
    for path in (cwd / "archive").glob("warc/**/*.warc.gz"):
        gzip.decompress(path.read_bytes())
        assert Checker(type("Options", (), {"inputs": [str(path)], "verbose": False})()).process_all() == 0
    assert not list((cwd / "archive" / ".newsark" / "open").rglob("*.open"))


@pytest.mark.parametrize("articles", [0, 5, 20])
def test_a_killed_crawl_goes_on_without_a_hole(site: Site, tmp_path: Path, articles: int) -> None:
    process = start(site, tmp_path, "--delay", "0.05")
    wait_for(tmp_path, articles, process)
    if articles == 0:
        time.sleep(1.5)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    before = captured(tmp_path)
    assert len(before) < len(site.newsroom.stories())
    finish(site, tmp_path)
    assert before <= captured(tmp_path)
    assert_whole(site, tmp_path)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_crawl_ends_soon_and_seals_what_it_has(site: Site, tmp_path: Path, number: int) -> None:
    process = start(site, tmp_path, "--delay", "0.3")
    wait_for(tmp_path, 3, process)
    process.send_signal(number)
    stopped = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - stopped < 10
    assert process.returncode == 130, err.decode()
    (report,) = json.loads(out)["sources"]
    assert report["outcome"] == "interrupted"
    assert report["leads"]["failed"] == 0
    assert not list((tmp_path / "archive" / ".newsark" / "open").rglob("*.open"))
    finish(site, tmp_path)
    assert_whole(site, tmp_path)


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="limits of a running process are Linux's")
def test_a_crawl_without_room_waits_for_it_and_loses_nothing(site: Site, tmp_path: Path) -> None:
    process = start(site, tmp_path, "--delay", "0.1")
    wait_for(tmp_path, 3, process)
    (warc,) = (tmp_path / "archive" / ".newsark" / "open").rglob("*.warc.gz.open")
    crawl = psutil.Process(process.pid)
    crawl.rlimit(psutil.RLIMIT_FSIZE, (warc.stat().st_size + 10_000, -1))
    time.sleep(4)
    before, asked = warc.read_bytes(), len(site.requests)
    time.sleep(0.7)
    assert (warc.read_bytes(), len(site.requests)) == (before, asked)
    crawl.rlimit(psutil.RLIMIT_FSIZE, (-1, -1))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    (report,) = json.loads(out)["sources"]
    assert report["outcome"] == "finished"
    assert b"paused, the disk of" in err
    assert_whole(site, tmp_path)


def test_every_crash_point_of_the_benchmark_is_in_the_program() -> None:
    assert crashpoints.missing() == []


@pytest.mark.skipif(shutil.which("cc") is None, reason="the medium that forgets is built with a C compiler")
def test_a_power_cut_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/crash.py", "--pages", "20", "--kills", "0", "--medium", "forgets"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*command, "--point", "acknowledged"], cwd=ROOT, capture_output=True, env=environment, check=False, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills at named steps"] == 1
    assert found["writes and names taken back"] > 0
    losses = [name for name in found if name.startswith(("pages missing", "pages without", "torn", "acknowledged"))]
    assert len(losses) == 6
    assert [name for name in losses if found[name]] == [], done.stdout


def test_two_crawls_do_not_share_a_source(site: Site, tmp_path: Path) -> None:
    first = start(site, tmp_path, "--delay", "0.1")
    wait_for(tmp_path, 1, first)
    second = start(site, tmp_path)
    out, _ = second.communicate(timeout=30)
    (report,) = json.loads(out)["sources"]
    assert str(first.pid) in json.dumps(report["problems"])
    assert second.returncode != 0
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert_whole(site, tmp_path)
