"""What a page is found to be: no article judged away, and nearly everything else told by its kind."""

from __future__ import annotations

import gzip

import pytest

from pipelines.article import WITH_TEXT
from pipelines.page import PageInput, ReadLimits
from pipelines.read import Reading, read_page
from tests.pipelines.judged_pages import JudgedPage, articles, page, stubs

STUBS, ARTICLES = list(stubs()), list(articles())
MIN_CAUGHT = 0.95


def judged(one: JudgedPage) -> Reading:
    return read_page(PageInput("https://paper.example/2026/03/02/story", one.html.encode()), ReadLimits())


def test_there_are_enough_pages_to_tell() -> None:
    assert len(STUBS) + len(ARTICLES) >= 60
    assert len({one.kind for one in STUBS}) >= 9
    assert len({one.language for one in STUBS}) >= 10


@pytest.mark.parametrize("number", range(len(ARTICLES)), ids=lambda number: f"{ARTICLES[number].language}-{number}")
def test_no_article_is_judged_away(number: int) -> None:
    reading = judged(ARTICLES[number])
    assert reading.kind == "article", (reading.reason, reading.evidence)


def test_nearly_all_other_pages_are_told_by_their_kind() -> None:
    wrong = [(one.kind, one.language, found) for one in STUBS if (found := judged(one)).kind != one.kind]
    told = "\n".join(f"{kind} {language}: {found.kind} {found.evidence}" for kind, language, found in wrong)
    assert len(wrong) <= (1 - MIN_CAUGHT) * len(STUBS), told


def test_none_of_them_is_taken_for_a_whole_article() -> None:
    taken = [(one.kind, one.language) for one in STUBS if judged(one).kind == "article"]
    assert not taken


@pytest.mark.parametrize("one", STUBS, ids=lambda one: f"{one.kind}-{one.language}")
def test_each_says_why(one: JudgedPage) -> None:
    reading = judged(one)
    assert reading.evidence
    if reading.kind != "liveblog":
        assert reading.reason
    assert reading.article is not None
    assert bool(reading.article.get("articleBody")) == (reading.kind in WITH_TEXT)


def test_a_page_that_stops_within_its_body_is_truncated() -> None:
    text = "".join(
        f"<p>Sentence number {n} of a long report on the harbour and its cranes, word {n * 7919}.</p>"
        for n in range(400)
    )
    whole = gzip.compress(page("Harbour", f"<article><h1>Harbour</h1>{text}</article>").encode())
    given = PageInput("https://paper.example/a", whole[: len(whole) // 2], (("Content-Encoding", "gzip"),))
    reading = read_page(given, ReadLimits())
    assert reading.kind == "truncated"
    assert reading.article is not None
    assert "Sentence number 3 " in reading.article["articleBody"]
