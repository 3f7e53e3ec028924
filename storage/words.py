"""The words of a text, as both databases index them and as a query asks for them.

A change of what this gives needs a catalogue version whose step fills the index again: words are taken out of an
index by deriving them once more from the stored line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from threading import Lock
from typing import Any
from unicodedata import category, is_normalized, normalize

STEM = "§"
"""Stands before a stem, and no word has it: a stem is no word that somebody could ask for."""

ADDRESS = "¶"
"""The same before the words of an address."""

MAX_WORD = 64
MAX_STEM_TIMES = 3
"""How often a stem is indexed; more often says no more about a text."""

# Scripts that are written without spaces, and Hangul, whose particles are joined to their word.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u1000-\u103f\u1050-\u108f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007"
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb\uf900-\ufaff\uff66-\uff9f\uffa0-\uffdc"
    "\U00020000-\U000323af"
)
_FIRST_UNSPACED = "\u0e01"


def _marks() -> str:
    """The combining marks that `\\w` leaves out, without which Devanagari and decomposed letters fall apart."""
    blocks = (range(0x300, 0x1E00), range(0x2DE0, 0x2E00), range(0xA66F, 0xAC00), range(0xFE20, 0xFE30))
    return "".join(chr(code) for block in blocks for code in block if category(chr(code)).startswith("M"))


_MARKS = _marks()
_LETTER = f"[^\\W_{_UNSPACED}]"
_WORD = re.compile(f"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*|[{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_NO_LETTER = re.compile(f"[^\\w{_MARKS}]|_")
_ACCENTS = re.compile("(?<=[a-z\u0250-\u02af\u03b1-\u03c9])[\u0300-\u036f]+")
# What has no decomposition.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ё": "е"}
)

_STEMMERS = (
    "ar:arabic hy:armenian eu:basque ca:catalan cs:czech da:danish nl:dutch en:english eo:esperanto "
    "et:estonian fi:finnish fr:french de:german el:greek hi:hindi hu:hungarian id:indonesian ga:irish "
    "it:italian lt:lithuanian ne:nepali nb:norwegian nn:norwegian no:norwegian fa:persian pl:polish "
    "pt:portuguese ro:romanian ru:russian sr:serbian es:spanish sv:swedish ta:tamil tr:turkish yi:yiddish"
)
_ALGORITHMS = dict(pair.split(":") for pair in _STEMMERS.split())
_stemming = Lock()


def stemmed_language(tag: str | None) -> str | None:
    """The language of a BCP 47 tag as far as its words have stems here, else None: `ru` for `ru-RU`."""
    language = (tag or "").partition("-")[0].lower()
    return language if language in _ALGORITHMS else None


def words_as_written(text: str) -> list[str]:
    """The words and runs of signs of a text as they stand in it, for `indexed` and `stems_of`."""
    return _WORD.findall(text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text))


def words_of(text: str) -> list[str]:
    """The words of a text in their order, as they are indexed."""
    return indexed(words_as_written(text))


def indexed(written: Iterable[str]) -> list[str]:
    """Words as they are indexed: of one case, without accents.

    A run of signs without spaces gives each pair of neighbours and, at its end, the last sign alone.
    """
    found: list[str] = []
    for word in written:
        found += _forms(word) if word[0] < _FIRST_UNSPACED else _signs(word)
    return found


def stems_of(written: Iterable[str], language: str) -> list[str]:
    """The marked stems of words, where they differ from the word, each at most MAX_STEM_TIMES."""
    found: dict[str, int] = {}
    for word, times in Counter(written).items():
        if stem := stem_of(word, language):
            found[stem] = found.get(stem, 0) + times
    return [stem for stem, times in found.items() for _ in range(min(times, MAX_STEM_TIMES))]


@lru_cache(maxsize=50_000)
def stem_of(word: str, language: str) -> str | None:
    """The marked stem of one word in a language that has stems; None when that is the word itself."""
    told = normalize("NFKC", word).casefold()
    with _stemming:
        stem = _fold(_stemmer(language).stemWord(told))[:MAX_WORD]
    return None if not stem or (stem,) == _forms(word) else STEM + stem


def places_of(text: str) -> Iterator[tuple[int, int, tuple[str, ...], str]]:
    """(start, end, words, as it stands) for each word or sign of a text, for those who mark what was found.

    A sign of a script without spaces stands for itself and has the words that begin with it.
    """
    for found in _WORD.finditer(text):
        word = found[0]
        if not _IS_UNSPACED.match(word):
            if forms := _forms(normalize("NFC", word)):
                yield found.start(), found.end(), forms, word
            continue
        for place in range(len(word)):
            pair = _folded_run(word[place : place + 2])
            yield found.start() + place, found.start() + place + 1, (pair,), word[place]


def runs_of(text: str) -> list[tuple[str, list[str], bool]]:
    """(as it stands, its words, whether signs without spaces) for each word or run of signs of a query."""
    found: list[tuple[str, list[str], bool]] = []
    for word in words_as_written(text):
        unspaced = word[0] >= _FIRST_UNSPACED and bool(_IS_UNSPACED.match(word))
        words = _signs(word) if unspaced else list(_forms(word))
        if words:
            found.append((word, words, unspaced))
    return found


def _signs(word: str) -> list[str]:
    if not _IS_UNSPACED.match(word):
        return list(_forms(word))
    run = _folded_run(word)
    return [run[place : place + 2] for place in range(len(run))]


def _folded_run(word: str) -> str:
    return _NO_LETTER.sub("", normalize("NFKC", word).casefold())


@lru_cache(maxsize=100_000)
def _forms(word: str) -> tuple[str, ...]:
    """The word as it is indexed; nothing when nothing is left of it."""
    folded = _fold(normalize("NFKC", word).casefold())[:MAX_WORD]
    return (folded,) if folded else ()


def _fold(word: str) -> str:
    if word.isascii() and word.isalnum():
        return word
    # й is a letter of its own, and a breve after a Cyrillic letter stays
    plain = normalize("NFC", _ACCENTS.sub("", normalize("NFD", word))).translate(_PLAIN)
    return _NO_LETTER.sub("", plain)


@cache
def _stemmer(language: str) -> Any:
    from Stemmer import Stemmer

    return Stemmer(_ALGORITHMS[language])


def marked(words: Iterable[str], mark: str) -> list[str]:
    """The words with a mark before each."""
    return [mark + word for word in words]
