"""A newsroom where everything goes wrong: each fault is named, the crawl goes on, memory stays bounded."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli import NEWSARK, newsark
from tests.faults import FaultSite, paths, running_faults

# Two readers with at most 32 MB of page each and what lxml makes of it, the fork server and the crawler.
MEMORY_BOUND_BYTES = 1_200_000_000


@dataclass(frozen=True, slots=True)
class Crawled:
    """The fault server, crawled once."""

    site: FaultSite
    directory: Path
    code: int
    report: dict[str, Any]
    peak_bytes: int

    def state(self, path: str) -> tuple[str, str | None]:
        """State and reason of the lead with that path, from the catalogue."""
        import sqlite3

        database = sqlite3.connect(self.directory / "archive" / ".newsark" / "catalogue.sqlite")
        row = database.execute("SELECT state, reason FROM leads WHERE url = ?", (self.site.url + path,)).fetchone()
        database.close()
        assert row is not None, f"{path} is no lead"
        return row[0], row[1]


def memory_of(process: psutil.Process) -> int:
    """Resident bytes of a process and all its children, now."""
    try:
        return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory = tmp_path_factory.mktemp("faults")
    with running_faults() as site:
        host = site.url.partition("://")[2]
        feeds = [paths.FEED_HTML, paths.FEED_BOMB, "/feed.xml"]
        sitemaps = [paths.SITEMAP_SELF, paths.SITEMAP_DEEP]
        (directory / "faults.toml").write_text(
            f'id = "faults"\nname = "faults"\nhome = "{site.url}/"\ndiscover = "listed"\ndelay_seconds = 0\n'
            f'max_concurrency = 8\nallow_hosts = ["{host}"]\n'
            f"feeds = {json.dumps([site.url + path for path in feeds])}\n"
            f"sitemaps = {json.dumps([site.url + path for path in sitemaps])}\n"
        )
        command = [NEWSARK, "crawl", "--source-file", "faults.toml", "--archive", "archive", "--json", "--timeout", "5"]
        environment = {"PATH": "/usr/bin:/bin", "NEWSARK_EXTRACT_TIMEOUT_SECONDS": "5", "NEWSARK_WORKERS": "2"}
        process = subprocess.Popen(
            command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        peak, watched = 0, psutil.Process(process.pid)
        answer: list[tuple[bytes, bytes]] = []
        reading = threading.Thread(target=lambda: answer.append(process.communicate()))
        reading.start()
        while reading.is_alive():
            peak = max(peak, memory_of(watched))
            time.sleep(0.1)
        assert answer[0][0], answer[0][1].decode()
        (report,) = json.loads(answer[0][0])["sources"]
        yield Crawled(site, directory, process.returncode, report, peak)


def test_the_crawl_ends_and_the_leads_add_up(crawled: Crawled) -> None:
    leads = crawled.report["leads"]
    assert leads["known"] == sum(leads[state] for state in ("captured", "unchanged", "failed", "refused", "pending"))
    assert crawled.report["outcome"] == "finished"
    assert leads["pending"] == 0
    assert crawled.code == 1


@pytest.mark.parametrize(
    ("path", "state", "reason"),
    [
        (paths.FEED_HTML, "failed", "not-a-feed"),
        (paths.SITEMAP_SELF, "captured", "sitemap-lists-itself"),
        (paths.GZIP_BOMB, "failed", "too-large"),
        (paths.ENDLESS, "failed", "truncated-length"),
        (paths.SLOW_DRIP, "failed", "truncated-time"),
        (paths.REDIRECT_LOOP, "failed", "redirect-loop"),
        (paths.HALF, "failed", "truncated-disconnect"),
        (paths.EXTRACTOR_SLOW, "failed", "reading-timed-out"),
        (paths.EMPTY_REPLY, "failed", "disconnect"),
        (paths.BAD_STATUS_LINE, "failed", "malformed"),
        (paths.REDIRECT_PRIVATE, "refused", "scope"),
        (paths.HUGE_HEADERS, "captured", None),
        (paths.CP1251_SAYS_UTF8, "captured", None),
        (paths.RETRY_AFTER, "captured", None),
        (paths.BROTLI, "captured", None),
        (paths.ZSTD, "captured", None),
        (paths.ARTICLE, "captured", None),
    ],
)
def test_each_fault_is_named_with_its_reason(crawled: Crawled, path: str, state: str, reason: str | None) -> None:
    assert crawled.state(path) == (state, reason)


def test_an_entity_bomb_is_told_and_not_expanded(crawled: Crawled) -> None:
    assert crawled.state(paths.FEED_BOMB) == ("captured", "entities-declared")


def test_a_sitemap_chain_is_followed_to_its_bound(crawled: Crawled) -> None:
    assert any(problem["reason"] == "sitemap-too-deep" for problem in crawled.report["problems"])


def test_a_url_of_five_thousand_characters_is_captured(crawled: Crawled, tmp_path: Path) -> None:
    long = f"{crawled.site.url}{paths.LONG_URL}/".ljust(5000, "t")
    host = crawled.site.url.partition("://")[2]
    (tmp_path / "long.toml").write_text(
        f'id = "long"\nname = "long"\nhome = "{crawled.site.url}/"\ndiscover = "listed"\ndelay_seconds = 0\n'
        f'allow_hosts = ["{host}"]\nsections = ["{long}"]\n'
    )
    ran = newsark("crawl", "--source-file", "long.toml", "--archive", "archive", "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.json["sources"][0]["leads"]["captured"] >= 1
    assert any(len(crawled.site.url + visit.target) == 5000 for visit in crawled.site.visits)


def test_memory_stays_bounded(crawled: Crawled) -> None:
    assert 50_000_000 < crawled.peak_bytes < MEMORY_BOUND_BYTES
