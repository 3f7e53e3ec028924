"""What no log line may hold: credentials, cookies, who logs in where, and what stands in query strings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from newsark.settings import PASSPHRASE_VARIABLE

if TYPE_CHECKING:
    from newsark.settings import NewsarkSettings

REMOVED = "[removed]"
LONGEST = 8000
SHORTEST_SECRET = 4
DEEPEST = 6
MOST_NAMES = 1000

_WORDS = r"pass(?:word|wd|phrase|wort)|secret|token|authorization|cookie|credential|(?:api|access|private)[-_ ]?key"
_SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
# each pattern begins with something fixed, so that no text takes more than a moment
_URL = re.compile(r"://[^\s\"'<>]+")
# to the end of the line: what follows a cookie's semicolon is of the cookie too
_HEADER = re.compile(
    r"((?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]{0,40}(?:token|key))\b[\"']?\s*[:=,][^\r\n]*", re.IGNORECASE
)
_SAID = re.compile(rf"((?:{_WORDS})[\w-]*[\"']?\s*[=:]\s*)[\"']?[^\s\"',;&]+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(bearer|basic|digest)\s+[^\s\"']+", re.IGNORECASE)
_SIGNS = re.compile("pass|secret|token|authorization|cookie|credential|key|bearer|basic|digest")
_QUERY = re.compile(r"\?[^\s\"'<>?]*=[^\s\"'<>]*")
_AUTHORITY_ENDS = re.compile(r"[/?#\\]")

_VARIABLES = (PASSPHRASE_VARIABLE, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD")


def secrets_of(settings: NewsarkSettings) -> list[str]:
    """The secrets that this process knows of: of its settings and variables, as they may come up in what others say."""
    known = [settings.serve_token or "", *settings.alert_to, *(os.environ.get(name, "") for name in _VARIABLES)]
    urls = (settings.catalogue, settings.timestamp_url, settings.endpoint_url)
    known += [urlsplit(url or "").password or "" for url in urls]
    return [one for one in known if len(one) >= SHORTEST_SECRET]


class Cleaner:
    """Takes out of values what no line may hold: what `known` names wherever it stands, and what looks like a secret
    by its name or its place."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        spellings = {form for one in known for form in (one, quote(one, safe=""), quote(one))}
        # the longest first, since one may be the beginning of another
        words = sorted(filter(None, spellings), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None
        # names are few and come again and again
        self._name = lru_cache(MOST_NAMES)(self._looked_at)

    def of(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts as they may be written: JSON's own values only."""
        return self._cleaned(facts, 0)

    def _looked_at(self, name: str) -> tuple[str, bool]:
        """The name as it may be written, and whether it is that of a secret."""
        return self.text(name), _SECRET_NAME.search(name) is not None

    def _cleaned(self, facts: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        named = ((*self._name(str(name)), value) for name, value in facts.items())
        return {name: self._value(value, depth, is_secret=is_secret) for name, is_secret, value in named}

    def _value(self, value: Any, depth: int, *, is_secret: bool = False) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if is_secret:
            return REMOVED
        if isinstance(value, str):
            return self.text(value)
        if depth < DEEPEST and isinstance(value, Mapping):
            return self._cleaned(value, depth + 1)
        if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self._value(one, depth + 1) for one in value]
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        return self.text(str(value))

    def text(self, text: str) -> str:
        """The text without them, and not longer than LONGEST."""
        size = len(text)
        text = text[:LONGEST]
        if self._known is not None:
            text = self._known.sub(REMOVED, text)
        if "://" in text:
            text = _URL.sub(lambda found: _url(found[0]), text)
        if "?" in text:
            text = _QUERY.sub("?…", text)
        # most texts hold none of these, and looking for words costs little
        if _SIGNS.search(text.lower()):
            text = _HEADER.sub(rf"\1: {REMOVED}", text)
            text = _SAID.sub(rf"\1{REMOVED}", text)
            text = _SCHEME.sub(rf"\1 {REMOVED}", text)
        return text if size <= LONGEST else f"{text} … ({size} signs)"


def _url(url: str) -> str:
    """What follows a URL's scheme, without who logs in, what is asked, and the fragment."""
    rest = url.removeprefix("://")
    end = _AUTHORITY_ENDS.search(rest)
    place = end.start() if end else len(rest)
    path, mark, _ = rest[place:].partition("#")[0].partition("?")
    return f"://{rest[:place].rpartition('@')[2]}{path}{'?…' if mark else ''}"
