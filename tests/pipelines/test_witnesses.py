"""What feeds say of a page is a further witness: it fills what the page leaves open, and never overrules it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page
from pipelines.record import build_record

TEXT = "".join(
    f"<p>Paragraph {part}: the ferry will sail again in spring, the harbour board said.</p>" for part in range(6)
)
HINTS = {"title": "Ferry sails", "author": "Ada Brook", "description": "The old ferry sails again in spring."}


def article(
    head: str = "", linked: dict[str, Any] | None = None, hints: dict[str, str] | None = None
) -> dict[str, Any]:
    data = {"@type": "NewsArticle", "headline": "The ferry sails again", **(linked or {})}
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    page = f"<html><head><title>Ferry</title>{head}{script}</head><body><article><h1>The ferry sails again</h1>{TEXT}"
    reading = read_page(PageInput("https://example.org/2026/ferry", page.encode(), hints=hints or {}), ReadLimits())
    found = reading.article
    assert found is not None
    return dict(found)


def test_author_and_summary_of_the_feed_are_taken_where_the_page_is_silent() -> None:
    found = article(hints=HINTS)
    assert ([one["name"] for one in found["author"]], found["description"]) == (["Ada Brook"], HINTS["description"])
    sources = found["metadata"]["fieldSources"]
    assert (sources["author"], sources["description"]) == ("feed", "feed")


def test_the_page_wins_and_the_feeds_summary_is_kept_beside_it() -> None:
    linked = {"author": {"@type": "Person", "name": "Ivo Lund"}, "description": "A ferry, a board, a spring."}
    found = article(linked=linked, hints=HINTS)
    assert ([one["name"] for one in found["author"]], found["description"]) == (["Ivo Lund"], linked["description"])
    assert found["metadata"]["alternatives"]["description"]["feed"] == HINTS["description"]


def test_what_the_feed_said_stands_in_the_record_so_that_it_can_be_read_again() -> None:
    page = PageInput("https://example.org/a", f"<h1>The ferry sails again</h1>{TEXT}".encode(), hints=HINTS)
    record = build_record(read_page(page, ReadLimits()), found={"method": "feed", **HINTS}).as_json()
    assert record["discovery"] == {"method": "feed", **HINTS}


@pytest.mark.parametrize(
    ("head", "linked", "free"),
    [
        ("", {}, None),
        ("", {"isAccessibleForFree": True}, True),
        ("", {"isAccessibleForFree": "False"}, False),
        ("", {"hasPart": {"@type": "WebPageElement", "isAccessibleForFree": "http://schema.org/False"}}, False),
        ('<meta property="article:content_tier" content="free">', {}, True),
        ('<meta property="article:content_tier" content="locked">', {}, False),
    ],
)
def test_whether_it_can_be_read_for_free(head: str, linked: dict[str, Any], free: bool | None) -> None:
    assert article(head, linked).get("isAccessibleForFree") is free


def test_sections_and_keywords_are_clean() -> None:
    found = article(linked={"articleSection": ["Home", "Harbour"], "keywords": "#ferry, Ferry, boats ;  boats"})
    assert (found["articleSection"], found["keywords"]) == (["Harbour"], ["ferry", "boats"])
