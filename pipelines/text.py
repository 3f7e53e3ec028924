"""The words of an article, block by block: trafilatura's reading of the region, without the page's own sentences."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Literal

from lxml.etree import _Element
from lxml.html import HtmlElement, document_fromstring
from trafilatura import bare_extraction
from trafilatura.settings import Extractor

from pipelines.byline import headline_element
from pipelines.cues import is_author_note, is_byline, is_closing_call, is_cue
from pipelines.furniture import drop_silent, drop_widgets, linked_lines, words_of
from pipelines.region import cut_out, find_region

Kind = Literal["head", "p", "quote", "item", "row"]

MIN_TEXT_CHARS = 250
"""Below this a reading is doubted, and the slower ways are tried."""

MIN_COVERAGE = 0.6
"""A reading with less than this share of the region's running text has lost something."""

MIN_SHARED_WORDS = 0.3
MAX_KICKER_CHARS = 30
TOP_BLOCKS = 6
LAST_BLOCKS = 3
LEAD_REACH = 150
LEAD_CHARS = (50, 700)

_WORD = re.compile(r"\w+")

# a page's text is its own affair: trafilatura's remarks on it belong in no log of ours
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, quotation, list item or table row; `text` has no line feeds."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says of its article elsewhere; used to tell the article's words from repetitions of these."""

    titles: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """An article's blocks and the way they were found: `region`, `page`, `cascade` or `none`."""

    blocks: tuple[Block, ...]
    way: str

    @property
    def chars(self) -> int:
        """How much text there is."""
        return sum(len(block.text) for block in self.blocks)


def article_text(tree: HtmlElement, told: Told) -> Text:
    """The article's blocks in reading order. Takes the tree apart: read links and metadata first.

    Never uses the network. May run long on hostile markup; the pool's time limit is the bound.
    """
    drop_silent(tree)
    headline = headline_element(tree, told.titles[0] if told.titles else None)
    lead = _lead(headline, told)
    links = linked_lines(tree)
    drop_widgets(tree, len(words_of(tree.text_content())))
    blocks, way = _read(tree, headline if _is_title(headline, told) else None)
    kept = list(_cleaned(blocks, told, links))
    while kept and kept[-1].kind == "head":
        kept.pop()
    if lead is not None and kept and not _has(kept, lead):
        kept.insert(0, Block("p", lead))
    return Text(tuple(kept), way if kept else "none")


def _read(tree: HtmlElement, headline: HtmlElement | None) -> tuple[list[Block], str]:
    """The region's blocks; when these are few, the whole page's, at last with all of trafilatura's fallbacks."""
    region = find_region(tree, headline)
    best: list[Block] = []
    if region is not None:
        part = cut_out(region)
        best = _extract(_page_of(deepcopy(part)))
        if _chars(best) < MIN_COVERAGE * region.chars:
            plain = list(_plain_blocks(part))
            best = max(best, plain, key=_chars)
        if _chars(best) >= MIN_TEXT_CHARS:
            return best, "region"
    way = "region"
    for name, fast in (("page", True), ("cascade", False)):
        blocks = _extract(tree, fast=fast)
        if _chars(blocks) > _chars(best):
            best, way = blocks, name
        if _chars(best) >= MIN_TEXT_CHARS:
            break
    return best, way


@cache
def _options(fast: bool) -> Extractor:
    return Extractor(output_format="python", comments=False, fast=fast)


def _extract(tree: HtmlElement, *, fast: bool = True) -> list[Block]:
    document = bare_extraction(tree, options=_options(fast))
    return list(_blocks(document.body)) if document is not None else []


def _page_of(part: HtmlElement) -> HtmlElement:
    """The part as a page of its own, under a name by which trafilatura takes all of it."""
    page = document_fromstring('<html><body><div class="article-body" itemprop="articleBody"></div></body></html>')
    page[0][0].append(part)
    return page


def _blocks(body: _Element) -> Iterator[Block]:
    """trafilatura's elements as blocks; a line break ends a block."""
    yield from _lines("p", body.text)
    for element in body:
        if element.tag == "table":
            for row in element.iter("row"):
                cells = (words_of("".join(cell.itertext())) for cell in row)
                yield from _lines("row", " | ".join(cell for cell in cells if cell))
        elif element.tag == "list":
            for item in element.iter("item"):
                yield from _inline("item", item)
        elif element.tag == "head":
            yield from _lines("head", " ".join(element.itertext()))
        else:
            yield from _inline("quote" if element.tag == "quote" else "p", element)
        yield from _lines("p", element.tail)


