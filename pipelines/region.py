"""Where the article stands in a page: the part of the tree around its paragraphs, next to its headline.

trafilatura finds an article by the names that templates give its container, and takes the first that fits.
But articles come in several containers (adverts between them, posts of a live blog, a wall in the middle), or
under no known name. So the paragraphs are found first, by their length and their surroundings, and the part
that holds them is handed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lxml.html import HtmlElement

from pipelines.furniture import BLOCKS, Surroundings
from pipelines.wording import text_of, words_in, words_of
from pipelines.words import length_of

MIN_PARAGRAPH_CHARS = 30
MIN_DIRECT_CHARS = 70
"""A div is a paragraph when its own text is this long."""

MAX_LINK_SHARE = 0.5
MIN_TOTAL_CHARS = 200
DECAY = 0.8
"""What a paragraph adds to each further ancestor: the score that picks the container."""

REACH = 7
"""How many ancestors a paragraph speaks for."""

NEAR_SHARE = 0.35
NEAR_CHARS = 1500
"""The part around the headline is the article's when it has this share of the paragraphs, or this much."""

MIN_KIND_SHARE = 0.15
INLINE = {
    *(
        "a",
        "abbr",
        "b",
        "bdi",
        "cite",
        "code",
        "em",
        "font",
        "i",
        "mark",
        "q",
        "s",
        "small",
        "span",
        "strong",
    ),
    *("sub", "sup", "time", "u"),
}
HEADINGS = ("h1", "h2", "h3")

KindOfPart = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of running text, its length in characters, and what it says about where the article is.

    A list item weighs nothing: lists of teasers hold as much text as articles. `under_headline` is whether it
    comes after the article's headline.
    """

    element: HtmlElement
    chars: int
    weight: int
    under_headline: bool


@dataclass(frozen=True, slots=True)
class Region:
    """The article's part of the page: from `first` to `last` under `top`; `core` holds most of it."""

    top: HtmlElement
    core: HtmlElement
    first: HtmlElement
    last: HtmlElement
    chars: int


def find_region(tree: HtmlElement, headline: HtmlElement | None) -> Region | None:
    """The part that holds the article, or None when the page has hardly any running text.

    `headline` is the element with this article's headline, if the page shows it: a page with several articles
    is read from the one under its own headline.
    """
    by_name = paragraphs(tree, Surroundings(), headline)
    found = by_name or paragraphs(tree, Surroundings(by_name=False), headline)
    if sum(paragraph.weight for paragraph in found) < MIN_TOTAL_CHARS:
        return None
    if headline is not None:
        found = _near(found, headline)
    return _widened(found, _core(found))


def paragraphs(tree: HtmlElement, around: Surroundings, headline: HtmlElement | None) -> list[Paragraph]:
    """The page's running text in document order: p elements, and containers with text of their own."""
    found: list[Paragraph] = []
    under_headline = False
    for element in tree.iter("p", "div", "li", "td", "section", "article", *HEADINGS):
        tag = element.tag
        if tag in HEADINGS:
            under_headline = under_headline or element is headline
            continue
        if tag == "p":
            chars, least = length_of(words_in(element)), MIN_PARAGRAPH_CHARS
        elif tag == "li" and length_of(text_of(element)) < MIN_DIRECT_CHARS:
            continue
        else:
            chars, least = _direct_chars(element), MIN_DIRECT_CHARS
        if chars < least or _link_chars(element) > MAX_LINK_SHARE * chars or around.is_outside(element):
            continue
        found.append(Paragraph(element, chars, 0 if tag == "li" else chars, under_headline))
    return found


def _direct_chars(element: HtmlElement) -> int:
    """How much text the element has outside of blocks within it."""
    text = element.text
    chars = length_of(text.strip()) if text else 0
    for child in element:
        tail = child.tail
        if tail and not tail.isspace():
            chars += length_of(words_of(tail))
        if child.tag in INLINE and next(child.iter(*BLOCKS), None) is None:
            chars += length_of(words_in(child))
    return chars


def _link_chars(element: HtmlElement) -> int:
    parts = [element] if element.tag == "p" else [child for child in element if child.tag not in BLOCKS]
    return sum(length_of(text_of(link)) for part in parts for link in part.iter("a"))


