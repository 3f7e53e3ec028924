"""A newsroom's own furniture: paragraphs that stand in several of its articles, whatever their markup is called.

An appeal or a newsletter's pitch stands in every article of a newsroom, word for word; an article's own sentences
stand in one. Digits count: folding them makes templated stories look alike.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.bodyhtml import without_lines
from pipelines.words import count_words

WINDOW_ARTICLES = 300
"""So many articles of a source are looked at together: furniture changes, and memory is bounded."""

MIN_ARTICLES = 3
"""A paragraph of so many articles is furniture: at two, one in twelve of those removed was text, at three one in
fifty."""

MIN_LETTERS = 20
"""Shorter lines (places, topics, names) are text wherever they stand, unless they stand beside furniture."""

MIN_SHARED_WORDS = 0.25
_LONG_WORD = re.compile(r"\w{4,}")
# One such line among what is told of furniture would make every later settlement of the crawl fail.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_NOTE = re.compile(
    r"\W*(?:(?:editor['’]?s|publisher['’]?s|author['’]?s)['’]? note|note (?:to readers|from the editor)|corrections?\b"
    r"|clarification|(?:this|the) (?:article|story|piece|report|headline|post) (?:has been|was|is) "
    r"|(?:anmerkung|hinweis) der redaktion|korrektur|berichtigung|note de la r[ée]daction|ndlr|rectificati"
    r"|nota (?:de la redacci[oó]n|da reda[cç][aã]o|della redazione|del editor)|correcci[oó]n|corre[cç][aã]o|rettifica"
    r"|rectificatie|rättelse|rettelse|od redakcji|sprostowanie|pozn[aá]mka redakce"
    r"|(?:примечание|от) редакции|исправление|поправка|(?:примітка|від) редакції|виправлення|editörün notu|düzeltme"
    r"|訂正|更正|编者按|編者按|정정|تصحيح|ملاحظة المحرر)",
    re.IGNORECASE,
)
"""A standing note of the editors: it stands in many articles and is about this one."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What one article of the window holds: its lines, and those of them that are its own whoever repeats them."""

    headline: str
    lines: frozenset[str]
    own: frozenset[str]


