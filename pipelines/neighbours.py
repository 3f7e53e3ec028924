"""Elements that stand near another one, in document order; an XPath axis would collect half the page for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lxml.html import HtmlElement


def following(element: HtmlElement) -> Iterator[HtmlElement]:
    """The elements after this one and its descendants, nearest first."""
    node: HtmlElement | None = element
    while node is not None:
        for sibling in node.itersiblings():
            yield from sibling.iter()
        node = node.getparent()


def shortly_before(element: HtmlElement, levels: int) -> Iterator[HtmlElement]:
    """The elements of the siblings before this one and before its nearest ancestors, the nearest sibling first."""
    for node in islice((element, *element.iterancestors()), levels):
        for sibling in node.itersiblings(preceding=True):
            yield from sibling.iter()
