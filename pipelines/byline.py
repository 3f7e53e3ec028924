"""Author and date as they stand beside the headline, for pages that say neither in their head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipelines.headline import letters
from pipelines.jsonld import plain
from pipelines.neighbours import following, shortly_before
from pipelines.wording import text_of

MAX_BYLINE_CHARS = 160
MAX_BYLINES = 10
MAX_HEADINGS = 60
LEVELS = 3
AFTER, BEFORE = 400, 40
"""How many elements after and before the headline belong to it; teasers have bylines of their own."""

# that most elements have neither attribute is found out faster than what these say
_MARKED_AUTHORS = XPath(
    ".//*[@itemprop or @rel][contains(@itemprop, 'author') or contains(concat(' ', @rel, ' '), ' author ')]"
)
_NAMES_WITHIN = XPath("(.//*[@itemprop='name'] | self::*[contains(@itemprop, 'name')])")
_NAMED_AUTHOR = re.compile(
    r"(?:^|[\s_-])(?:by-?line|authors?|autor(?:en|es)?|auteurs?|redattore|journalist)(?:$|[\s_-])"
    r"|author(?:name|list)|byline",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"comment|related|teaser|card|promo|sidebar|recommend|footer|widget|avatar|image|photo|caption|copyright",
    re.IGNORECASE,
)
_ELSEWHERE_TAGS = {"aside", "nav", "footer", "figure", "figcaption", "form"}
_SAID = re.compile(r"^(?:by|von|par|por|di|door|av|text|autor|author|words by|written by)\b:?\s+(?=\S)", re.IGNORECASE)
_PUBLISHED = re.compile(r"publish|pubdate|dateline|entry-date|created|posted", re.IGNORECASE)
_UPDATED = re.compile(r"updat|modif|aktualis", re.IGNORECASE)


def bylines(tree: HtmlElement, headline: str | None) -> list[str]:
    """The texts that name the author, by the surest kind of mark that the page has; empty without one.

    Tried in turn: microdata and rel=author, a class or id that says author or byline near the headline, and a
    short text there that begins with `By` or its like.
    """
    start = headline_element(tree, headline)
    found = list(dict.fromkeys(_marked(tree)))
    if not found and start is not None:
        found = list(dict.fromkeys(_classed(start))) or list(_said(start))
    return found[:MAX_BYLINES]


def times(tree: HtmlElement, headline: str | None) -> list[str]:
    """The dates of the article's own time elements: marked as published first, then next to the headline."""
    start = headline_element(tree, headline)
    beside = set(_beside(start)) if start is not None else set()
    marked: list[str] = []
    named: list[str] = []
    near: list[str] = []
    for element in tree.iter("time"):
        value = element.get("datetime") or text_of(element)
        if not value or _is_elsewhere(element):
            continue
        signs = f"{element.get('class') or ''} {element.get('itemprop') or ''}"
        if "datepublished" in signs.lower() or element.get("pubdate") is not None:
            marked.append(value)
        elif _PUBLISHED.search(signs):
            named.append(value)
        elif element in beside and not _UPDATED.search(signs):
            near.append(value)
    return [*marked, *_microdata_dates(tree), *named, *near]


def headline_element(tree: HtmlElement, headline: str | None) -> HtmlElement | None:
    """The heading that carries the headline, else the first h1."""
    wanted = letters(headline or "")
    for tags in (("h1",), ("h2", "h3")):
        for element in islice(tree.iter(*tags), MAX_HEADINGS):
            if wanted and letters(text_of(element)) == wanted:
                return element
    return next(tree.iter("h1"), None)


def _microdata_dates(tree: HtmlElement) -> Iterator[str]:
    for element in tree.iterfind(".//*[@itemprop='datePublished']"):
        value = element.get("content") or element.get("datetime") or text_of(element)
        if element.tag != "time" and value:
            yield value


def _beside(start: HtmlElement) -> list[HtmlElement]:
    """The elements that come next in the document, and those shortly before."""
    return [*islice(following(start), AFTER), *islice(shortly_before(start, LEVELS), BEFORE)]


def _marked(tree: HtmlElement) -> Iterator[str]:
    """Microdata and rel=author."""
    for element in cast(list[HtmlElement], _MARKED_AUTHORS(tree)):
        if _is_elsewhere(element):
            continue
        for name in cast(list[HtmlElement], _NAMES_WITHIN(element)) or [element]:
            text = plain(name.get("content") or text_of(name))
            if text and len(text) <= MAX_BYLINE_CHARS:
                yield text


def _classed(start: HtmlElement) -> Iterator[str]:
    """The short texts of the first element near the headline whose class or id says author or byline."""
    for element in _beside(start):
        signs = f"{element.get('class') or ''} {element.get('id') or ''}"
        if not _NAMED_AUTHOR.search(signs) or _is_elsewhere(element):
            continue
        links = [plain(text_of(link)) for link in element.iter("a")]
        texts = [text for text in links if text and 1 < len(text.split()) <= 5]
        texts = texts or [plain(text_of(element)) or ""]
        short = [text for text in texts if text and len(text) <= MAX_BYLINE_CHARS]
        if short:
            yield from short
            return


def _said(start: HtmlElement) -> Iterator[str]:
    """The first short text near the headline that begins with `By` or its like."""
    for element in _beside(start):
        if element.tag in ("script", "style") or len(element) > 6:
            continue
        text = plain(text_of(element))
        if text and len(text) < 100 and _SAID.match(text) and not _is_elsewhere(element):
            yield text
            return


def _is_elsewhere(element: HtmlElement) -> bool:
    """Whether the element belongs to a teaser, a comment, a picture or the page's frame."""
    for depth, ancestor in enumerate((element, *element.iterancestors())):
        if ancestor.tag in _ELSEWHERE_TAGS:
            return True
        if depth < 4 and _ELSEWHERE.search(f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"):
            return True
    return False