def _near(found: list[Paragraph], headline: HtmlElement) -> list[Paragraph]:
    """The paragraphs of the smallest part around the headline that has enough of them."""
    inside: dict[HtmlElement, int] = {}
    for paragraph in found:
        for ancestor in (paragraph.element, *paragraph.element.iterancestors()):
            inside[ancestor] = inside.get(ancestor, 0) + paragraph.weight
    enough = min(NEAR_SHARE * sum(paragraph.weight for paragraph in found), NEAR_CHARS)
    for ancestor in headline.iterancestors():
        if inside.get(ancestor, 0) >= enough:
            return _under(found, ancestor)
    return found


def _core(found: list[Paragraph]) -> HtmlElement:
    """The container that most of the text stands in, as deep as it can be."""
    scores: dict[HtmlElement, float] = {}
    for paragraph in found:
        weight = float(paragraph.weight)
        start = [paragraph.element] if paragraph.element.tag != "p" else []
        for ancestor in islice((*start, *paragraph.element.iterancestors()), REACH):
            scores[ancestor] = scores.get(ancestor, 0.0) + weight
            weight *= DECAY
    return max(scores, key=lambda element: scores[element])


def _widened(found: list[Paragraph], core: HtmlElement) -> Region:
    """The core with what belongs to it outside: paragraphs before it, and those of the same kind after it."""
    inside = _under(found, core)
    start, end = found.index(inside[0]), found.index(inside[-1])
    kinds = _main_kinds(inside)
    article = core if core.tag == "article" else _article_of(core)
    top, first, last = core, inside[0].element, inside[-1].element
    for ancestor in core.iterancestors():
        if ancestor.tag in ("body", "html") or top is article:
            break
        more = [
            (place, paragraph.element)
            for place, paragraph in enumerate(found)
            if not start <= place <= end and ancestor in paragraph.element.iterancestors()
            if _leads(paragraph, place < start, article) or _kind(paragraph.element) in kinds
            if article is None or _article_of(paragraph.element) in (None, article)
        ]
        if more:
            top = ancestor
            first = more[0][1] if more[0][0] < start else first
            last = more[-1][1] if more[-1][0] > end else last
    chars = sum(paragraph.chars for paragraph in _between(found, first, last))
    return Region(top, core, first, last, chars)


def _leads(paragraph: Paragraph, is_before: bool, article: HtmlElement | None) -> bool:
    """Whether a paragraph before the core can be the article's beginning."""
    return is_before and (paragraph.under_headline or article is not None)


def _between(found: list[Paragraph], first: HtmlElement, last: HtmlElement) -> Iterator[Paragraph]:
    begun = False
    for paragraph in found:
        begun = begun or paragraph.element is first
        if begun:
            yield paragraph
        if paragraph.element is last:
            return


def _under(found: list[Paragraph], ancestor: HtmlElement) -> list[Paragraph]:
    return [one for one in found if one.element is ancestor or ancestor in one.element.iterancestors()]


def _article_of(element: HtmlElement) -> HtmlElement | None:
    """The outermost article element around: posts and teasers are articles within one."""
    around = list(element.iterancestors("article"))
    return around[-1] if around else None


def _main_kinds(inside: list[Paragraph]) -> set[KindOfPart]:
    """The kinds that make up a good part of the core; a teaser in the middle says nothing of what follows."""
    shares: dict[KindOfPart, int] = {}
    for paragraph in inside:
        kind = _kind(paragraph.element)
        shares[kind] = shares.get(kind, 0) + paragraph.chars
    total = sum(shares.values())
    return {kind for kind, chars in shares.items() if chars >= MIN_KIND_SHARE * total}


def _kind(element: HtmlElement) -> KindOfPart:
    """What a template's repeated parts share: the containers' names, or that of the paragraph itself."""
    parent = element.getparent()
    if parent is None:
        return (str(element.tag),)
    if not parent.get("class") and element.get("class"):
        return (str(element.tag), element.get("class"), str(parent.tag))
    around = parent.getparent()
    outer = (str(around.tag), around.get("class")) if around is not None else ("", None)
    return (str(parent.tag), parent.get("class"), *outer)
