"""Crawls of a server where everything goes wrong, and of one that asks for manners; judged by what the servers saw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from tests.cli import Ran
from tests.crawling import Crawling, Leads, assert_sound, report_of, start, start_site, wait_until, write_source
from tests.faults import FAULTS, FaultSite, paths, running_faults
from tests.faults.bodies import story_of
from tests.in_process import asked
from tests.newsroom import Site, running_newsroom
from tests.newsroom.feeds import FEED_STORIES
from tests.newsroom.newsroom import Newsroom

# Two readers, the largest bodies and pages that are read by default. Measured: 0.9 GB as the sum of all processes'
# resident memory, 0.6 GB when what they share is counted once; the slowest page's reader alone has 0.4 GB.
MOST_BYTES = 1_300_000_000
MOST_SECONDS = 45
MOST_BODY_BYTES = 8_000_000
TICK_SECONDS = 0.05

FED = Newsroom().stories("en")[:FEED_STORIES]
"""The stories of the newsroom's English feed, newest first."""

MOVED = next(story for story in FED if story.moved_from)
LONG_ADDRESS = "{}" + paths.LONG_URL + "/" + "tide" * 1250

GOOD = (
    paths.ARTICLE,
    paths.BROTLI,
    paths.ZSTD,
    paths.DEFLATE_RAW,
    paths.CP1251_SAYS_UTF8,
    paths.NO_CONTENT_LENGTH_CLOSE,
    paths.HTTP10,
    paths.CHUNKED_TRAILERS,
    paths.HUGE_HEADERS,
    paths.FOLDED_HEADER,
    paths.ODD_CASE_HEADERS,
    paths.HEADER_NO_SPACE,
    paths.NUL_IN_HEADER,
    paths.EARLY_HINTS,
    paths.SET_COOKIES,
    paths.RETRY_AFTER,
)
WRONG = {
    paths.GZIP_TORN: ("failed", "truncated"),
    paths.LONG_URL: ("failed", "other"),
    paths.FEED_HTML: ("failed", "not-a-feed"),
    paths.FEED_BOMB: ("captured", "entities-declared"),
    paths.SITEMAP_SELF: ("captured", "sitemap-lists-itself"),
    f"{paths.SITEMAP_DEEP}/4": ("captured", "sitemap-too-deep"),
    paths.ROBOTS_503: ("failed", "http-503"),
    paths.GZIP_BOMB: ("failed", "too-large"),
    paths.UNKNOWN_CODING: ("failed", "undecodable"),
    paths.EXTRACTOR_SLOW: ("failed", "reading-timed-out"),
    paths.ENDLESS: ("failed", "truncated-length"),
    paths.SLOW_DRIP: ("failed", "truncated-time"),
    paths.HALF: ("failed", "truncated-disconnect"),
    paths.RESET: ("failed", "truncated-disconnect"),
    paths.EMPTY_REPLY: ("failed", "disconnect"),
    paths.BAD_CHUNK: ("failed", "truncated-unspecified"),
    paths.BAD_STATUS_LINE: ("failed", "malformed"),
    paths.DUPLICATE_CONTENT_LENGTH: ("failed", "malformed"),
    paths.REDIRECT_LOOP: ("failed", "redirect-loop"),
    paths.REDIRECT_CHAIN: ("failed", "redirect-loop"),
    paths.REDIRECT_PRIVATE: ("refused", "private-address"),
    paths.REDIRECT_METADATA: ("refused", "metadata-address"),
    paths.REFUSE_PATH: ("refused", "scope"),
}


S = TypeVar("S", Site, FaultSite)


@dataclass(slots=True)
class Begun(Generic[S]):
    """A crawl of a site, begun; `ran` waits for its end."""

    site: S
    directory: Path
    crawling: Crawling
    _ran: Ran | None = None

    @property
    def archive(self) -> Path:
        return self.directory / "archive"

    @property
    def ran(self) -> Ran:
        """What it did, once it has ended."""
        self._ran = self._ran or self.crawling.ended(MOST_SECONDS)
        return self._ran

    @property
    def problems(self) -> dict[str, dict[str, Any]]:
        """The report's problems by reason."""
        return {problem["reason"]: problem for problem in report_of(self.ran)["problems"]}

    @property
    def leads(self) -> dict[str, int]:
        """The report's sum."""
        return dict(report_of(self.ran)["leads"])


@dataclass(frozen=True, slots=True)
class Crawls:
    """The module's crawls: they wait more than they work, so they are begun together and looked at one by one."""

    faults: Begun[FaultSite]
    spaced: Begun[Site]
    delayed: Begun[Site]
    busy: Begun[Site]
    held: Begun[Site]
    unreachable: Begun[FaultSite]


