"""What a page says of its article in microdata (HTML, section 5: Microdata), as one node like those of JSON-LD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipelines.jsonld import ARTICLE_TYPES, Node, plain
from pipelines.wording import text_of

MAX_PROPERTIES = 500
MAX_VALUE_CHARS = 2000

# to ask each element for attributes takes twice as long
_SCOPES = XPath("//@itemscope/..")
_PROPERTIES = XPath(".//*[@itemprop]")
_WANTED = frozenset(
    {"alternativeHeadline", "articleSection", "author", "creator", "dateModified", "datePublished", "description"}
    | {"headline", "inLanguage", "isAccessibleForFree", "keywords", "publisher"}
)
_VALUES_IN = {"meta": "content", "time": "datetime", "link": "href", "a": "href", "data": "value"}
_NAMED_BY_TEXT = frozenset({"a", "link"})


def microdata_article(tree: HtmlElement) -> Node:
    """The properties of the page's own article as text, each a list in the page's order; empty without one.

    A page with several articles lists them: none is its own, unless it is the only one with a headline in an h1.
    """
    scopes = [scope for scope in cast(list[HtmlElement], _SCOPES(tree)) if _is_article(scope)]
    own = scopes if len(scopes) == 1 else [scope for scope in scopes if _has_main_heading(scope)]
    return _node(own[0]) if len(own) == 1 else {}


def _is_article(scope: HtmlElement) -> bool:
    said = scope.get("itemtype") or ""
    return "://schema.org/" in said and any(word.rpartition("/")[2].lower() in ARTICLE_TYPES for word in said.split())


def _has_main_heading(scope: HtmlElement) -> bool:
    return any("headline" in (heading.get("itemprop") or "").split() for heading in scope.iter("h1"))


def _node(scope: HtmlElement) -> Node:
    found: dict[str, list[str]] = {}
    for element in cast(list[HtmlElement], _PROPERTIES(scope))[:MAX_PROPERTIES]:
        names = _WANTED.intersection((element.get("itemprop") or "").split())
        if names and _holder(element) is scope:
            for value in _values(element):
                for name in names:
                    found.setdefault(name, []).append(value)
    return found


def _holder(element: HtmlElement) -> HtmlElement | None:
    """The item that the property belongs to: the nearest one around it."""
    return next((one for one in element.iterancestors() if one.get("itemscope") is not None), None)


def _values(element: HtmlElement) -> Iterator[str]:
    """The property's value: a nested item's name, the attribute that HTML gives it, or its text."""
    if element.get("itemscope") is not None:
        named = [one for one in element.iterfind(".//*[@itemprop='name']") if _holder(one) is element]
        for one in named:
            yield from _values(one)
        return
    attribute = _VALUES_IN.get(str(element.tag))
    said = element.get("content") or (element.get(attribute) if attribute else None)
    text = plain((said if said and element.tag not in _NAMED_BY_TEXT else text_of(element))[:MAX_VALUE_CHARS])
    if text:
        yield text
