"""How far a text can be relied on: what else the page says of its article, and how well the text agrees with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipelines.blocks import Block, chars
from pipelines.words import count_words

MIN_TEXT_CHARS = 250
"""Below this a reading is doubted, and the slower ways are tried."""

MIN_COVERAGE = 0.6
"""A reading with less than this share of the region's running text has lost something."""

MIN_RELEVANCE = 0.25
"""An article uses this share of the longer words of its headline and description, and nearly always twice it."""

USUAL_RELEVANCE = 0.5
MIN_SAID_WORDS = 6
MIN_AGREEMENT = 0.6
"""A witness that agrees less than this is named as a doubt."""

LEAST_OF_LONGER = MIN_AGREEMENT
"""Short lines are no running text: a list of them is longer than what was counted, and lost nothing."""

LEAST = 0.2
"""No one witness outweighs all others together."""

MIN_COUNTED_WORDS = 50
WAYS = {"region": 1.0, "selector": 1.0, "captions": 0.9, "json-ld": 0.8, "page": 0.8, "cascade": 0.6}
"""What the way a text was found is worth: each is tried only when those before it failed."""

_WORD = re.compile(r"\w+")
_LONG_WORD = re.compile(r"\w{4,}")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")
"""Thai, Lao, Burmese, Khmer, Kana and Han: written without spaces, so two signs are compared and no words."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the page, and the feed that named it, say of its article elsewhere: the text must not repeat it, and is
    checked against it. `body` and `words` are JSON-LD's articleBody and wordCount; `live` is whether it says that
    this is a live blog."""

    titles: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    body: str = ""
    words: int | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """One thing a text was checked against: its name, how far they agree from 0 to 1, and that in words."""

    name: str
    agreement: float
    said: str


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a text can be relied on, from 0 to 1, and the doubts by name, such as `short: 120 characters`."""

    confidence: float
    doubts: tuple[str, ...] = ()


UNKNOWN = Trust(0.0)
"""Of no text."""


def trust(blocks: Sequence[Block], way: str, running_chars: int, told: Told) -> Trust:
    """The product of what the witnesses say. `running_chars` is how much running text stands where the blocks were
    read, 0 when that is not known."""
    witnesses = list(_witnesses(blocks, way, running_chars, told))
    confidence = 1.0
    for witness in witnesses:
        confidence *= max(witness.agreement, LEAST)
    doubts = (f"{one.name}: {one.said}" for one in witnesses if one.agreement < MIN_AGREEMENT or one.name == "way")
    return Trust(round(confidence, 3), tuple(doubts))


def _witnesses(blocks: Sequence[Block], way: str, running_chars: int, told: Told) -> Iterator[Witness]:
    length = chars(blocks)
    if WAYS.get(way, 0.0) < 1:
        yield Witness("way", WAYS.get(way, 0.0), f"by {way}: no part of the page stands out as the article")
    if length < MIN_TEXT_CHARS:
        yield Witness("short", length / MIN_TEXT_CHARS, f"{length} characters")
    if running_chars:
        covered = length / running_chars
        agreement = covered if covered < 1 else max(1 / covered, LEAST_OF_LONGER)
        yield Witness("coverage", agreement, f"{covered:.0%} of the running text around it")
    used = relevance(blocks, told)
    yield Witness(
        "subject", min(1.0, used / USUAL_RELEVANCE), f"{used:.0%} of the headline's and summary's words are used"
    )
    if way != "json-ld":
        yield from _linked(blocks, told)


def _linked(blocks: Sequence[Block], told: Told) -> Iterator[Witness]:
    """What JSON-LD says of the text: its words, which may be an excerpt, and their number."""
    if len(told.body) >= MIN_TEXT_CHARS:
        shared = contained(told.body, (block.text for block in blocks))
        yield Witness("json-ld", shared, f"{shared:.0%} of the words of JSON-LD's articleBody are in the text")
    if told.words is not None and told.words >= MIN_COUNTED_WORDS:
        words = count_words(" ".join(block.text for block in blocks))
        agreement = _likeness(words / told.words)
        yield Witness("word-count", agreement, f"{words} words, JSON-LD's wordCount is {told.words}")


def relevance(blocks: Iterable[Block], told: Told) -> float:
    """The share of the headline's and description's longer words that the blocks use; 1 when these are few."""
    said = _terms(" ".join((*told.titles[:1], *told.descriptions[:1])))
    if len(said) < MIN_SAID_WORDS:
        return 1.0
    text = " ".join(block.text for block in blocks)
    folded = text.lower() if text.isascii() else text.casefold()
    return sum(_stands(term, folded) for term in said) / len(said)


def contained(part: str, whole: Iterable[str]) -> float:
    """The share of the different words of `part` that `whole` has too."""
    words = set(_WORD.findall(part.casefold()))
    return len(words.intersection(_WORD.findall(" ".join(whole).casefold()))) / len(words) if words else 1.0


def _terms(text: str) -> set[str]:
    """The longer words of a text; of scripts without spaces, its pairs of signs."""
    if text.isascii():
        return set(_LONG_WORD.findall(text.lower()))
    runs = _UNSPACED.findall(text)
    pairs = {run[place : place + 2] for run in runs for place in range(len(run) - 1)}
    spaced = _UNSPACED.sub(" ", text) if runs else text
    return pairs.union(_LONG_WORD.findall(spaced.casefold()))


def _stands(term: str, text: str) -> bool:
    """Whether a term of `_terms` is one of the text's too; the text's own terms, a thousand, are not made for it."""
    place = text.find(term)
    while place >= 0:
        after = place + len(term)
        if _UNSPACED.match(term) or not (_is_of_word(text[place - 1 : place]) or _is_of_word(text[after : after + 1])):
            return True
        place = text.find(term, place + 1)
    return False


def _is_of_word(sign: str) -> bool:
    return _WORD.match(sign) is not None and _UNSPACED.match(sign) is None


def _likeness(ratio: float) -> float:
    return min(ratio, 1 / ratio) if ratio > 0 else 0.0
