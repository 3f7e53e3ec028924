"""The words of an article, block by block, without the page's own sentences between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lxml.html import HtmlElement

from pipelines.blocks import Block, chars, extract, extract_part, plain_blocks
from pipelines.byline import headline_element
from pipelines.cues import is_author_note, is_byline, is_closing_call, is_cue
from pipelines.excerpt import cut_out
from pipelines.furniture import drop_silent, drop_widgets, linked_lines
from pipelines.headline import letters
from pipelines.lead import find_lead
from pipelines.region import Region, find_region

MIN_TEXT_CHARS = 250
"""Below this a reading is doubted, and the slower ways are tried."""

MIN_GAIN = 1.5
"""How much longer another reading must be to replace a short one."""

MIN_COVERAGE = 0.6
"""A reading with less than this share of the region's running text has lost something."""

MIN_RELEVANCE = 0.25
"""An article uses this share of the longer words of its headline and description, and nearly always twice it."""

MIN_SAID_WORDS = 6
MIN_SHARED_WORDS = 0.3
MIN_TITLE_LETTERS = 20
MAX_KICKER_LETTERS = 30
TOP_BLOCKS = 6
LAST_BLOCKS = 3

_WORD = re.compile(r"\w+")
_LONG_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says of its article elsewhere: the text must not repeat it, and is checked against it."""

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
        return chars(self.blocks)


def article_text(tree: HtmlElement, told: Told) -> Text:
    """The article's blocks in reading order. Takes the tree apart: read links and metadata first.

    Uses no network. May run long on hostile markup: the pool's time limit is the bound.
    """
    drop_silent(tree)
    headline = headline_element(tree, told.titles[0] if told.titles else None)
    lead = find_lead(headline, told.descriptions, told.titles)
    drop_widgets(tree)
    found = _read(tree, headline if _is_title(headline, told) else None, told)
    kept = list(_cleaned(found.blocks, told, linked_lines(found.within)))
    while kept and kept[-1].kind == "head":
        kept.pop()
    if lead is not None and kept and not _has(kept, lead):
        kept.insert(0, Block("p", lead))
    return Text(tuple(kept), found.way if kept else "none")


@dataclass(frozen=True, slots=True)
class _Found:
    """Blocks as extracted, the part of the tree they are from, and the way they were found."""

    blocks: list[Block]
    within: HtmlElement
    way: str


def _read(tree: HtmlElement, headline: HtmlElement | None, told: Told) -> _Found:
    """The region's blocks; when these are few or speak of something else, the whole page's."""
    region = find_region(tree, headline)
    best = _Found(_read_region(region), region.top, "region") if region else _Found([], tree, "none")
    if chars(best.blocks) >= MIN_TEXT_CHARS:
        relevance = _relevance(best.blocks, told)
        if relevance >= MIN_RELEVANCE:
            return best
        other = _Found(extract(tree), tree, "page")
        return other if _relevance(other.blocks, told) >= relevance + MIN_RELEVANCE else best
    for way, fast in (("page", True), ("cascade", False)):
        blocks = extract(tree, fast=fast)
        if chars(blocks) > MIN_GAIN * chars(best.blocks):
            best = _Found(blocks, tree, way)
        if chars(best.blocks) >= MIN_TEXT_CHARS:
            break
    return best


def _read_region(region: Region) -> list[Block]:
    """What trafilatura makes of the region, or its plain paragraphs when trafilatura keeps too few of them."""
    blocks = extract_part(cut_out(region))
    if chars(blocks) < MIN_COVERAGE * region.chars:
        return max(blocks, list(plain_blocks(cut_out(region))), key=chars)
    return blocks


def _relevance(blocks: Iterable[Block], told: Told) -> float:
    """The share of the headline's and description's longer words that the blocks use; 1 when these are few."""
    said = set(_LONG_WORD.findall(" ".join((*told.titles[:1], *told.descriptions[:1])).casefold()))
    if len(said) < MIN_SAID_WORDS:
        return 1.0
    used = set(_LONG_WORD.findall(" ".join(block.text for block in blocks).casefold()))
    return len(said & used) / len(said)


def _cleaned(blocks: Sequence[Block], told: Told, links: set[str]) -> Iterator[Block]:
    """The blocks without the headline, bylines, dates, teasers, calls and repetitions among them."""
    titles = {letters(title) for title in told.titles}
    previous = None
    for place, block in enumerate(blocks):
        text = block.text
        if text == previous or text in links or is_cue(text):
            continue
        is_top, is_last = place < TOP_BLOCKS, place >= len(blocks) - LAST_BLOCKS
        if is_top and _repeats(letters(text), titles):
            continue
        if (is_top or is_last) and is_byline(text, told.authors):
            continue
        if is_last and not is_top and (is_author_note(text, told.authors) or is_closing_call(text)):
            continue
        previous = text
        yield block


def _repeats(key: str, titles: set[str]) -> bool:
    """Whether a block is the headline again, alone or behind a short kicker."""
    if key in titles:
        return True
    ends = (title for title in titles if len(title) > MIN_TITLE_LETTERS and key.endswith(title))
    return any(len(key) - len(title) <= MAX_KICKER_LETTERS for title in ends)


def _has(blocks: Iterable[Block], text: str) -> bool:
    whole, key = letters("".join(block.text for block in blocks)), letters(text)
    return key[:60] in whole or key[-60:] in whole


def _is_title(headline: HtmlElement | None, told: Told) -> bool:
    """Whether a heading is this article's: it shares enough words with what the page says its title is."""
    if headline is None:
        return False
    words = _words(headline.text_content())
    known = [_words(title) for title in told.titles]
    return any(len(words & title) >= MIN_SHARED_WORDS * len(words | title) for title in known)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
