"""The words of an article, block by block, without the page's own sentences between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml.html import HtmlElement

from pipelines.blocks import Block, chars, extract, extract_part, plain_blocks
from pipelines.byline import headline_element
from pipelines.captions import captions
from pipelines.cues import is_author_note, is_byline, is_closing_call, is_cue
from pipelines.doubts import MIN_COVERAGE, MIN_RELEVANCE, MIN_TEXT_CHARS, UNKNOWN, Told, Trust, relevance, trust
from pipelines.excerpt import cut_out
from pipelines.furniture import drop_silent, drop_widgets, linked_lines
from pipelines.headline import letters
from pipelines.lead import find_lead
from pipelines.region import Region, find_region
from pipelines.wording import text_of

MIN_GAIN = 1.5
"""How much longer another reading must be to replace a short one."""

MIN_LIVE_COVERAGE = 0.9
"""Of a live blog less may be lost: posts that are alike are dropped by what reads articles."""

MIN_SHARED_WORDS = 0.3
MIN_TITLE_LETTERS = 20
MAX_KICKER_LETTERS = 30
TOP_BLOCKS = 6
LAST_BLOCKS = 3

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Text:
    """An article's blocks and the way they were found: `region`, `captions`, `page`, `cascade`, `json-ld`, `selector`
    or `none`.

    `removed` are paragraphs that were left out as being none of the article; `selected` are what the source's file took
    out; `trust` says how far the blocks can be relied on. `within` is the part of the page they are from, until the
    page is taken apart.
    """

    blocks: tuple[Block, ...]
    way: str
    removed: tuple[str, ...] = ()
    trust: Trust = UNKNOWN
    within: HtmlElement | None = None
    selected: tuple[str, ...] = ()

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
    kept, removed = _cleaned(found.blocks, told, linked_lines(found.within))
    while kept and kept[-1].kind == "head":
        kept.pop()
    if not kept:
        return Text((), "none", tuple(removed))
    if lead is not None and not _has(kept, lead):
        kept.insert(0, Block("p", lead))
    relied = trust(kept, found.way, found.running_chars, told)
    return Text(tuple(kept), found.way, tuple(removed), relied, found.within)


def selected_text(parts: Sequence[HtmlElement], told: Told) -> Text | None:
    """The text of the parts that the source's file names; None when they have none."""
    blocks = [block for part in parts for block in extract_part(_without_silent(part))]
    kept, removed = _cleaned(blocks, told, set())
    if not kept:
        return None
    return Text(tuple(kept), "selector", tuple(removed), trust(kept, "selector", 0, told))


def _without_silent(part: HtmlElement) -> HtmlElement:
    drop_silent(part)
    return part


@dataclass(frozen=True, slots=True)
class _Found:
    """Blocks as extracted, the part of the tree they are from, the way they were found, and how much running text
    stands in that part, 0 when it was not counted."""

    blocks: list[Block]
    within: HtmlElement
    way: str
    running_chars: int = 0


def _read(tree: HtmlElement, headline: HtmlElement | None, told: Told) -> _Found:
    """The region's blocks; when these are few or speak of something else, the captions or the whole page's."""
    region = find_region(tree, headline)
    best = _Found([], tree, "none")
    if region is not None:
        best = _Found(_read_region(region, told), region.top, "region", region.chars)
    if chars(best.blocks) >= MIN_TEXT_CHARS:
        used = relevance(best.blocks, told)
        if used >= MIN_RELEVANCE:
            return best
        other = _Found(extract(tree), tree, "page")
        return other if relevance(other.blocks, told) >= used + MIN_RELEVANCE else best
    for way in ("captions", "page", "cascade"):
        blocks = captions(tree) if way == "captions" else extract(tree, fast=way == "page")
        if chars(blocks) > MIN_GAIN * chars(best.blocks):
            best = _Found(blocks, tree, way)
        if chars(best.blocks) >= MIN_TEXT_CHARS:
            break
    return best


def _read_region(region: Region, told: Told) -> list[Block]:
    """What trafilatura makes of the region, or its plain paragraphs when trafilatura keeps too few of them."""
    blocks = extract_part(cut_out(region))
    least = MIN_LIVE_COVERAGE if told.live else MIN_COVERAGE
    if chars(blocks) < least * region.chars:
        return max(blocks, list(plain_blocks(cut_out(region))), key=chars)
    return blocks


def _cleaned(blocks: Sequence[Block], told: Told, links: set[str]) -> tuple[list[Block], list[str]]:
    """The blocks without the headline, bylines, dates and repetitions among them, and without teasers, calls and
    notes about the author; the texts of these three."""
    titles = {letters(title) for title in told.titles}
    kept: list[Block] = []
    removed: list[str] = []
    previous = None
    for place, block in enumerate(blocks):
        text = block.text
        if text == previous:
            continue
        is_top, is_last = place < TOP_BLOCKS, place >= len(blocks) - LAST_BLOCKS
        if is_top and _repeats(letters(text), titles):
            continue
        if (is_top or is_last) and is_byline(text, told.authors):
            continue
        ends = is_last and not is_top and (is_author_note(text, told.authors) or is_closing_call(text))
        if ends or text in links or is_cue(text):
            removed.append(text)
            continue
        previous = text
        kept.append(block)
    return kept, removed


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
    words = _words(text_of(headline))
    known = [_words(title) for title in told.titles]
    return any(len(words & title) >= MIN_SHARED_WORDS * len(words | title) for title in known)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
