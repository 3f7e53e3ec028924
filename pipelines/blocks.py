"""The blocks of a text as trafilatura finds them in a tree: paragraphs, headings, quotations, items, rows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from lxml.etree import _Element
from lxml.html import HtmlElement, document_fromstring
from trafilatura import bare_extraction
from trafilatura.settings import Document, Extractor

from pipelines.page import html_parser
from pipelines.remembered import remember_rules
from pipelines.wording import text_of, words_of
from pipelines.words import length_of

Kind = Literal["head", "p", "quote", "item", "row"]

_EMPTY_PAGE = b'<html><body><div class="article-body" itemprop="articleBody"></div></body></html>'
_BREAKS = ("lb", "p", "head", "list", "item", "table", "quote")
_HTML_KINDS: dict[str, Kind] = {"h2": "head", "h3": "head", "h4": "head", "li": "item", "blockquote": "quote"}

remember_rules()

# a page's faults are its own affair: the libraries' remarks on them belong in no log of ours
for _library in ("trafilatura", "htmldate", "charset_normalizer"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, quotation, list item or table row; `text` has no line feeds."""

    kind: Kind
    text: str


def chars(blocks: Iterable[Block]) -> int:
    """How much text the blocks have; a sign of East Asia counts for two letters."""
    return sum(length_of(block.text) for block in blocks)


def extract(tree: HtmlElement, *, fast: bool = True) -> list[Block]:
    """What trafilatura takes for the main text, comments off; `fast=False` tries its slower fallbacks too.

    The tree stays as it is. Metadata is not asked for: that is half of trafilatura's time, and other files here
    read it. Nothing is fetched.
    """
    document = bare_extraction(tree, options=_options(fast))
    return list(_blocks(document.body)) if isinstance(document, Document) else []


def extract_part(part: HtmlElement) -> list[Block]:
    """The blocks of a part that is known to be the article: it is shown to trafilatura as a whole page.

    The part is moved out of the tree it was in.
    """
    page = document_fromstring(_EMPTY_PAGE, parser=html_parser())
    page[0][0].append(part)
    return extract(page)


def plain_blocks(part: HtmlElement) -> Iterator[Block]:
    """The part's own paragraphs, headings, items and quotations, for when trafilatura keeps too few of them."""
    for element in part.iter("p", *_HTML_KINDS):
        if element.tag in ("li", "blockquote") and element.find(".//p") is not None:
            continue
        yield from _lines(_HTML_KINDS.get(str(element.tag), "p"), text_of(element))


@cache
def _options(fast: bool) -> Extractor:
    # any format but "python", which makes a text of the body that nobody reads here
    return Extractor(output_format="txt", comments=False, fast=fast)


def _blocks(body: _Element) -> Iterator[Block]:
    """trafilatura's elements as blocks; a line break ends a block."""
    yield from _lines("p", body.text)
    for element in body:
        if element.tag == "table":
            for row in element.iter("row"):
                cells = (words_of(_all_text(cell)) for cell in row)
                yield from _lines("row", " | ".join(cell for cell in cells if cell))
        elif element.tag == "list":
            for item in element.iter("item"):
                yield from _inline("item", item)
        elif element.tag == "head":
            yield from _lines("head", _all_text(element, " "))
        else:
            yield from _inline("quote" if element.tag == "quote" else "p", element)
        yield from _lines("p", element.tail)


def _all_text(element: _Element, joint: str = "") -> str:
    return joint.join(str(text) for text in element.itertext())


def _inline(kind: Kind, element: _Element) -> Iterator[Block]:
    pieces = [""]
    _collect(element, pieces, top=True)
    for piece in pieces:
        yield from _lines(kind, piece)


def _collect(element: _Element, pieces: list[str], *, top: bool = False) -> None:
    """The element's text in pieces, a new one at each break and at each block within."""
    breaks = not top and element.tag in _BREAKS
    if breaks:
        pieces.append("")
    pieces[-1] += element.text or ""
    for child in element:
        # a list within an item comes by itself: iterating over items meets its items too
        if child.tag != "list" or element.tag != "item":
            _collect(child, pieces)
        pieces[-1] += child.tail or ""
    if breaks and element.tag != "lb":
        pieces.append("")


def _lines(kind: Kind, text: str | None) -> Iterator[Block]:
    words = words_of(text)
    if words:
        yield Block(kind, words)