def _inline(kind: Kind, element: _Element) -> Iterator[Block]:
    pieces = [""]
    _collect(element, pieces, top=True)
    for piece in pieces:
        yield from _lines(kind, piece)


def _collect(element: _Element, pieces: list[str], *, top: bool = False) -> None:
    """The element's text in pieces, a new one at each break and each block within."""
    own = not top and element.tag in ("lb", "p", "head", "list", "item", "table", "quote")
    if own:
        pieces.append("")
    pieces[-1] += element.text or ""
    for child in element:
        if child.tag == "list" and element.tag == "item":
            continue
        _collect(child, pieces)
        pieces[-1] += child.tail or ""
    if own and element.tag != "lb":
        pieces.append("")


def _lines(kind: Kind, text: str | None) -> Iterator[Block]:
    words = words_of(text)
    if words:
        yield Block(kind, words)


def _plain_blocks(part: HtmlElement) -> Iterator[Block]:
    """The part's own paragraphs and headings, when trafilatura kept too few of them."""
    for element in part.iter("p", "h2", "h3", "h4", "li", "blockquote"):
        if element.tag in ("li", "blockquote") and element.find(".//p") is not None:
            continue
        kind: Kind = {"h2": "head", "h3": "head", "h4": "head", "li": "item", "blockquote": "quote"}.get(element.tag, "p")  # type: ignore[assignment]
        yield from _lines(kind, element.text_content())


def _cleaned(blocks: Sequence[Block], told: Told, links: set[str]) -> Iterator[Block]:
    """The blocks without the headline, bylines, dates, teasers, calls and repetitions that stand among them."""
    titles = {_key(title) for title in told.titles}
    previous = None
    for place, block in enumerate(blocks):
        text = block.text
        if text == previous or text in links or is_cue(text):
            continue
        if place < TOP_BLOCKS and _repeats(_key(text), titles):
            continue
        last = place >= len(blocks) - LAST_BLOCKS
        if (last or place < TOP_BLOCKS) and is_byline(text, told.authors):
            continue
        if last and place >= TOP_BLOCKS and (is_author_note(text, told.authors) or is_closing_call(text)):
            continue
        previous = text
        yield block


def _repeats(key: str, titles: set[str]) -> bool:
    """Whether a block is the headline again, alone or behind a short kicker."""
    return key in titles or any(
        len(title) > 20 and key.endswith(title) and len(key) - len(title) <= MAX_KICKER_CHARS for title in titles
    )


def _lead(headline: HtmlElement | None, told: Told) -> str | None:
    """The paragraph under the headline that is also the page's description: the lead, wherever the template puts it."""
    if headline is None:
        return None
    openings = {_key(text)[:40] for text in told.descriptions if len(text) >= LEAD_CHARS[0]}
    titles = [key for title in told.titles if len(key := _key(title)) > 10]
    for element in islice(_following(headline), LEAD_REACH):
        if element.tag not in ("p", "div", "h2", "h3", "h4", "span", "strong", "section") or len(element) > 8:
            continue
        text = words_of(element.text_content())
        if not LEAD_CHARS[0] <= len(text) <= LEAD_CHARS[1] or next(element.iterancestors("figure", "aside"), None) is not None:
            continue
        key = _key(text)
        if key[:40] in openings and not any(title in key for title in titles):
            return text
    return None


def _following(element: HtmlElement) -> Iterator[HtmlElement]:
    """The elements after this one in document order."""
    node: HtmlElement | None = element
    while node is not None:
        for sibling in node.itersiblings():
            yield from sibling.iter()
        node = node.getparent()


def _has(blocks: Iterable[Block], text: str) -> bool:
    whole, key = _key("".join(block.text for block in blocks)), _key(text)
    return key[:60] in whole or key[-60:] in whole


def _is_title(headline: HtmlElement | None, told: Told) -> bool:
    """Whether a heading is this article's: it shares enough words with what the page says its title is."""
    if headline is None:
        return False
    words = _words(headline.text_content())
    return any(len(words & known) >= MIN_SHARED_WORDS * len(words | known) for known in map(_words, told.titles))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _key(text: str) -> str:
    """The text's letters and digits only: how two writings of one sentence are compared."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _chars(blocks: Iterable[Block]) -> int:
    return sum(len(block.text) for block in blocks)
