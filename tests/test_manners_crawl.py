"""Manners proved from the server's own time stamps: spacing, Crawl-delay, Retry-After, robots.txt."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from tests.cli import newsark
from tests.faults import running_faults
from tests.newsroom import Site, running_newsroom

# Stamps are taken when the server has read a request, so two of them can be this much closer than their starts.
SLACK_SECONDS = 0.03
# What was sent before an answer came may be seen this much after it.
UNDER_WAY_SECONDS = 1.0


def crawl(site_url: str, cwd: Path, *options: str) -> dict[str, object]:
    """The report of a crawl of five articles."""
    host = site_url.partition("://")[2]
    fixed = ["--archive", "archive", "--allow-host", host, "--limit", "5", "--json"]
    (report,) = newsark("crawl", site_url + "/", *fixed, *options, cwd=cwd).json["sources"]
    return dict(report)


def gaps(site: Site) -> list[float]:
    """Seconds between one request and the next, as the server saw them."""
    return [later.monotonic_seconds - earlier.monotonic_seconds for earlier, later in pairwise(site.requests)]


def smallest_gap(tmp_path: Path, seconds: float, run: Callable[[Path], list[float]]) -> float:
    """The smallest gap of a crawl; of the best of three where it is too small. A stall of this machine makes a request
    look late, and the next one early, once in a while; a wait that is missing is missing each time."""
    smallest = 0.0
    for number in range(3):
        home = tmp_path / str(number)
        home.mkdir()
        smallest = max(smallest, min(run(home)))
        if smallest >= seconds - SLACK_SECONDS:
            break
    return smallest


def test_requests_are_spaced_robots_txt_and_all(tmp_path: Path) -> None:
    def run(home: Path) -> list[float]:
        with running_newsroom() as site:
            crawl(site.url, home, "--delay", "0.2")
            assert site.paths()[0] == "/robots.txt"
            assert len(site.requests) > 8
            return gaps(site)

    assert smallest_gap(tmp_path, 0.2, run) >= 0.2 - SLACK_SECONDS


def test_a_longer_crawl_delay_is_obeyed(tmp_path: Path) -> None:
    def run(home: Path) -> list[float]:
        with running_newsroom(robots_extra="Crawl-delay: 0.3") as site:
            crawl(site.url, home, "--delay", "0")
            return gaps(site)

    assert smallest_gap(tmp_path, 0.3, run) >= 0.3 - SLACK_SECONDS


def test_retry_after_holds_the_host_and_the_page_comes_later(tmp_path: Path) -> None:
    with running_newsroom(busy_once=["/feed.xml", "/atom.xml"], retry_after="2") as site:
        report = crawl(site.url, tmp_path, "--delay", "0")
        busy = [number for number, seen in enumerate(site.requests) if seen.status == 503]
        assert busy
        for number in busy:
            at = site.requests[number].monotonic_seconds
            sent_later = [seen.monotonic_seconds - at for seen in site.requests[number + 1 :]]
            # What was under way when the answer came had been sent already.
            assert all(gap >= 2 - SLACK_SECONDS or gap < UNDER_WAY_SECONDS for gap in sent_later)
        assert report["kinds"]["feed"] == {"captured": 3}


def test_redirects_are_spaced_too(tmp_path: Path) -> None:
    def run(home: Path) -> list[float]:
        with running_faults() as site:
            newsark(
                "crawl", site.url + "/redirect-chain?n=4", "--archive", "archive", "--delay", "0.2", "--json",
                "--allow-host", site.url.partition("://")[2], "--timeout", "5", cwd=home,
            )  # fmt: skip
            stamps = [visit.monotonic_seconds for visit in site.visits]
            assert len(stamps) > 4
            return [later - earlier for earlier, later in pairwise(stamps)]

    assert smallest_gap(tmp_path, 0.2, run) >= 0.2 - SLACK_SECONDS


def test_nothing_is_visited_where_robots_txt_is_unreachable(tmp_path: Path) -> None:
    with running_faults(robots_status=503) as site:
        ran = newsark(
            "crawl", site.url + "/", "--archive", "archive", "--delay", "0", "--json",
            "--allow-host", site.url.partition("://")[2], cwd=tmp_path,
        )  # fmt: skip
        assert {visit.path for visit in site.visits} == {"/robots.txt"}
        assert ran.code == 1
        assert "robots-unreachable" in ran.out
