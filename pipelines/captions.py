"""The text of a gallery: the captions of its pictures, where a page has hardly any other words."""

from __future__ import annotations

import re
from copy import deepcopy

from lxml.html import HtmlElement

from pipelines.blocks import Block
from pipelines.furniture import Surroundings, signs
from pipelines.wording import words_in

MIN_CAPTIONS = 3
MIN_CHARS = 40
MAX_LINK_SHARE = 0.5
_CREDIT = re.compile(r"(?:^|[\s_-])(?:credits?|copyright|photographer|source|byline)(?:$|[\s_-])", re.IGNORECASE)


def captions(tree: HtmlElement) -> list[Block]:
    """The captions in the page's order, without credits that have an element of their own; none when there are fewer
    than three. Teasers are no captions: their figure is in a link or has one."""
    around = Surroundings(by_name=False)
    found = [text for figure in tree.iter("figure") if (text := _caption(figure, around))]
    return [Block("p", text) for text in dict.fromkeys(found)] if len(found) >= MIN_CAPTIONS else []


def _caption(figure: HtmlElement, around: Surroundings) -> str | None:
    element = figure.find(".//figcaption")
    parent = figure.getparent()
    if element is None or parent is None or around.is_outside(parent) or any(figure.iterancestors("a")):
        return None
    linked = sum(len(words_in(link)) for link in figure.iter("a"))
    copy = deepcopy(element)
    for part in list(copy.iter("span", "small", "cite", "div", "p")):
        if part is not copy and _CREDIT.search(signs(part)) and part.getparent() is not None:
            part.drop_tree()
    text = words_in(copy)
    return text if len(text) >= MIN_CHARS and linked <= MAX_LINK_SHARE * len(text) else None
