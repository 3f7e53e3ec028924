"""Where the article stands in a page: the part of the tree around its paragraphs, next to its headline.

trafilatura finds an article by the names that templates give its container, and takes the first that fits. Articles
come in several containers (adverts between them, posts of a live blog, a wall in the middle) or under no known name.
So the paragraphs are found first, by their length and their surroundings, and the part that holds them is handed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

from lxml.html import HtmlElement

from pipelines.furniture import BLOCKS, Surroundings, words_of

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
"""The part around the headline counts as the article when it has this share of the page's paragraphs, or this much."""

INLINE = {
    *("a", "abbr", "b", "bdi", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "sub"),
    *("sup", "time", "u"),
}
KEPT_BEFORE = {"h2", "h3", "h4", "ul", "ol", "p", "blockquote"}
KEPT_AFTER = {"p", "blockquote", "pre", "table", "ul", "ol", "dl", "br", *INLINE}


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
    found = paragraphs(tree, Surroundings(), headline) or paragraphs(tree, Surroundings(by_name=False), headline)
    if sum(paragraph.weight for paragraph in found) < MIN_TOTAL_CHARS:
        return None
    if headline is not None:
        found = _near(found, headline)
    return _widened(found, _core(found))


def paragraphs(tree: HtmlElement, around: Surroundings, headline: HtmlElement | None) -> list[Paragraph]:
    """The page's running text in document order: p elements, and divs with text of their own."""
    found: list[Paragraph] = []
    under_headline = False
    for element in tree.iter("p", "div", "li", "td", "section", "article", "h1", "h2", "h3"):
        if element.tag in ("h1", "h2", "h3"):
            under_headline = under_headline or element is headline
            continue
        if element.tag == "p":
            chars, least = len(words_of(element.text_content())), MIN_PARAGRAPH_CHARS
        else:
            chars, least = _direct_chars(element), MIN_DIRECT_CHARS
        if chars < least or _link_chars(element) > MAX_LINK_SHARE * chars or around.is_outside(element):
            continue
        found.append(Paragraph(element, chars, 0 if element.tag == "li" else chars, under_headline))
    return found


def _direct_chars(element: HtmlElement) -> int:
    """How much text the element has outside of blocks within it."""
    chars = len(words_of(element.text))
    for child in element:
        if child.tag in INLINE and next(child.iter(*BLOCKS), None) is None:
            chars += len(words_of(child.text_content()))
        if child.tail:
            chars += len(words_of(child.tail))
    return chars


def _link_chars(element: HtmlElement) -> int:
    if element.tag == "p":
        return sum(len(link.text_content()) for link in element.iter("a"))
    return sum(len(link.text_content()) for child in element if child.tag not in BLOCKS for link in child.iter("a"))


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
        around = paragraph.element.iterancestors()
        start = [paragraph.element] if paragraph.element.tag != "p" else []
        for ancestor in islice((*start, *around), REACH):
            scores[ancestor] = scores.get(ancestor, 0.0) + weight
            weight *= DECAY
    return max(scores, key=lambda element: scores[element])


def _widened(found: list[Paragraph], core: HtmlElement) -> Region:
    """The core with what belongs to it outside: paragraphs before it, and paragraphs of the same kind after it."""
    inside = _under(found, core)
    kinds = {_kind(paragraph.element) for paragraph in inside}
    start, end = found.index(inside[0]), found.index(inside[-1])
    article = core if core.tag == "article" else _article_of(core)
    top, first, last = core, inside[0].element, inside[-1].element
    for ancestor in core.iterancestors():
        if ancestor.tag in ("body", "html") or top is article:
            break
        more = [
            (place, paragraph.element)
            for place, paragraph in enumerate(found)
            if not start <= place <= end and ancestor in paragraph.element.iterancestors()
            if (place < start and paragraph.under_headline) or _kind(paragraph.element) in kinds
            if article is None or _article_of(paragraph.element) in (None, article)
        ]
        if more:
            top = ancestor
            first = min(more, key=lambda entry: entry[0])[1] if more[0][0] < start else first
            last = more[-1][1] if more[-1][0] > end else last
        if ancestor is article:
            break
    chars = sum(paragraph.chars for paragraph in _between(found, first, last))
    return Region(top, core, first, last, chars)


def _between(found: list[Paragraph], first: HtmlElement, last: HtmlElement) -> Iterator[Paragraph]:
    begun = False
    for paragraph in found:
        begun = begun or paragraph.element is first
        if begun:
            yield paragraph
        if paragraph.element is last:
            return


def _under(found: list[Paragraph], ancestor: HtmlElement) -> list[Paragraph]:
    return [entry for entry in found if entry.element is ancestor or ancestor in entry.element.iterancestors()]


def _article_of(element: HtmlElement) -> HtmlElement | None:
    """The outermost article element around: posts and teasers are articles within one."""
    return next(iter(list(element.iterancestors("article"))[::-1]), None)


def _kind(element: HtmlElement) -> tuple[str | None, ...]:
    """What a template's repeated parts have in common: the names of the containers, or of the paragraph itself."""
    parent = element.getparent()
    if parent is None:
        return (element.tag,)
    around = parent.getparent()
    if not parent.get("class") and element.get("class"):
        return (element.tag, element.get("class"), parent.tag)
    outer = (around.tag, around.get("class")) if around is not None else ("", None)
    return (parent.tag, parent.get("class"), *outer)


def cut_out(region: Region) -> HtmlElement:
    """A copy of the region: outside the core nothing before the first and after the last paragraph, and within it
    nothing after the last one but short paragraphs, tables and lists."""
    top, core = region.top, region.core
    first = core if core in region.first.iterancestors() or region.first is core else region.first
    way_to_first, way_to_last = _way(top, first), _way(top, region.last)
    inside_from = len(_way(top, core)) if region.last is core or core in region.last.iterancestors() else len(way_to_last)
    copy = deepcopy(top)
    copy.tail = None
    starts, ends = _walk(copy, way_to_first), _walk(copy, way_to_last)
    for depth, node in enumerate(ends):
        for sibling in list(node.itersiblings()):
            if depth < inside_from or not _may_end(sibling):
                sibling.drop_tree()
        if depth < inside_from:
            node.tail = None
    for node in starts:
        for sibling in list(node.itersiblings(preceding=True)):
            if sibling.tag not in KEPT_BEFORE:
                sibling.drop_tree()
    return copy


def _may_end(element: HtmlElement) -> bool:
    """Whether an element after the last long paragraph can still be text: no heading, and not mostly links."""
    if element.tag not in KEPT_AFTER:
        return False
    chars = len(words_of(element.text_content()))
    return sum(len(link.text_content()) for link in element.iter("a")) <= MAX_LINK_SHARE * chars


def _way(top: HtmlElement, element: HtmlElement) -> list[int]:
    """The child numbers that lead from `top` to the element."""
    way: list[int] = []
    node = element
    while node is not top:
        parent = node.getparent()
        if parent is None:
            break
        way.append(parent.index(node))
        node = parent
    return way[::-1]


def _walk(top: HtmlElement, way: list[int]) -> list[HtmlElement]:
    nodes: list[HtmlElement] = []
    node = top
    for number in way:
        node = node[number]
        nodes.append(node)
    return nodes
