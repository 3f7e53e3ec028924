"""Who wrote it: names out of bylines and JSON-LD, one person at a time, with what stood there kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.jsonld import plain, type_words

MAX_NAME_CHARS = 120
MAX_RAW_CHARS = 1000
MAX_PEOPLE = 30

_PREFIX = re.compile(
    r"^(?:written\s+by|reported\s+by|story\s+by|words\s+by|by|von|par|por|di|door|av|af|autore?n?|author|autor|auteur"
    r"|texto?|tekst|redazione\s+di|fotos?\s+y\s+texto|от|автор|yazan|text\s+von|ein\s+\w+\s+von)\b\s*:?\s+|^(?:von|by|text|autore?):\s*",
    re.IGNORECASE,
)
_CONTACT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+|(?:^|\s)@\w+|\(\s*\)|\[\s*\]")
_ASIDE = re.compile(r"\([^()]{0,40}\)|\s\d.*$")
_JOINT = re.compile(
    r"\s*[;|•·]\s*|\s+(?:and|und|et|y|e|en|och|og|ja|i|и|та|ve|&|\+)\s+|\s*[、，,/]\s*|\s+[-–—]\s+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]", re.UNICODE)
_SMALL = {
    "de",
    "da",
    "di",
    "del",
    "della",
    "der",
    "den",
    "van",
    "von",
    "zu",
    "dos",
    "la",
    "le",
    "el",
    "bin",
    "al",
    "ter",
    "ten",
    "af",
    "av",
    "y",
}
_NO_NAMES = {
    "admin",
    "administrator",
    "webmaster",
    "undefined",
    "null",
    "none",
    "n/a",
    "author",
    "unknown",
    "editor",
    "staff",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One author: `name` as it is read, `raw` as it stood there, `kind` Person or Organization when that was said."""

    name: str
    raw: str
    url: str | None = None
    kind: str | None = None


def people_of(values: Iterable[Any]) -> list[Person]:
    """The authors in JSON-LD values: strings, nodes, or lists of either. Never raises."""
    found = [person for value in values for person in _from_value(value, 0)]
    return _once(found)


def people_in(texts: Iterable[str]) -> list[Person]:
    """The authors in bylines and meta values, one per person. Never raises."""
    return _once([Person(name, text.strip()) for text in texts for name in split_names(text)])


def split_names(text: str) -> list[str]:
    """The names in a byline: `By Ann Lee and Bo Ek, Reuters` gives Ann Lee, Bo Ek, Reuters.

    Splits only where every part can stand as a name, so that `Le Monde et AFP` stays whole.
    """
    line = _bare(text)
    if not line:
        return []
    parts = [part for part in (_bare(part) for part in _JOINT.split(line)) if part]
    if len(parts) > 1 and (all(_full_name(part) for part in parts) or _list_of_names(line, parts)):
        return parts[:MAX_PEOPLE]
    return [line]


def _bare(text: str) -> str:
    """The text without `By`, addresses, handles and stray punctuation; empty when no name can be left."""
    line = plain(text[:MAX_RAW_CHARS]) or ""
    line = _ASIDE.sub(" ", _CONTACT.sub(" ", line))
    line = _PREFIX.sub("", " ".join(line.split()))
    line = line.strip(" ,;:|/–—-•·\"“”'()[]{}").strip()
    if len(line) > MAX_NAME_CHARS or not _WORD.search(line) or line.casefold() in _NO_NAMES:
        return ""
    return line


def _full_name(part: str) -> bool:
    """Two to five words that begin with capitals, or one word in a script without capitals."""
    words = [word for word in part.split() if word.casefold() not in _SMALL]
    if len(words) == 1:
        return not part.isascii() and part.upper() == part.lower()
    return 2 <= len(words) <= 5 and all(not word[0].islower() and not word.isdigit() for word in words)


def _list_of_names(line: str, parts: list[str]) -> bool:
    """Whether a list with signs that only lists have (`;`, `|`, `、`) begins with a full name."""
    return bool(re.search(r"[;|、•]", line)) and _full_name(parts[0])


def _from_value(value: Any, depth: int) -> Iterator[Person]:
    if depth > 3:
        return
    if isinstance(value, list):
        for entry in value[:MAX_PEOPLE]:
            yield from _from_value(entry, depth + 1)
    elif isinstance(value, Mapping):
        yield from _from_node(value, depth)
    elif isinstance(value, str):
        yield from (Person(name, value.strip()) for name in split_names(value))


def _from_node(node: Mapping[str, Any], depth: int) -> Iterator[Person]:
    name = node.get("name")
    if not isinstance(name, str):
        yield from _from_value(name, depth + 1)
        return
    address = next((node[key] for key in ("url", "sameAs") if isinstance(node.get(key), str)), None)
    kinds = [word for word in type_words(node) if word in ("Person", "Organization", "NewsMediaOrganization")]
    kind = kinds[0] if kinds else None
    names = split_names(name) if kind != "Organization" else [_bare(name)]
    for single in filter(None, names):
        yield Person(single, name.strip(), address if len(names) == 1 else None, kind)


def _once(people: list[Person]) -> list[Person]:
    kept: dict[str, Person] = {}
    for person in people:
        kept.setdefault(person.name.casefold(), person)
    return list(kept.values())[:MAX_PEOPLE]