@pytest.fixture(scope="module", autouse=True)
def crawls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawls]:
    make = tmp_path_factory.mktemp
    with ExitStack() as servers:
        faults = begin_faults(servers.enter_context(running_faults()), make("faults"))
        # Its timeouts are real ones: the others begin when all it has left to do is to try again.
        wait_until(lambda: len([seen for seen in faults.site.visits if seen.path == paths.RETRY_AFTER]) > 1)
        site = servers.enter_context(running_newsroom())
        spaced = Begun(site, make("spaced"), start_site(site.url + MOVED.moved_from[0], make("s"), "--delay", "0.5"))
        rules = f"Crawl-delay: 0.4\nDisallow: {FED[0].path}"
        delayed = begin_feed(servers.enter_context(running_newsroom(robots_extra=rules)), make("delayed"))
        site = servers.enter_context(running_newsroom(busy_once={FED[0].path}, retry_after="2"))
        busy = begin_feed(site, make("busy"))
        site = servers.enter_context(running_newsroom(busy_once={FED[0].path}, retry_after="3600"))
        held = begin_feed(site, make("held"))
        down = servers.enter_context(running_faults(robots_status=503))
        unreachable = Begun(down, make("unreachable"), start_site(down.url + "/", make("u")))
        every = (faults, spaced, delayed, busy, held, unreachable)
        yield Crawls(*every)
        for one in every:
            if one.crawling.process.poll() is None:
                one.crawling.kill()


def begin_faults(site: FaultSite, directory: Path) -> Begun[FaultSite]:
    """Begin the crawl of every fault there is."""
    file = write_source(
        directory / "faults.toml",
        site.url,
        feeds=[site.url + path for path in ("/feed.xml", paths.FEED_HTML, paths.FEED_BOMB)],
        sitemaps=[site.url + path for path in (paths.SITEMAP_SELF, paths.SITEMAP_DEEP)],
        sections=[LONG_ADDRESS.format(site.url)],
        hosts=["127.0.0.2", "169.254.169.254"],
        max_concurrency=8,
    )
    settings = {"extract_timeout_seconds": 4, "workers": 2, "max_body_bytes": MOST_BODY_BYTES}
    crawling = start(["--source-file", file, "--timeout", "4"], directory, settings=settings)
    crawling.watch_memory()
    return Begun(site, directory, crawling)


def begin_feed(site: Site, directory: Path) -> Begun[Site]:
    """Begin a crawl of the newsroom's English feed, one request at a time."""
    return Begun(site, directory, start(["--source-file", english_feed(site, directory)], directory))


def gaps(times: list[float]) -> list[float]:
    """Seconds between one and the next."""
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def english_feed(site: Site, directory: Path) -> Path:
    """A source file for the newsroom's English feed, one request at a time."""
    feed = site.url + site.newsroom.edition("en").feed
    return write_source(directory / "en.toml", site.url, feeds=[feed], max_concurrency=1)


# Manners, proved from the server's own time stamps.


def test_requests_are_spaced_across_robots_txt_and_redirects(crawls: Crawls) -> None:
    assert crawls.spaced.ran.code == 0, crawls.spaced.ran.err
    requests = crawls.spaced.site.requests
    assert [seen.path for seen in requests][:3] == ["/robots.txt", MOVED.moved_from[0], MOVED.path]
    assert min(gaps([seen.monotonic_seconds for seen in requests])) >= 0.5 - TICK_SECONDS


def test_crawl_delay_and_disallow_are_obeyed_and_the_line_is_named(crawls: Crawls) -> None:
    crawl, secret = crawls.delayed, FED[0].path
    assert crawl.ran.code == 0, crawl.ran.err
    assert min(gaps([seen.monotonic_seconds for seen in crawl.site.requests])) >= 0.4 - TICK_SECONDS
    assert {story.path for story in FED} - set(crawl.site.paths()) == {secret}
    refused = crawl.problems["robots"]
    assert (refused["state"], refused["urls"]) == ("refused", [crawl.site.url + secret])
    assert f"Disallow: {secret}" in refused["detail"]


def test_retry_after_holds_the_whole_host_and_then_the_page_is_captured(crawls: Crawls) -> None:
    crawl = crawls.busy
    assert crawl.ran.code == 0, crawl.ran.err
    requests = crawl.site.requests
    first, second = [number for number, seen in enumerate(requests) if seen.path == FED[0].path]
    assert (requests[first].status, requests[second].status) == (503, 200)
    assert requests[first + 1].monotonic_seconds - requests[first].monotonic_seconds >= 2 - TICK_SECONDS
    assert crawl.leads["captured"] == crawl.leads["known"] == 1 + len(FED)


def test_a_host_that_asks_for_an_hour_is_left_alone_and_the_crawl_ends(crawls: Crawls) -> None:
    crawl = crawls.held
    assert crawl.ran.code == 0, crawl.ran.err
    assert crawl.site.paths()[-1] == FED[0].path
    assert (crawl.leads["captured"], crawl.leads["pending"]) == (1, len(FED))
    assert {reason: (one["state"], one["count"]) for reason, one in crawl.problems.items()} == {
        "http-503": ("pending", 1),
        "retry-after": ("pending", len(FED) - 1),
    }
    # Neither what was not visited nor what is tried again was observed yet.
    assert Leads(crawl.archive).rows("url", "observations") == []


