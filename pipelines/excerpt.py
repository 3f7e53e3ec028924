"""A copy of the article's part of a page, cut at its first and its last paragraph."""

from __future__ import annotations

from copy import deepcopy

from lxml.html import HtmlElement

from pipelines.region import INLINE, MAX_LINK_SHARE, Region
from pipelines.wording import text_of, words_in

KEPT_BEFORE = {"h2", "h3", "h4", "ul", "ol", "p", "blockquote"}
KEPT_AFTER = {"p", "blockquote", "pre", "table", "ul", "ol", "dl", "br", *INLINE}


def cut_out(region: Region) -> HtmlElement:
    """A copy of the region without what stands before its first and after its last paragraph.

    Within the core, short paragraphs, tables and lists after the last long paragraph stay.
    """
    top, core = region.top, region.core
    first = core if _is_within(region.first, core) else region.first
    way_to_first, way_to_last = _way(top, first), _way(top, region.last)
    outside = len(_way(top, core)) if _is_within(region.last, core) else len(way_to_last)
    copy = deepcopy(top)
    copy.tail = None
    for depth, node in enumerate(_walk(copy, way_to_last)):
        for sibling in list(node.itersiblings()):
            if depth < outside or not _may_end(sibling):
                sibling.drop_tree()
        if depth < outside:
            node.tail = None
    for node in _walk(copy, way_to_first):
        for sibling in list(node.itersiblings(preceding=True)):
            if sibling.tag not in KEPT_BEFORE:
                sibling.drop_tree()
    return copy


def _is_within(element: HtmlElement, ancestor: HtmlElement) -> bool:
    return element is ancestor or ancestor in element.iterancestors()


def _may_end(element: HtmlElement) -> bool:
    """Whether an element after the last long paragraph can be text: no heading, and not mostly links."""
    if element.tag not in KEPT_AFTER:
        return False
    chars = len(words_in(element))
    return sum(len(text_of(link)) for link in element.iter("a")) <= MAX_LINK_SHARE * chars


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
    """The elements on that way in another copy of the same tree."""
    nodes: list[HtmlElement] = []
    node = top
    for number in way:
        node = node[number]
        nodes.append(node)
    return nodes
