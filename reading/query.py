"""The language of full-text queries: a text becomes a small tree, or a reason why it is no query.

Words are ANDed; `"a phrase"`, `a OR b`, `a | b`, `-a`, `NOT a`, `pref*`, parentheses, and the fields of FIELDS.
Operators are capitals, words are of any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from storage.errors import BadQuery
from storage.words import folded_run, indexed, is_unspaced, words_as_written

Field = Literal["headline", "authors", "subjects", "address"]

FIELDS: dict[str, Field] = {
    "title": "headline",
    "headline": "headline",
    "author": "authors",
    "section": "subjects",
    "keyword": "subjects",
    "url": "address",
    "site": "address",
}
MAX_SIGNS = 1_000
MAX_DEPTH = 20

_QUOTES = '"“”„«»'
_TOKEN = re.compile(
    rf"\s*(?:(?P<field>{'|'.join(FIELDS)}):(?!//)|(?P<quote>[{_QUOTES}])|(?P<open>\()|(?P<close>\))|(?P<or>\|+)"
    rf"|(?P<minus>-(?=[^\s)|]))|(?P<chunk>[^\s()|{_QUOTES}]+))",
    re.IGNORECASE,
)
_SCHEME = re.compile("https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Words:
    """One word, or several that stand one after the other, each as it was written.

    `is_exact` is said by quotes; the last word of one with `is_prefix` may go on.
    """

    written: tuple[str, ...]
    field: Field | None = None
    is_exact: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of `parts`, and none of `without`."""

    parts: tuple[Tree, ...]
    without: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """Any of `parts`."""

    parts: tuple[Tree, ...]


Tree = Words | And | Or


@dataclass(frozen=True, slots=True)
class _Not:
    part: Tree
    at: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(query: str) -> Tree:
    """The tree of a query. Raises BadQuery for one that asks for nothing, or that is not whole."""
    if len(query) > MAX_SIGNS:
        raise BadQuery(query[:40] + "…", MAX_SIGNS, f"is longer than {MAX_SIGNS} signs", "ask for fewer words")
    return _Parser(query).tree()


