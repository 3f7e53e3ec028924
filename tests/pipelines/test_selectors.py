"""What a source file's selectors do to a reading: they win, what lost is kept, and no expression can do harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page
from pipelines.reading import extractor_version
from pipelines.selectors import FIELDS, Selectors, check_expression

LINKED = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "A headline for search engines",
    "datePublished": "2026-03-02",
    "credits": {"writers": [{"fullName": "Ada Brook"}, {"fullName": "Ivo Lund"}]},
}
STORY = "".join(f"<p>Paragraph {part}: the ferry will sail again, the board said on Monday.</p>" for part in range(6))
PAGE = f"""<html><head><title>Ferry sails</title>
<script type="application/ld+json">{json.dumps(LINKED)}</script></head>
<body><main><article><h1 class="title">The ferry sails again</h1><p class="kick">Harbour</p>
<time class="first" datetime="2026-03-02T08:30:00+01:00">Monday</time>
<a class="topic">Harbour</a><a class="topic">Ferry</a>
<div class="story">{STORY}<aside class="links">Read our harbour pages</aside>
<div class="box">Buy the harbour book.</div></div></article></main></body></html>"""


def read(fields: dict[str, Any], remove: tuple[str, ...] = ()) -> dict[str, Any]:
    page = PageInput("https://example.org/2026/03/ferry", PAGE.encode(), selectors=Selectors.of(fields, remove))
    article = read_page(page, ReadLimits()).article
    assert article is not None
    return dict(article)


def test_each_kind_of_field_is_set_and_what_lost_is_kept() -> None:
    article = read(
        {
            "headline": "h1.title",
            "datePublished": "time.first::attr(datetime)",
            "author": ["span.nobody", "jsonld:credits.writers[].fullName"],
            "keywords": "a.topic::text",
            "articleSection": ("p.kick",),
        }
    )
    assert article["headline"] == "The ferry sails again"
    assert article["datePublished"] == "2026-03-02T08:30:00+01:00"
    assert [one["name"] for one in article["author"]] == ["Ada Brook", "Ivo Lund"]
    assert (article["keywords"], article["articleSection"]) == (["Harbour", "Ferry"], ["Harbour"])
    sources = article["metadata"]["fieldSources"]
    assert {sources[name] for name in ("headline", "datePublished", "author", "keywords")} == {"selector"}
    assert article["metadata"]["alternatives"]["headline"]["json-ld"] == "A headline for search engines"


def test_what_is_to_be_removed_stands_in_removed() -> None:
    article = read({}, ("div.box", "aside.links"))
    assert [one for one in article["removed"] if one["reason"] == "selector"] == [
        {"text": "Buy the harbour book.", "reason": "selector"},
        {"text": "Read our harbour pages", "reason": "selector"},
    ]
    assert "harbour book" not in article["articleBody"]
    assert article["articleBody"].count("Paragraph") == 6


def test_the_body_is_read_from_the_elements_that_are_named() -> None:
    article = read({"articleBody": ["div.nothing", "div.story p:nth-of-type(-n+2)"]})
    assert article["articleBody"].split("\n")[-1].startswith("Paragraph 1")
    assert article["articleBody"].count("Paragraph") == 2
    assert article["metadata"]["fieldSources"]["articleBody"] == "selector"


def test_what_hits_nothing_changes_nothing_but_the_version() -> None:
    plain, same = read({}), read({"headline": "h6.none", "datePublished": "h1"}, ("div.none",))
    assert same["metadata"].pop("extractorVersion").startswith(f"{extractor_version()}, selectors ")
    assert plain["metadata"].pop("extractorVersion") == extractor_version()
    assert plain == same


def test_the_whole_page_cannot_be_removed() -> None:
    assert read({}, ("body", "html", ":root"))["articleBody"] == read({})["articleBody"]


@pytest.mark.parametrize(
    ("key", "expression", "told"),
    [
        ("headlin", "h1", "these can: headline"),
        ("headline", "h1[", "is no CSS selector"),
        ("headline", "h1::before", "is no CSS selector"),
        ("author", "jsonld:author[", "is no JMESPath"),
        ("remove", "p::text", "leave ::text"),
        ("articleBody", "jsonld:articleBody", "takes CSS selectors"),
    ],
)
def test_a_mistake_is_named_with_its_cure(key: str, expression: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("[", r"\[")):
        check_expression(key, expression)


EXPRESSIONS = st.sampled_from(
    [
        *("p", "*", "p::text", "a::attr(href)", ":not(p)", "p:nth-child(2)", "article > *", "h1, h2", "[class]"),
        *("jsonld:@", "jsonld:headline", "jsonld:credits.*", "jsonld:length(headline)", "jsonld:abs(headline)"),
        *("jsonld:keys(@)", "jsonld:credits.writers[?fullName]", "jsonld:sort_by(credits, &x)"),
    ]
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(list(FIELDS)), EXPRESSIONS), st.lists(EXPRESSIONS, max_size=3))
def test_no_expression_that_is_accepted_makes_a_page_unreadable(fields: dict[str, str], remove: list[str]) -> None:
    def is_usable(key: str, expression: str) -> bool:
        try:
            check_expression(key, expression)
        except ValueError:
            return False
        return True

    chosen = {key: one for key, one in fields.items() if is_usable(key, one)}
    selectors = Selectors.of(chosen, tuple(one for one in remove if is_usable("remove", one)))
    reading = read_page(PageInput("https://example.org/a", PAGE.encode(), selectors=selectors), ReadLimits())
    assert reading.kind != "unreadable", reading.reason
