"""Two texts word by word: what stayed, what went, what came."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import orjson

from reading.comparison import differing_fields

Word = tuple[Literal["same", "gone", "new"], str]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
MOST_WORDS = 20_000
MOST_PAIRS = 1_000_000
MOST_WORK = 150_000_000
_SHOWN_FIRST = ("headline", "alternativeHeadline", "description", "author", "dateModified", "datePublished")
_NOT_SHOWN = frozenset({"articleBody", "articleBodyHtml", "sections", "wordCount", "removed"})


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph as its words; `place` counts the paragraphs of the later text from 1."""

    place: int
    words: tuple[Word, ...]

    @property
    def differs(self) -> bool:
        """Whether it is not the same in both texts."""
        return any(what != "same" for what, _ in self.words)


def words_between(old: str, new: str) -> list[Word]:
    """Every word and the space between, in reading order: words in a row that went stand together, then those that
    came. Long texts are compared as wholes."""
    first, second = _WORDS.findall(old), _WORDS.findall(new)
    if len(first) + len(second) > MOST_WORDS:
        return _whole(old, new)
    found: list[Word] = []
    gone = new_ = ""
    for what, a, b, c, d in _matcher(first, second).get_opcodes():
        was, now = "".join(first[a:b]), "".join(second[c:d])
        if what == "equal" and (was.strip() or not (gone or new_)):
            found += [*_changed(gone, new_), ("same", was)]
            gone = new_ = ""
        else:
            # the space between two words that changed is no place to stop at
            gone, new_ = gone + was, new_ + now
    return found + _changed(gone, new_)


def _whole(old: str, new: str) -> list[Word]:
    return [("same", old)] if old == new else [("gone", old), ("new", new)]


def _matcher(first: list[str], second: list[str]) -> SequenceMatcher[str]:
    """What compares them. Where too many parts are the same as too many others, as spaces and empty lines are, these
    are matched beside others only: the time grows with the number of pairs."""
    counts = Counter(first)
    pairs = sum(count * counts[part] for part, count in Counter(second).items())
    return SequenceMatcher(None, first, second, autojunk=pairs > MOST_PAIRS)


def _changed(gone: str, new: str) -> list[Word]:
    """What went and what came, with a space that both end in after them."""
    space = " " if gone.endswith(" ") and new.endswith(" ") else ""
    gone, new = gone.removesuffix(space), new.removesuffix(space)
    kinds: list[Word] = [("gone", gone), ("new", new), ("same", space)]
    return [one for one in kinds if one[1]]


def paragraphs_of(old: str, new: str) -> Iterator[Paragraph]:
    """Every paragraph of both texts, in order; one that was rewritten stands as one. Where very much differs, the last
    of it is compared as wholes."""
    first, second = old.split("\n"), new.split("\n")
    left = MOST_WORK
    for what, a, b, c, d in _matcher(first, second).get_opcodes():
        if what == "equal":
            yield from (Paragraph(number, (("same", text),)) for number, text in enumerate(second[c:d], c + 1))
            continue
        paired = min(b - a, d - c)
        for number in range(paired):
            was, now = first[a + number], second[c + number]
            left -= len(_WORDS.findall(was)) * len(_WORDS.findall(now))
            yield Paragraph(c + number + 1, tuple(words_between(was, now) if left > 0 else _whole(was, now)))
        for text in first[a + paired : b]:
            yield Paragraph(d + 1, (("gone", text),))
        for number, text in enumerate(second[c + paired : d], c + paired + 1):
            yield Paragraph(number, (("new", text),))


def paragraphs_between(old: str, new: str) -> Iterator[Paragraph]:
    """Those of them that differ."""
    return (paragraph for paragraph in paragraphs_of(old, new) if paragraph.differs)


def fields_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The fields beside the text that differ, as text, what readers see first; without what tells of the reading."""
    pairs = {
        name: (field_text(was), field_text(now))
        for name, (was, now) in differing_fields(old, new).items()
        if name not in _NOT_SHOWN and not name.startswith("metadata.") and not name.endswith("Raw")
    }
    first = {name: pairs.pop(name) for name in _SHOWN_FIRST if name in pairs}
    return first | pairs


def field_text(value: Any) -> str:
    """A field's value as people read it: names for people, one entry a line for lists."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(field_text(one) for one in value)
    if isinstance(value, Mapping):
        return str(value.get("name") or value.get("url") or orjson.dumps(value).decode())
    return str(value)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What changed between two records, JSON-ready: `old` and `new` name them, `fields` have both values, `paragraphs`
    the words of those that differ as pairs of `same`, `gone` or `new` and the text."""
    return {
        "old": _named(before),
        "new": _named(after),
        "fields": {name: {"old": was, "new": now} for name, (was, now) in fields_between(before, after).items()},
        "paragraphs": [
            {"paragraph": one.place, "words": [list(word) for word in one.words]}
            for one in paragraphs_between(before.get("articleBody") or "", after.get("articleBody") or "")
        ],
    }


def _named(record: Mapping[str, Any]) -> dict[str, Any]:
    date = (record.get("archive") or {}).get("date")
    return {"id": record["id"], "version": record["version"], "date": date}