def positive_words(tree: Tree) -> Iterator[Words]:
    """The words of a tree that are asked for, without those that must not be there."""
    if isinstance(tree, Words):
        yield tree
    else:
        for part in tree.parts:
            yield from positive_words(part)


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = list(_tokens(query))
        self._place = 0

    def tree(self) -> Tree:
        found = self._either(0, None)
        if (token := self._next()) is not None:
            self._bad(token.at, "has a ) without its (", "leave it out, or write ( before")
        return self._positive(found, 0)

    def _bad(self, at: int, problem: str, cure: str) -> NoReturn:
        raise BadQuery(self._query, at + 1, problem, cure)

    def _next(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self, *kinds: str) -> _Token | None:
        token = self._next()
        if token is None or token.kind not in kinds:
            return None
        self._place += 1
        return token

    def _positive(self, found: Tree | _Not | None, at: int) -> Tree:
        if isinstance(found, _Not):
            self._bad(found.at, "says only what must not be there", "write a word that must, as in: word -other")
        if found is None:
            self._bad(at, "has no word in it", "write a word to look for")
        return found

    def _either(self, depth: int, field: Field | None) -> Tree | _Not | None:
        """Parts with OR between them; None when there is no word in all of it."""
        if depth > MAX_DEPTH:
            self._bad(0, f"has more than {MAX_DEPTH} parentheses in each other", "write it with fewer")
        parts: list[Tree] = []
        found = self._all(depth, field)
        while (token := self._take("or")) is not None:
            parts.append(self._beside(found, token))
            found = self._all(depth, field)
            if found is None:
                self._beside(None, token)
        if not parts:
            return found
        last = self._positive(found, self._tokens[self._place - 1].at)
        return Or((*parts, last))

    def _beside(self, found: Tree | _Not | None, token: _Token) -> Tree:
        if found is None:
            self._bad(token.at, f"has {token.text} without a word on each side", 'write a OR b, or quote it: "or"')
        return self._positive(found, token.at)

    def _all(self, depth: int, field: Field | None) -> Tree | _Not | None:
        """Parts that stand beside each other."""
        parts: list[Tree] = []
        without: list[_Not] = []
        while True:
            token = self._take("and")
            found = self._one(depth, field)
            if found is None:
                if token is not None and self._next() is None:
                    self._bad(token.at, "ends with AND", 'write a word after it, or quote it: "and"')
                if token is None:
                    break
            elif isinstance(found, _Not):
                without.append(found)
            elif found != _NOTHING:
                parts.append(found)
        if not parts:
            return without[0] if without else None
        if len(parts) == 1 and not without:
            return parts[0]
        return And(tuple(parts), tuple(one.part for one in without))

    def _one(self, depth: int, field: Field | None) -> Tree | _Not | None:
        """A word, a phrase, a group, or the opposite of one; None where none begins."""
        if (token := self._take("not", "minus")) is not None:
            if depth > MAX_DEPTH:
                self._bad(token.at, "has too many NOT in a row", "write one")
            part = self._one(depth + 1, field)
            if part is None or part == _NOTHING:
                self._bad(
                    token.at, f"has {token.text} without a word after it", "write the word that must not be there"
                )
            return part.part if isinstance(part, _Not) else _Not(part, token.at)
        if (token := self._take("field")) is not None:
            named = self._one(depth + 1, FIELDS[token.text]) if depth <= MAX_DEPTH else None
            if named is None or named == _NOTHING:
                self._bad(token.at, f"has {token.text}: without a word after it", f"write {token.text}:word")
            return named
        if (token := self._take("open")) is not None:
            inside = self._either(depth + 1, field)
            if self._take("close") is None:
                self._bad(token.at, "has a ( without its )", "write ) where the group ends, or leave it out")
            return inside if inside is not None else _NOTHING
        if (token := self._take("phrase", "chunk")) is not None:
            return _words(token, field)
        return None


_NOTHING = Words(())


def _words(token: _Token, field: Field | None) -> Words:
    text = token.text
    if token.kind == "chunk" and (scheme := _SCHEME.match(text)):
        # an address that was copied into the query
        text, field = text[scheme.end() :], "address"
    written = tuple(word for word in words_as_written(text) if indexed([word]))
    if not written:
        return _NOTHING
    return Words(written, field, token.kind == "phrase", token.kind == "chunk" and text.endswith("*"))


def _tokens(query: str) -> Iterator[_Token]:
    place = 0
    while (found := _TOKEN.match(query, place)) is not None:
        kind = str(found.lastgroup)
        text, at, place = found[kind], found.start(kind), found.end()
        if kind == "quote":
            end = next((end for end in range(place, len(query)) if query[end] in _QUOTES), None)
            if end is None:
                raise BadQuery(query, at + 1, "has a quote that does not end", "write the other one, or leave it out")
            yield _Token("phrase", query[place:end], at)
            place = end + 1
        elif kind == "chunk" and text in ("OR", "AND", "NOT"):
            yield _Token(text.lower(), text, at)
        else:
            yield _Token(kind, text.lower() if kind == "field" else text, at)


def index_words(words: Words) -> tuple[list[str], bool]:
    """The words as the index has them one after the other, and whether the last may go on.

    A run of signs has its last sign alone in the index only where it ends, and a query may end before.
    """
    found: list[str] = []
    for place, word in enumerate(words.written):
        of_word = indexed([word]).split()
        is_last = place == len(words.written) - 1
        if is_last and is_unspaced(word):
            return found + (of_word[:-1] or of_word), len(of_word) == 1
        found += of_word
    return found, words.is_prefix


def signs_of(word: str) -> list[str]:
    """A word as those see it who mark what was found: whole, or sign by sign in a script without spaces."""
    return list(folded_run(word)) if is_unspaced(word) else [indexed([word])]
