"""Rules asked from memory select the very elements that trafilatura's own XPaths select."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, document_fromstring
from trafilatura import xpaths

import pipelines.blocks  # noqa: F401 - puts the rules in place
from pipelines import remembered
from pipelines.remembered import Remembered

TAGS = ["div", "section", "article", "main", "p", "span", "ul", "ol", "li", "list", "item", "details", "h1", "em"]
NAMES = [
    "post", "entry", "entry-content", "articleBody", "article-body", "articleContent", "story-text", "cookie-law",
    "share-bar", "social", "newsletter", "byline", "related", "comments", "comments-list", "disqus_thread", "hidden",
    "hide-print", "navbar", "meta", "widget ad ", "x-ad-y", "reply-3", "content", "teaser", "akismet", "Footer",
]  # fmt: skip
ATTRIBUTES = {
    "class": NAMES,
    "id": NAMES,
    "style": ["display:none", "display: none", "color:red", "visibility:hidden"],
    "role": ["navigation", "Navigation", "article"],
    "aria-hidden": ["true", "false"],
    "itemprop": ["articleBody", "name"],
    "data-component": ["MostPopularStories", "Byline"],
    "data-lp-replacement-content": ["1"],
}
ALL = [*xpaths.OVERALL_DISCARD_XPATH, *xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH]


def page(seed: int, size: int) -> HtmlElement:
    """A tree of elements with names that the rules speak of, nested at random."""
    chance = random.Random(seed)
    tree = document_fromstring("<html><body></body></html>")
    parts = [tree[0]]
    for _ in range(size):
        part = HtmlElement("text")
        part.tag = chance.choice(TAGS)
        for name, values in ATTRIBUTES.items():
            if chance.random() < 0.25:
                part.set(name, " ".join(chance.choices(values, k=chance.randint(1, 2))))
        chance.choice(parts).append(part)
        parts.append(part)
    return tree


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_the_same_elements_in_the_same_order(seed: int, size: int) -> None:
    tree = page(seed, size)
    for part in (tree, tree[0]):
        for rule in ALL:
            assert isinstance(rule, Remembered)
            assert rule(part) == rule.xpath(part)
        best = xpaths.BODY_XPATH[0]
        assert isinstance(best, Remembered)
        assert best(part) == best.xpath(part)[:1]


def test_the_pages_above_have_what_every_rule_looks_for() -> None:
    tree = page(1, 3000)
    assert all(rule(tree) for rule in (*ALL, xpaths.BODY_XPATH[0]))


def test_names_without_end_are_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "VERDICTS_KEPT", 5)
    rule = Remembered(xpaths.OVERALL_DISCARD_XPATH[0].xpath)
    tree = page(2, 200)
    assert rule(tree) == rule.xpath(tree)
    assert len(rule._verdicts) <= 5


def test_putting_the_rules_in_place_twice_changes_nothing() -> None:
    before = [*ALL, xpaths.BODY_XPATH[0]]
    remembered.remember_rules()
    after = [*xpaths.OVERALL_DISCARD_XPATH, *xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH, xpaths.BODY_XPATH[0]]
    assert all(one is other for one, other in zip(before, after, strict=True))
