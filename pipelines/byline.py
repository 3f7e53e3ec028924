"""Author and date as they stand beside the headline, for pages that say neither in their head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipelines.jsonld import plain

MAX_BYLINE_CHARS = 160
MAX_HEADINGS = 60
REACH = 400
"""How many elements after the headline still belong to it; a page's teasers have bylines of their own."""

_MARKED_AUTHORS = XPath(".//*[contains(@itemprop, 'author') or contains(concat(' ', @rel, ' '), ' author ')]")
_NAMES_WITHIN = XPath("(.//*[@itemprop='name'] | self::*[contains(@itemprop, 'name')])")
_NAMED_AUTHOR = re.compile(
    r"(?:^|[\s_-])(?:by-?line|authors?|autor(?:en|es)?|auteurs?|redattore|journalist)(?:$|[\s_-])|author(?:name|list)|byline",
    re.I,
)
_ELSEWHERE = re.compile(
    r"comment|related|teaser|card|promo|sidebar|recommend|footer|widget|avatar|image|photo|caption|copyright",
    re.I,
)
_ELSEWHERE_TAGS = {"aside", "nav", "footer", "figure", "figcaption", "form"}
_SAID = re.compile(r"^(?:by|von|par|por|di|door|av|text|autor|author|words by|written by)\b:?\s+(?=\S)", re.I)
_PUBLISHED = re.compile(r"publish|pubdate|dateline|entry-date|created|posted", re.I)
_UPDATED = re.compile(r"updat|modif|aktualis", re.I)


def bylines(tree: HtmlElement, headline: str | None) -> list[str]:
    """The texts that name the author, from the surest kind of mark that the page has; empty when it has none."""
    start = headline_element(tree, headline)
    for finder in (_marked, _classed, _said):
        found = list(dict.fromkeys(finder(tree, start)))
        if found:
            return found[:10]
    return []


def times(tree: HtmlElement, headline: str | None) -> list[str]:
    """The dates of the article's own time elements, likeliest first: marked as published, then next to the headline."""
    start = headline_element(tree, headline)
    marked, named, near = [], [], []
    after = set(_following(start)) if start is not None else set()
    for element in tree.iter("time"):
        value = element.get("datetime") or element.text_content()
        if not value or _is_elsewhere(element):
            continue
        signs = f"{element.get('class') or ''} {element.get('itemprop') or ''}"
        if "datepublished" in signs.lower() or element.get("pubdate") is not None:
            marked.append(value)
        elif _UPDATED.search(signs):
            continue
        elif _PUBLISHED.search(signs):
            named.append(value)
        elif element in after:
            near.append(value)
    for element in tree.iterfind(".//*[@itemprop='datePublished']"):
        if element.tag != "time":
            marked.append(element.get("content") or element.get("datetime") or element.text_content())
    return marked + named + near


def headline_element(tree: HtmlElement, headline: str | None) -> HtmlElement | None:
    """The heading that carries the headline, else the first h1."""
    wanted = _key(headline or "")
    for tags in (("h1",), ("h2", "h3")):
        for element in islice(tree.iter(*tags), MAX_HEADINGS):
            if wanted and _key(element.text_content()) == wanted:
                return element
    return next(tree.iter("h1"), None)


def _key(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _following(start: HtmlElement) -> list[HtmlElement]:
    """The elements that come next in the document, and those shortly before."""
    found: list[HtmlElement] = start.xpath("(following::*)[position() <= $reach]", reach=REACH)
    before: list[HtmlElement] = start.xpath("(preceding::*)[position() > last() - 40]")
    return found + before


def _marked(tree: HtmlElement, _start: HtmlElement | None) -> Iterator[str]:
    """Microdata and rel=author."""
    for element in _MARKED_AUTHORS(tree):
        if _is_elsewhere(element):
            continue
        names = _NAMES_WITHIN(element) or [element]
        for name in names:
            text = plain(name.get("content") or name.text_content())
            if text and len(text) <= MAX_BYLINE_CHARS:
                yield text


def _classed(_tree: HtmlElement, start: HtmlElement | None) -> Iterator[str]:
    """The innermost short text of the first element near the headline whose class or id says author or byline."""
    if start is None:
        return
    for element in _following(start):
        signs = f"{element.get('class') or ''} {element.get('id') or ''}"
        if not _NAMED_AUTHOR.search(signs) or _is_elsewhere(element):
            continue
        links = [plain(link.text_content()) for link in element.iter("a")]
        texts = [text for text in links if text and 1 < len(text.split()) <= 5] or [
            plain(element.text_content())
        ]
        texts = [text for text in texts if text and len(text) <= MAX_BYLINE_CHARS]
        if texts:
            yield from (text for text in texts if text)
            return


def _said(_tree: HtmlElement, start: HtmlElement | None) -> Iterator[str]:
    """A short text near the headline that begins with `By` or its like."""
    if start is None:
        return
    for element in _following(start):
        if element.tag in ("script", "style") or len(element) > 6:
            continue
        text = plain(element.text_content())
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
