"""JSON-LD: the page's own article is found, however it is nested and written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.jsonld import linked_data, plain

URL = "https://example.org/2026/ferry"
ARTICLE: dict[str, Any] = {"@type": "NewsArticle", "headline": "Ferry", "author": {"@id": "#ann"}}
ANN = {"@type": "Person", "@id": "#ann", "name": "Ann Okafor"}


@pytest.mark.parametrize(
    "document",
    [
        ARTICLE,
        [ARTICLE],
        {"@graph": [ANN, ARTICLE]},
        {"@type": "WebPage", "mainEntity": ARTICLE},
        [{"@type": "WebSite"}, {"@graph": [[ARTICLE]]}],
        {**ARTICLE, "@type": ["Thing", "https://schema.org/NewsArticle"]},
    ],
)
def test_the_article_is_found(document: Any) -> None:
    assert linked_data([json.dumps(document)], [URL]).text("headline") == "Ferry"


@pytest.mark.parametrize(
    "script",
    [
        '<!-- {"@type":"NewsArticle","headline":"Ferry"} -->',
        '//<![CDATA[\n{"@type":"NewsArticle","headline":"Ferry"}\n//]]>',
        '{"@type":"NewsArticle","headline":"Ferry",}',
        '{"@type":"NewsArticle","headline":"Ferry","description":"two\nlines"};',
        "{&quot;@type&quot;:&quot;NewsArticle&quot;,&quot;headline&quot;:&quot;Ferry&quot;}",
        '{"@type":"NewsArticle","headline":"Ferry","description":"half \\ud83d"}',
    ],
)
def test_usual_faults_are_repaired(script: str) -> None:
    found = linked_data([script], [URL])
    assert found.text("headline") == "Ferry"
    assert (found.text("description") or "").encode() is not None


@given(st.text(max_size=300))
def test_any_script_says_something_or_nothing(script: str) -> None:
    assert linked_data([script], [URL]).text("headline") is None or script


def test_references_are_followed() -> None:
    found = linked_data([json.dumps(ANN), json.dumps(ARTICLE)], [URL])
    assert found.texts("author") == ["Ann Okafor"]


def test_of_several_articles_the_one_that_names_the_page_is_taken() -> None:
    other = {"@type": "NewsArticle", "headline": "Crane", "url": "https://example.org/2026/crane"}
    own = {"@type": "NewsArticle", "headline": "Ferry", "mainEntityOfPage": {"@id": f"{URL}/"}}
    found = linked_data([json.dumps([other, other, own])], [f"{URL}?utm=1"])
    assert found.text("headline") == "Ferry"


def test_a_list_of_articles_is_nobody_s_own() -> None:
    listed = [{"@type": "NewsArticle", "headline": str(number), "url": f"/{number}"} for number in range(5)]
    assert linked_data([json.dumps(listed)], [URL]).articles == ()
    inside = {"@type": "ItemList", "itemListElement": [{"item": entry} for entry in listed]}
    assert linked_data([json.dumps(inside)], [URL]).articles == ()


def test_a_deeply_nested_document_costs_nothing() -> None:
    assert linked_data(["[" * 100_000 + "]" * 100_000], [URL]).nodes == ()


def test_text_is_cleaned_of_entities_and_markup() -> None:
    assert plain(" A &amp;quot;ferry&amp;quot;\n <b>sails</b> ") == 'A "ferry" sails'
    assert plain(" \n ") is None
