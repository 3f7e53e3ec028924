from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.links import FEED_PATHS, SITEMAP_PATHS, TRACKING_PARAMETERS, classify, normalise
from crawler.source import Source
from crawler.weburl import parse_web_url, resolve
from storage.errors import Refused

SITE = "https://gazette.example"
GAZETTE = Source.model_validate(
    {
        "id": "gazette",
        "name": "Gazette",
        "home": f"{SITE}/",
        "feeds": [f"{SITE}/feed-of-all-the-news-we-have"],
        "sections": [f"{SITE}/2024/05/01/a-section-that-looks-like-an-article"],
        "exclude": ["/sponsored/*"],
    }
)


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("HTTPS://Gazette.Example:443/A#top", "https://gazette.example/A"),
        ("https://gazette.example./a", "https://gazette.example/a"),
        ("https://gazette.example", "https://gazette.example/"),
        ("https://gazette.example/?", "https://gazette.example/"),
        ("https://gazette.example/a?utm_source=x&id=7&UTM_Medium=y&fbclid=z", "https://gazette.example/a?id=7"),
        ("https://gazette.example/a?%75tm_source=x&gclid", "https://gazette.example/a"),
        ("https://gazette.example/a?b=2&a=1&b=1&&c", "https://gazette.example/a?b=2&a=1&b=1&&c"),
        ("https://gazette.example/%7euser/%e2%82%ac%2f%41", "https://gazette.example/~user/%E2%82%AC%2FA"),
        ("https://gazette.example/ёж?q=ё ж", "https://gazette.example/%D1%91%D0%B6?q=%D1%91%20%D0%B6"),
        ("https://gazette.example/100%", "https://gazette.example/100%25"),
        ("https://gazette.example/%%37e", "https://gazette.example/%257e"),
        ("https://gazette.example/a/../b/./c/", "https://gazette.example/b/c/"),
        ("https://gazette.example/a//b", "https://gazette.example/a//b"),
        ("https://gazette.example/a?x=%26y", "https://gazette.example/a?x=%26y"),
        ("https://gazette.example/a?next=https%3A%2F%2Fb.example%2F%3Futm_source%3Dx",
         "https://gazette.example/a?next=https%3A%2F%2Fb.example%2F%3Futm_source%3Dx"),
    ],
)  # fmt: skip
def test_spellings_of_one_page_become_one(url: str, spelled: str) -> None:
    assert normalise(url) == spelled


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://gazette.example/", "https://gazette.example/"),
        ("https://www.gazette.example/", "https://gazette.example/"),
        ("https://gazette.example/a", "https://gazette.example/a/"),
        ("https://gazette.example/a", "https://gazette.example/A"),
        ("https://gazette.example/?id=1", "https://gazette.example/?id=2"),
        ("https://gazette.example/?a&b", "https://gazette.example/?b&a"),
        ("https://gazette.example/?ref=1", "https://gazette.example/"),
        ("https://gazette.example/a%2Fb", "https://gazette.example/a/b"),
        ("https://gazette.example/?q=a+b", "https://gazette.example/?q=a%2Bb"),
        ("https://gazette.example:8443/", "https://gazette.example/"),
    ],
)
def test_what_may_be_two_pages_stays_two(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


ODD = st.text(alphabet="ab%27eEfF./?&=#utm_;+ ёß\\@:[]\t", max_size=40)


@given(st.one_of(ODD.map(f"{SITE}/".__add__), ODD, st.text(), ODD.map("http://".__add__)))
def test_normalising_twice_changes_nothing_and_garbage_is_refused(url: str) -> None:
    try:
        once = normalise(url)
    except Refused as refused:
        assert refused.rule in ("bad-url", "scheme")  # noqa: PT017 - one of two ends
        return
    assert normalise(once) == once
    assert once.isascii()
    assert "#" not in once


@given(ODD, st.sampled_from(sorted(TRACKING_PARAMETERS)), ODD)
def test_a_tracking_parameter_makes_no_other_lead(path: str, name: str, value: str) -> None:
    plain = f"{SITE}/{path.translate(str.maketrans('', '', '?#')).strip()}"
    tracked = f"{plain}?{name}={value.translate(str.maketrans('', '', '&#'))}"
    assert normalise(tracked) == normalise(plain)


def test_urls_that_grow_too_long_are_refused() -> None:
    for url in (f"{SITE}/{'ё' * 2000}", f"{SITE}/{'%' * 3000}"):
        with pytest.raises(Refused):
            normalise(url)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/2024/05/01/mayor-resigns", "", "article"),
        ("/politics/mayor-resigns-after-vote", "", "article"),
        ("/politics/mayor-resigns-after-vote/", "The mayor resigns after a vote", "article"),
        ("/news/184723", "", "article"),
        ("/news/184723.html", "", "article"),
        ("/rus/news/2024/05/1/7456123/", "", "article"),
        ("/?p=4711", "", "article"),
        ("/index.php?id=4711", "", "article"),
        ("/novosti/мэр-ушёл-сам-сегодня", "", "article"),
        ("/mayor-resigns", "Mayor resigns after a vote of no confidence", "article"),
        ("/a/mayor-resigns-after-vote/31415926", "", "article"),
        ("/jobs/article/these-jobs-pay-well-today", "", "article"),
        ("/was-bleibt-vom-schoenen-tag/", "", "article"),
        ("/", "", "section"),
        ("/politics", "Politics", "section"),
        ("/politics/", "", "section"),
        ("/news", "News", "section"),
        ("/world/middle-east/", "Middle East", "section"),
        ("/2024/05/", "", "section"),
        ("/2024/05/01", "", "section"),
        ("/2024", "2024", "section"),
        ("/politics/page/3/", "", "section"),
        ("/politics?page=3", "", "section"),
        ("/tag/a-long-tag-with-many-words/", "", "section"),
        ("/author/ann-example/", "Ann Example", "section"),
        ("/sport/team-of-the-town/", "The team", "section"),
        ("/photo-17.jpg", "", "skip"),
        ("/reports/annual-report-of-the-year.pdf", "Our annual report of the year", "skip"),
        ("/login", "Log in", "skip"),
        ("/about/who-we-are", "Who we are", "skip"),
        ("/2024/05/01/mayor-resigns/print", "Print", "skip"),
        ("/2024/05/01/mayor-resigns/amp/", "", "skip"),
        ("/2024/05/01/mayor-resigns?share=facebook", "", "skip"),
        ("/2024/05/01/mayor-resigns/?replytocom=7", "", "skip"),
        ("/wp-json/wp/v2/posts/4711", "", "skip"),
        ("/?s=mayor", "", "skip"),
        ("/feed-of-all-the-news-we-have", "", "skip"),
        ("/2024/05/01/a-section-that-looks-like-an-article", "", "section"),
        ("/sponsored/mayor-resigns-after-vote", "", "skip"),
    ],
)  # fmt: skip
def test_a_link_is_taken_for_what_its_shape_says(path: str, text: str, kind: str) -> None:
    verdict = classify(SITE + path, text, GAZETTE)
    assert verdict.kind == kind, verdict
    assert verdict.reason


def test_what_is_not_of_the_newsroom_or_no_url_is_skipped_with_the_rule() -> None:
    assert classify("https://other.example/2024/05/01/mayor-resigns", "", GAZETTE) == (
        "skip",
        "scope: other.example is not part of gazette.example or of hosts",
    )
    assert classify("mailto:ann@gazette.example", "Write", GAZETTE).reason.startswith("scheme: ")


@given(st.one_of(ODD.map(f"{SITE}/".__add__), st.text()), st.text(max_size=60))
def test_any_link_gets_a_verdict(url: str, text: str) -> None:
    assert classify(url, text, GAZETTE).kind in ("article", "section", "skip")


def test_the_common_paths_are_paths_of_the_root() -> None:
    for path in (*FEED_PATHS, *SITEMAP_PATHS):
        assert resolve(f"{SITE}/en/", path) == parse_web_url(SITE + path)