def test_nothing_is_visited_while_robots_txt_answers_503(crawls: Crawls) -> None:
    crawl = crawls.unreachable
    assert crawl.ran.code == 1
    assert [seen.path for seen in crawl.site.visits] == ["/robots.txt"]
    assert crawl.leads["refused"] == crawl.leads["known"] == 1
    assert set(crawl.problems) == {"robots-unreachable"}


def test_limit_and_since_choose_what_is_visited_and_the_rest_stays_pending(tmp_path: Path) -> None:
    with running_newsroom() as site:
        file = english_feed(site, tmp_path)
        assert report_of(start(["--source-file", file, "--limit", "2"], tmp_path).ended())["leads"]["captured"] == 1 + 2
        assert {story.path for story in FED[:2]} <= set(site.paths())
        since = FED[4].published
        ran = start(["--source-file", file, "--since", since.isoformat()], tmp_path).ended()
        asked = [path for path in site.paths() if path in {story.path for story in FED}]
        assert sorted(asked) == sorted(story.path for story in FED if story.published >= since)
        assert report_of(ran)["leads"]["pending"] == len(FED) - len(asked)


# Certificates.


def test_a_page_of_an_unproved_server_is_kept_only_where_the_source_says_so_and_the_record_says_so(
    tmp_path: Path,
) -> None:
    with running_faults(tls="self-signed") as site:
        keys: dict[str, Any] = {"feeds": [f"{site.url}/feed.xml"], "include": [paths.ARTICLE]}
        strict = write_source(tmp_path / "strict.toml", site.url, **keys)
        trusting = write_source(tmp_path / "trusting.toml", site.url, insecure_tls=True, **keys)
        ran = start(["--source-file", strict, "--source-file", trusting], tmp_path).ended()
        assert ran.code == 1
        first, second = ran.json["sources"]
        assert [(one["state"], one["reason"]) for one in first["problems"]] == [("failed", "certificate")]
        assert second["leads"]["captured"] == 2
        (record,) = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines
        assert record["url"] == site.url + paths.ARTICLE
        assert record["archive"]["tlsVerified"] is False


# Everything that goes wrong, in one crawl.


def test_each_fault_is_named_with_its_reason_and_url(crawls: Crawls) -> None:
    named = {
        url.removeprefix(crawls.faults.site.url): (problem["state"], problem["reason"])
        for problem in report_of(crawls.faults.ran)["problems"]
        for url in problem["urls"]
    }
    assert named == WRONG
    status = report_of(asked("status", "--json", "--archive", "archive", cwd=crawls.faults.directory))
    assert status["problems"] == report_of(crawls.faults.ran)["problems"]


def test_no_fault_stops_the_crawl_and_every_lead_ends_in_a_state(crawls: Crawls) -> None:
    report = report_of(crawls.faults.ran)
    assert crawls.faults.ran.code == 1
    assert (report["outcome"], report["adds_up"]) == ("finished", True)
    assert report["leads"]["pending"] == 0
    outcomes = Leads(crawls.faults.archive).outcomes()
    assert {path.removeprefix("/") for path in FAULTS} <= set(outcomes)
    assert crawls.faults.ran.err == ""


def test_good_articles_are_captured_with_their_words(crawls: Crawls) -> None:
    outcomes = Leads(crawls.faults.archive).outcomes()
    assert {path: outcomes[path.removeprefix("/")] for path in GOOD} == dict.fromkeys(GOOD, ("captured", None))
    exported = asked("export", "-o", "-", "--archive", "archive", cwd=crawls.faults.directory).lines
    records = {record["url"].removeprefix(crawls.faults.site.url): record for record in exported}
    for path in GOOD:
        story = story_of(path)
        assert records[path]["headline"] == story.headline
        assert story.paragraphs[0] in records[path]["articleBody"], path


def test_an_address_of_five_thousand_characters_is_visited(crawls: Crawls) -> None:
    assert crawls.faults.ran.code == 1
    (state,) = [state for path, state in Leads(crawls.faults.archive).outcomes().items() if len(path) > 5000]
    assert state == ("captured", None)


def test_the_server_is_asked_three_times_at_most_and_a_private_address_never(crawls: Crawls) -> None:
    assert crawls.faults.ran.code == 1
    asked = [seen.path for seen in crawls.faults.site.visits]
    thrice = (paths.HALF, paths.RESET, paths.ROBOTS_503)
    once = (paths.ENDLESS, paths.GZIP_BOMB, paths.EXTRACTOR_SLOW, paths.SLOW_DRIP, paths.BAD_CHUNK, paths.FEED_HTML)
    assert {path: asked.count(path) for path in thrice} == dict.fromkeys(thrice, 3)
    assert {path: asked.count(path) for path in once} == dict.fromkeys(once, 1)
    assert "/admin" not in asked


def test_memory_stays_bounded(crawls: Crawls) -> None:
    assert crawls.faults.ran.code == 1
    assert 0 < crawls.faults.crawling.peak_bytes < MOST_BYTES


def test_what_went_wrong_is_kept_as_it_came(crawls: Crawls) -> None:
    assert crawls.faults.ran.code == 1
    assert_sound(crawls.faults.archive, bombs=True)
