"""Records compared with what is read from the same bytes now, by field, and counted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# What only the crawl knows: it is not in the page.
OF_THE_CRAWL = frozenset(
    {"id", "version", "previousVersion", "requestedUrl", "discovery", "archive", "supersedes", "duplicateOf"}
)
# What follows from other fields.
DERIVED = frozenset({"contentDigest", "fingerprint"})
OF_THE_READING = ("judgement", "reason", "encoding", "fieldSources", "alternatives", "confidence", "doubts")
MOST_NAMED = 20
BODY = "articleBody"


def differing_fields(record: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """For each field that differs, what is recorded and what is read now; fields of `metadata` by their whole path.

    What a record of an older schema lacks counts as empty.
    """
    names = [name for name in again if name not in OF_THE_CRAWL | DERIVED and name != "metadata"]
    pairs = {name: (record.get(name), again[name]) for name in names}
    then, now = record.get("metadata") or {}, again.get("metadata") or {}
    pairs |= {f"metadata.{name}": (then.get(name), now.get(name)) for name in OF_THE_READING}
    return {name: pair for name, pair in pairs.items() if _value(pair[0]) != _value(pair[1])}


def _value(value: Any) -> Any:
    return None if value in ([], {}, "") else value


def similarity(one: str, other: str) -> float:
    """How alike two texts are, from 0 to 1: twice the words they share, by the words they have, in any order."""
    if one == other:
        return 1.0
    lines, others = Counter(one.split("\n")), Counter(other.split("\n"))
    same = sum(len(line.split()) * count for line, count in (lines & others).items())
    words, other_words = _words(lines - others), _words(others - lines)
    total = 2 * same + words.total() + other_words.total()
    return 2 * (same + (words & other_words).total()) / total if total else 1.0


def _words(lines: Counter[str]) -> Counter[str]:
    return Counter(word for line in lines.elements() for word in line.split())


@dataclass(frozen=True, slots=True)
class Compared:
    """What is counted of a record that was compared: no text of it."""

    url: str
    fields: tuple[str, ...]
    similarity: float
    loses_text: bool
    gains_text: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A record and what is read from its bytes now."""

    source_id: str
    record: Mapping[str, Any]
    again: Mapping[str, Any]
    fields: tuple[str, ...]

    @property
    def loses_text(self) -> bool:
        """Whether an article that has a text would have none."""
        return bool(self.record.get(BODY)) and not self.again.get(BODY)

    @property
    def gains_text(self) -> bool:
        """Whether an article without a text would have one."""
        return not self.record.get(BODY) and bool(self.again.get(BODY))

    @property
    def similarity(self) -> float:
        """How alike the two texts are."""
        return similarity(self.record.get(BODY) or "", self.again.get(BODY) or "")

    def compared(self) -> Compared:
        """What is counted of it."""
        url = str(self.record.get("url"))
        return Compared(url, self.fields, self.similarity, self.loses_text, self.gains_text)


@dataclass(slots=True)
class Tally:
    """What a re-extraction found so far: records by field, texts that go, and a sample of changes for people.

    `withheld` changes are of suppressed articles: they are counted, and never in the sample.
    """

    keep: int = 0
    read: int = 0
    changed: int = 0
    withheld: int = 0
    segments: int = 0
    skipped: int = 0
    by_field: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    lost_urls: list[str] = field(default_factory=list)
    gained: int = 0
    unread: int = 0
    problems: list[str] = field(default_factory=list)
    sample: list[Change] = field(default_factory=list)
    interrupted: bool = False
    _likeness: float = 0.0
    _chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - which are shown is no secret

    def add(self, compared: Compared, change: Callable[[], Change], *, is_suppressed: bool = False) -> None:
        """Count a record that was read again; `change` is asked for when it comes into the sample, which it does not
        when nobody is to be shown it."""
        self.read += 1
        self._likeness += compared.similarity
        if not compared.fields:
            return
        self.changed += 1
        self.by_field.update(compared.fields)
        self.gained += compared.gains_text
        if compared.loses_text:
            self.lost += 1
            if len(self.lost_urls) < MOST_NAMED:
                self.lost_urls.append(compared.url)
        if is_suppressed:
            self.withheld += 1
        else:
            self._choose(change)

    def add_unread(self, problem: str) -> None:
        """Count a record that could not be read again."""
        self.unread += 1
        if len(self.problems) < MOST_NAMED:
            self.problems.append(problem)

    def _choose(self, change: Callable[[], Change]) -> None:
        if len(self.sample) < self.keep:
            self.sample.append(change())
        elif self.keep and (place := self._chance.randrange(self.changed - self.withheld)) < self.keep:
            self.sample[place] = change()

    @property
    def likeness(self) -> float | None:
        """How alike old and new texts are on average, unchanged ones with them; None when nothing was read."""
        return self._likeness / self.read if self.read else None

    def as_json(self) -> dict[str, Any]:
        """The tally as JSON-ready values."""
        return {
            "read": self.read,
            "changed": self.changed,
            "withheld": self.withheld,
            "unread": self.unread,
            "skipped": self.skipped,
            "segments": self.segments,
            "fields": dict(self.by_field.most_common()),
            "lostText": self.lost,
            "lostTextUrls": self.lost_urls,
            "gainedText": self.gained,
            "bodySimilarity": None if self.likeness is None else round(self.likeness, 4),
            "problems": self.problems,
            "complete": not self.interrupted,
        }
