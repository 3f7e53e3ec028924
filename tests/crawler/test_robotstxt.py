from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.robotstxt import LIMIT_BYTES, RobotsAnswer, RobotsRules
from storage.exchange import Exchange, FetchFailure, Truncation

SITE = "https://news.example"


def allowed(robots: str, path: str, token: str = "newsark") -> bool:
    return RobotsRules.parse(robots.encode()).allowed(SITE + path, token).allowed


@pytest.mark.parametrize(
    ("robots", "path", "expected"),
    [
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: /\nUser-agent: Newsark/1.0 (archive)\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow:\nUser-agent: newsark\nDisallow: /", "/a", False),
        ("User-agent: newsarkbot\nDisallow: /", "/a", True),
        (
            "User-agent: newsark\nAllow: /a\nUser-agent: x\nAllow: /\nUser-agent: newsark\nDisallow: /a/b",
            "/a/b",
            False,
        ),
        ("User-agent: other\n\nSitemap: /s.xml\nUser-agent: newsark\nDisallow: /", "/a", False),
        ("User-agent: *\nCrawl-delay: 5\n\nUser-agent: badbot\nDisallow: /", "/a", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b", False),
        ("User-agent: *\nDisallow: a", "/a", False),
        ("User-agent: *\nDisallow: *?print", "/a?x&print", True),
        ("User-agent: *\nDisallow: *print", "/a?x&print", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?b", True),
        ("User-agent: *\nDisallow: /новости", "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/1", False),
        ("User-agent: *\nDisallow: /%d0%bd", "/%D0%BD1", False),
        ("User-agent: *\nDisallow: /%70rivate", "/private", False),
        ("User-agent: *\nDisallow: /private", "/%70riv%61te", False),
        ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
        ("User-agent: *\nDisallow: /\nAllow: /%70ublic", "/public", False),
        ("User-agent: *\nDisallow: /\nAllow: /x/index.html", "/x/", True),
        ("User-agent: *\nDisallow: /\nAllow: /x/index.html", "/x/y", False),
        ("User-agent: *\nDisallow: /a # not /b", "/a", False),
        ("User-agent *\nDisallow /", "/a", False),
        ("User-agent: *\nDisallow / now", "/a", True),
        ("useragent: *\ndissallow: /", "/a", False),
        ("\ufeffUser-agent: *\r\nDisallow: /\r\n", "/a", False),
        ("User-agent: *\rDisallow: /\r", "/a", False),
        ("<html><body>User-agent: *<br>Disallow: /</body></html>", "/a", True),
        ("User-agent: 123\nDisallow: /", "/a", True),
    ],
)
def test_a_robots_file_means_what_the_rfc_and_its_polite_reading_say(robots: str, path: str, expected: bool) -> None:
    assert allowed(robots, path) is expected


def test_the_record_names_the_line_that_decided() -> None:
    rules = RobotsRules.parse(b"# hello\nUser-agent: newsark\nAllow: /a\nDisallow: /a/b   # drafts\n")
    assert rules.allowed(f"{SITE}/a/b/c", "Newsark") == (False, "robots.txt line 4: Disallow: /a/b")
    assert rules.allowed(f"{SITE}/a", "newsark") == (True, "robots.txt line 3: Allow: /a")
    assert rules.allowed(f"{SITE}/z", "newsark") == (True, "no robots.txt rule for newsark matches")
    assert rules.allowed(f"{SITE}/z", "other") == (True, "robots.txt has no rules for other")


def test_a_url_without_path_or_with_a_query_alone_is_the_root() -> None:
    rules = RobotsRules.parse(b"User-agent: *\nDisallow: /$\nDisallow: /?")
    assert not rules.allowed("https://news.example", "newsark").allowed
    assert not rules.allowed("https://news.example?x=/y", "newsark").allowed
    assert rules.allowed("https://news.example/x#/", "newsark").allowed


def test_the_longest_crawl_delay_of_the_group_counts_and_nonsense_does_not() -> None:
    rules = RobotsRules.parse(
        b"User-agent: *\nCrawl-delay: 1\nUser-agent: newsark\nCrawl-delay: 2.5\nCrawl-delay: -7\n"
        b"Crawl-delay: 1e9\nCrawl-delay: ten\nCrawl-delay: .5\nUser-agent: none\nDisallow: /x"
    )
    assert rules.crawl_delay("newsark") == 2.5
    assert rules.crawl_delay("other") == 1.0
    assert rules.crawl_delay("none") is None
    assert RobotsRules.parse(b"Crawl-delay: 3").crawl_delay("newsark") is None


def test_sitemaps_are_found_anywhere_made_absolute_and_named_once() -> None:
    body = b"Sitemap: /a.xml\nUser-agent: *\nSITE-MAP: https://cdn.example/b.xml\nSitemap: /a.xml\nSitemap: ftp://c/d"
    rules = RobotsRules.parse(body, f"{SITE}/robots.txt")
    assert rules.sitemaps == (f"{SITE}/a.xml", "https://cdn.example/b.xml", "ftp://c/d")


def test_half_a_mebibyte_is_read_and_what_follows_is_not() -> None:
    head, rule = b"User-agent: *\n", b"\nDisallow: /late"
    inside = head + b"#" * (LIMIT_BYTES - len(head) - len(rule)) + rule
    assert not RobotsRules.parse(inside).allowed(f"{SITE}/late", "newsark").allowed
    beyond = RobotsRules.parse(head + b"#" * LIMIT_BYTES + rule)
    assert beyond.truncated
    assert beyond.allowed(f"{SITE}/late", "newsark").allowed


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_are_read(body: bytes, path: str) -> None:
    rules = RobotsRules.parse(b"User-agent: *\n" + body, f"{SITE}/robots.txt")
    assert isinstance(rules.allowed(f"{SITE}/{path}", "newsark").rule, str)


def exchange(status: int | None, truncated: Truncation | None = None) -> Exchange:
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    head = b"" if status is None else b"HTTP/1.1 %d X\r\n\r\n" % status
    failure = FetchFailure("timeout", "no answer within 30 s") if status is None else None
    return Exchange(f"{SITE}/robots.txt", b"", moment, moment, head, truncated=truncated, failure=failure)


@pytest.mark.parametrize(
    ("status", "truncated", "verdict"),
    [
        (200, None, "rules"),
        (204, None, "rules"),
        (200, "length", "rules"),
        (200, "disconnect", "disallow-all"),
        (301, None, "allow-all"),
        (304, None, "disallow-all"),
        (401, None, "allow-all"),
        (403, None, "allow-all"),
        (404, None, "allow-all"),
        (410, None, "allow-all"),
        (429, None, "disallow-all"),
        (500, None, "disallow-all"),
        (503, None, "disallow-all"),
        (999, None, "disallow-all"),
        (None, None, "disallow-all"),
    ],
)
def test_what_the_server_answers_decides_before_the_rules_do(
    status: int | None, truncated: Truncation | None, verdict: str
) -> None:
    answer = RobotsAnswer.of(
        exchange(status, truncated), b"User-agent: *\nDisallow: /x\nSitemap: /s.xml\nCrawl-delay: 3"
    )
    assert answer.verdict == verdict
    found = answer.allowed(f"{SITE}/y", "newsark")
    assert found.allowed is (verdict != "disallow-all")
    assert answer.allowed(f"{SITE}/x", "newsark").allowed is (verdict == "allow-all")
    assert answer.sitemaps == ((f"{SITE}/s.xml",) if verdict == "rules" else ())
    assert answer.crawl_delay("newsark") == (3.0 if verdict == "rules" else None)
    if verdict != "rules":
        assert found.rule == answer.reason
        assert str(status or "no answer within 30 s") in answer.reason or truncated or status == 301