class LearnedFurniture:
    """What is known of one source's furniture. `known` are the lines learned before.

    `fresh` are the lines learned since `taken()` was called last. Used from one thread.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._learned = {_folded(line) for line in known}
        self._window: OrderedDict[str, _Told] = OrderedDict()
        self._articles: Counter[str] = Counter()
        self._own: Counter[str] = Counter()
        self._headlines: Counter[str] = Counter()
        self.fresh: list[str] = []

    def learn(self, key: str, article: Mapping[str, Any]) -> None:
        """Take an article's text into account, with what was removed from it before; `key` names the article, so that
        its versions count once, and so does one article at several addresses, known by its headline. Lines that are
        furniture from now on are added to `fresh`."""
        self._forget(key)
        told = _told(article)
        if told.headline and self._headlines[told.headline]:
            return
        self._window[key] = told
        self._headlines[told.headline] += 1
        self._own.update(told.own)
        self._articles.update(told.lines)
        for line in sorted(told.lines):
            is_repeated = self._articles[line] >= MIN_ARTICLES and line not in self._learned
            if is_repeated and not self._own[line] and not _NOTE.match(line) and not _UNWRITABLE.search(line):
                self._learned.add(line)
                self.fresh.append(line)
        if len(self._window) > WINDOW_ARTICLES:
            self._forget(next(iter(self._window)))

    def taken(self) -> None:
        """What is fresh was written down."""
        self.fresh.clear()

    def apply(self, article: Mapping[str, Any]) -> dict[str, Any]:
        """The article without its furniture, which stands in `removed` with the reason; the article itself is not
        changed. Its summary stays, and so does a first paragraph that has the headline's words; a text that is nothing
        but furniture stays whole."""
        lines = (article.get("articleBody") or "").split("\n")
        removed = self._furniture(lines, article)
        if not removed:
            return dict(article)
        body = "\n".join(line for place, line in enumerate(lines) if place not in removed)
        gone = [{"text": lines[place], "reason": "furniture"} for place in sorted(removed)]
        markup = article.get("articleBodyHtml")
        return {
            **article,
            "articleBody": body,
            "articleBodyHtml": without_lines(markup, removed) if markup else None,
            "sections": list(_sections_without(article.get("sections") or (), removed)),
            "wordCount": count_words(body),
            "removed": [*(article.get("removed") or ()), *gone],
        }

    def _furniture(self, lines: Sequence[str], article: Mapping[str, Any]) -> set[int]:
        """The places of the lines that go: long ones that were learned, and short ones beside these."""
        folded = [_folded(line) for line in lines]
        learned = [line in self._learned for line in folded]
        if not any(learned):
            return set()
        headings, _ = _headings(article.get("sections") or ())
        own = _own_lines(article)
        may_go = [is_learned and line not in own for is_learned, line in zip(learned, folded, strict=True)]
        gone = {
            place
            for place, line in enumerate(folded)
            if may_go[place] and place not in headings and _letters(line) >= MIN_LETTERS
        }
        for way in (range(len(lines)), range(len(lines) - 1, -1, -1)):
            for place in way:
                # a heading belongs to what stands under it
                is_under = place - 1 in gone and place not in headings
                if may_go[place] and (is_under or place + 1 in gone):
                    gone.add(place)
        return gone if len(gone) < len(lines) else set()

    def _forget(self, key: str) -> None:
        told = self._window.pop(key, None)
        if told is not None:
            self._headlines.subtract([told.headline])
            self._headlines = _positive(self._headlines, [told.headline])
            self._articles.subtract(told.lines)
            self._own.subtract(told.own)
            self._articles, self._own = _positive(self._articles, told.lines), _positive(self._own, told.own)


def learn_and_apply(articles: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """These articles of one source, each with its key, without the furniture that all of them together show."""
    furniture = LearnedFurniture()
    for key, article in articles:
        furniture.learn(key, article)
    return [furniture.apply(article) for _, article in articles]


def furniture_removed_from(article: Mapping[str, Any]) -> LearnedFurniture:
    """The furniture that was taken out of this article, and no other: to read it again in the same way."""
    return LearnedFurniture(one["text"] for one in article.get("removed") or () if one["reason"] == "furniture")


def _told(article: Mapping[str, Any]) -> _Told:
    lines = [_folded(line) for line in (article.get("articleBody") or "").split("\n")]
    gone = {_folded(one["text"]) for one in article.get("removed") or () if one.get("reason") == "furniture"}
    headline = _folded(article.get("headline") or "")
    return _Told(headline, frozenset({*lines, *gone} - {""}), frozenset(_own_lines(article) - {""}))


def _own_lines(article: Mapping[str, Any]) -> set[str]:
    """What an article says of itself, and others may quote as a teaser: titles, summary, and a first paragraph that
    has a good part of the headline's longer words."""
    own = {_folded(article.get(name) or "") for name in ("headline", "description", "alternativeHeadline")}
    lines = (article.get("articleBody") or "").split("\n")
    first = _headings(article.get("sections") or ())[1]
    if first < len(lines):
        said = set(_LONG_WORD.findall((article.get("headline") or "").casefold()))
        shared = said.intersection(_LONG_WORD.findall(lines[first].casefold()))
        if len(shared) >= MIN_SHARED_WORDS * len(said):
            own.add(_folded(lines[first]))
    return own


def _headings(sections: Sequence[Mapping[str, Any]]) -> tuple[set[int], int]:
    """The places of the headings among the text's lines, and that of the first paragraph."""
    headings: set[int] = set()
    place, first = 0, None
    for section in sections:
        if section.get("headline") is not None:
            headings.add(place)
            place += 1
        if first is None and section["paragraphs"]:
            first = place
        place += len(section["paragraphs"])
    return headings, first or 0


def _sections_without(sections: Sequence[Mapping[str, Any]], removed: set[int]) -> Iterator[dict[str, Any]]:
    """The sections without the lines at these places; what stood under a heading that goes joins the part above."""
    place = 0
    last: dict[str, Any] | None = None
    for section in sections:
        headline = section.get("headline")
        keeps_headline = headline is not None and place not in removed
        place += headline is not None
        kept = [text for number, text in enumerate(section["paragraphs"], place) if number not in removed]
        place += len(section["paragraphs"])
        if last is not None and not keeps_headline:
            last["paragraphs"].extend(kept)
        elif keeps_headline or kept:
            if last is not None:
                yield last
            last = {"headline": headline if keeps_headline else None, "paragraphs": kept}
    if last is not None:
        yield last


def _positive(counts: Counter[str], lines: Iterable[str]) -> Counter[str]:
    for line in lines:
        if counts[line] <= 0:
            del counts[line]
    return counts


def _folded(line: str) -> str:
    return " ".join(line.split())


def _letters(line: str) -> int:
    """How much a line says: a Han, Kana or Hangul sign counts for two letters."""
    return sum(map(str.isalpha, line)) + (count_words(line) if not line.isascii() else 0)
