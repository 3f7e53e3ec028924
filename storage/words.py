"""The words of a text, as both databases index them and as a query asks for them.

A change of what this gives needs a catalogue version whose step fills the index again: words are taken out of an
index by deriving them once more from the stored line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from threading import Lock
from unicodedata import category, is_normalized, normalize

STEM = "§"
"""Stands before a stem, and no word has it: a stem is no word that somebody could ask for."""

HEADLINE_STEM = "‡"
"""The same before a stem of a headline."""

ADDRESS = "¶"
"""The same before the words of an address."""

MAX_WORD = 64
MAX_REMEMBERED = 100_000
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
# The same where a text has none of these signs: it is found out, and its words, in half the time.
_PLAIN_WORD = re.compile(r"[^\W_]+")
_NEEDS_CARE = re.compile(f"[{_MARKS}{_UNSPACED}]")
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
    if text.isascii():
        return _PLAIN_WORD.findall(text)
    composed = text if is_normalized("NFC", text) else normalize("NFC", text)
    return (_WORD if _NEEDS_CARE.search(composed) else _PLAIN_WORD).findall(composed)


def indexed(written: Iterable[str]) -> str:
    """Words as they are indexed, with a space between: of one case, without accents.

    A run of signs without spaces gives each pair of neighbours and, at its end, the last sign alone.
    """
    return " ".join(map(_forms.__getitem__, written))


def words_of(text: str) -> list[str]:
    """The words of a text in their order, as they are indexed."""
    return indexed(words_as_written(text)).split()


def stems_of(written: Iterable[str], language: str) -> list[str]:
    """The marked stems of words, where they differ from the word, each at most MAX_STEM_TIMES."""
    found = Counter(map(_stems(language).__getitem__, written))
    del found[""]
    return [stem for stem, times in found.items() for _ in range(min(times, MAX_STEM_TIMES))]


def stem_of(word: str, language: str) -> str:
    """The marked stem of one word in a language that has stems; empty when that is the word itself."""
    return _stems(language)[word]


def is_unspaced(word: str) -> bool:
    """Whether a word as it stands is a run of signs of a script without spaces."""
    return word[0] >= _FIRST_UNSPACED and bool(_IS_UNSPACED.match(word))


def places_of(text: str) -> Iterator[re.Match[str]]:
    """Each word or run of signs of a text with its place, for those who mark what was found."""
    return _WORD.finditer(text)


class _Forms(dict[str, str]):
    """How words are indexed, remembered: the same few thousand make up most of every text."""

    def __missing__(self, word: str) -> str:
        if is_unspaced(word):
            # rarely the same twice
            run = folded_run(word)
            return " ".join(run[place : place + 2] for place in range(len(run)))
        form = _fold(normalize("NFKC", word).casefold())[:MAX_WORD]
        return _remember(self, word, word if form == word else form)


class _Stems(dict[str, str]):
    """The stems of one language's words, remembered."""

    def __init__(self, language: str) -> None:
        from Stemmer import Stemmer

        self._stemmer = Stemmer(_ALGORITHMS[language])

    def __missing__(self, word: str) -> str:
        if is_unspaced(word):
            return ""
        with _stemming:
            stem = _fold(self._stemmer.stemWord(normalize("NFKC", word).casefold()))[:MAX_WORD]
        return _remember(self, word, "" if not stem or stem == _forms[word] else STEM + stem)


def _remember(memory: dict[str, str], word: str, value: str) -> str:
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()
    memory[word] = value
    return value


_forms = _Forms()


@cache
def _stems(language: str) -> _Stems:
    return _Stems(language)


def folded_run(word: str) -> str:
    """A run of signs without spaces, or a part of one, in the spelling that is indexed."""
    return _NO_LETTER.sub("", normalize("NFKC", word).casefold())


def _fold(word: str) -> str:
    if word.isascii() and word.isalnum():
        return word
    # й is a letter of its own, and a breve after a Cyrillic letter stays
    plain = normalize("NFC", _ACCENTS.sub("", normalize("NFD", word))).translate(_PLAIN)
    return _NO_LETTER.sub("", plain)
