"""What a query found in a text: the text in pieces, marked or not, and the part of it that shows most.

Made from the record with the words of the index, so it is the same for both databases.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from reading.query import Field, Tree, Words, positive_words, signs_of
from reading.querysql import bare_stems, stems_asked
from storage.words import folded_run, indexed, is_unspaced, places_of, stem_of

Piece = tuple[bool, str]

SNIPPET_SIGNS = 250
LEAD_SIGNS = 50
"""So much stands before the first word that was found."""

MAX_SIGNS = 200_000
ELLIPSIS = "…"


class _Units:
    """The words of a text, and the signs of scripts without spaces, with their places."""

    def __init__(self, text: str) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.words: list[str] = []
        # as it stands in the text, for its stem; of a sign nothing
        self.written: list[str] = []
        for found in places_of(text):
            word, start = found[0], found.start()
            if is_unspaced(word):
                self._add_signs(word, start)
            else:
                self.starts.append(start)
                self.ends.append(start + len(word))
                self.words.append(indexed((word,)))
                self.written.append(word)

    def _add_signs(self, run: str, start: int) -> None:
        folded = folded_run(run)
        # a wide spelling may have more signs or fewer than the one that is indexed
        signs = folded if len(folded) == len(run) else [folded_run(sign) for sign in run]
        self.starts += range(start, start + len(run))
        self.ends += range(start + 1, start + len(run) + 1)
        self.words += signs
        self.written += [""] * len(run)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One word or phrase of the query as it stands in a text: `first` are what its first word may be."""

    field: Field | None
    rest: tuple[str, ...]
    first: frozenset[str]
    stems: frozenset[str]
    is_prefix: bool


class Marker:
    """Finds in texts what a query asks for; without a query nothing is marked."""

    def __init__(self, tree: Tree | None, languages: Sequence[str]) -> None:
        self._languages = languages
        self._asked = [] if tree is None else [_asked(words, languages) for words in positive_words(tree)]

    def marked(self, text: str, field: Field) -> tuple[Piece, ...]:
        """A whole text in pieces."""
        return _pieces(text, 0, len(text), _merged(self._found(text, field)))

    def snippet(self, text: str) -> tuple[Piece, ...]:
        """About SNIPPET_SIGNS signs of a text where most was found, in whole words; its beginning if nothing was."""
        told = " ".join(text[:MAX_SIGNS].split())
        found = self._found(told, None)
        start, end = _best_part(told, found)
        pieces = _pieces(told, start, end, _merged(found))
        before: tuple[Piece, ...] = ((False, ELLIPSIS),) if start else ()
        after: tuple[Piece, ...] = ((False, ELLIPSIS),) if end < len(told) else ()
        return before + pieces + after

    def _found(self, text: str, field: Field | None) -> list[tuple[int, int, int]]:
        """(start, end, which of the asked) in the order of the text."""
        asked = [(number, one) for number, one in enumerate(self._asked) if one.field is None or one.field == field]
        if not asked:
            return []
        units = _Units(text[:MAX_SIGNS])
        found = [
            (units.starts[place], units.ends[place + len(one.rest)], number)
            for number, one in asked
            for place in self._begins(units, one)
            if _goes_on(units, place, one)
        ]
        return sorted(found)

    def _begins(self, units: _Units, asked: _Asked) -> list[int]:
        """Where the first word of it stands."""
        if asked.is_prefix and not asked.rest:
            begins = tuple(asked.first)
            return [place for place, word in enumerate(units.words) if word.startswith(begins)]
        if not asked.stems:
            return [place for place, word in enumerate(units.words) if word in asked.first]
        stemmed = {
            word
            for word in set(units.written)
            if word and any(stem_of(word, language) in asked.stems for language in self._languages)
        }
        pairs = zip(units.words, units.written, strict=True)
        return [place for place, (word, written) in enumerate(pairs) if word in asked.first or written in stemmed]


def _asked(words: Words, languages: Sequence[str]) -> _Asked:
    first, *rest = [sign for word in words.written for sign in signs_of(word)]
    stems = stems_asked(words, languages)
    return _Asked(
        words.field,
        tuple(rest),
        frozenset({first} | bare_stems(stems, languages)),
        frozenset(stems),
        words.is_prefix,
    )


def _goes_on(units: _Units, place: int, asked: _Asked) -> bool:
    following = units.words[place + 1 : place + 1 + len(asked.rest)]
    if len(following) < len(asked.rest):
        return False
    last = len(asked.rest) - 1
    return all(
        word == wanted or (asked.is_prefix and number == last and word.startswith(wanted))
        for number, (word, wanted) in enumerate(zip(following, asked.rest, strict=True))
    )


def _merged(found: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """The places without overlaps, those that touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end, _ in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _best_part(text: str, found: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """Where most different words of the query stand together, then where most do, then the first such place."""
    starts = [start for start, _, _ in found]
    best, chosen = (0, 0), 0
    for place, start in enumerate(starts):
        last = bisect_right(starts, start + SNIPPET_SIGNS - LEAD_SIGNS - 20)
        inside = found[place:last]
        worth = (len({number for _, _, number in inside}), len(inside))
        if worth > best:
            best, chosen = worth, start
    begin = _word_begin(text, max(0, chosen - LEAD_SIGNS)) if chosen > LEAD_SIGNS else 0
    return begin, _word_end(text, begin + SNIPPET_SIGNS, found)


def _word_begin(text: str, place: int) -> int:
    """The begin of the first whole word from there on; the place itself where there are no spaces."""
    space = text.find(" ", place, place + LEAD_SIGNS)
    return space + 1 if space >= 0 else place


def _word_end(text: str, place: int, found: Sequence[tuple[int, int, int]]) -> int:
    """The end of the last whole word before that place, of nothing that was found only a part."""
    if place >= len(text):
        return len(text)
    space = text.rfind(" ", place - LEAD_SIGNS, place + 1)
    end = space if space >= 0 else place
    before = bisect_left([start for start, _, _ in found], end)
    return max([end, *(stop for _, stop, _ in found[max(0, before - 3) : before])])


def _pieces(text: str, start: int, end: int, marks: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    place = start
    for first, last in marks:
        if first < place or first >= end:
            continue
        if first > place:
            pieces.append((False, text[place:first]))
        pieces.append((True, text[first:last]))
        place = last
    if place < end:
        pieces.append((False, text[place:end]))
    return tuple(pieces)
