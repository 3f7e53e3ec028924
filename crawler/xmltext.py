"""XML as newsrooms publish it, read without trust: feeds and sitemaps that are cut, unescaped or hostile.

Each entry is parsed alone, under a copy of the root's start tag: no document type, and with it no entity
declaration, ever reaches a parser, and neither a flood of elements nor a broken entry costs the others.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5
from typing import Literal

from lxml import etree

Look = Literal["feed", "sitemap", "html", "json", "xml", "text", "empty"]

MAX_PROBLEMS = 20
"""How many problems of one file are told one by one."""

MAX_ENTRY_CHARACTERS = 4 << 20
"""Longer entries are left out; feeds carry whole articles, with pictures in them as text."""

MAX_START_TAG_CHARACTERS = 8_192
"""A root's start tag is copied for each entry, so a longer one would be a lever."""

MAX_HEAD_CHARACTERS = 65_536
"""Where the root element has to begin, and how much of what stands before the first entry is read."""
_LOOKS: dict[str, Look] = {
    **dict.fromkeys(("rss", "rdf", "feed"), "feed"),
    **dict.fromkeys(("urlset", "sitemapindex"), "sitemap"),
    **dict.fromkeys(("html", "head", "body", "title", "meta", "script", "div", "p", "br", "b", "center"), "html"),
}
_OPENING = re.compile(r"<!--|<\?|<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)(?=[\s/>])")
_START_TAG = re.compile(r"""<(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# References that need no second look, because what they name is a character: 32 to 49999, less Windows's 128 to 159.
_SOUND = (
    r"amp|lt|gt|quot|apos|#(?:3[2-9]|[4-9][0-9]|1[01][0-9]|1[6-9][0-9]|[2-9][0-9]{2}|[1-9][0-9]{3}|[1-4][0-9]{4})"
    r"|#[xX](?:[2-7a-fA-F][0-9a-fA-F]|[1-9a-fA-F][0-9a-fA-F]{2}|[1-9a-bA-B][0-9a-fA-F]{3})"
)
# Outside of CDATA, other ampersands: HTML's named characters, numbers that may be no characters, `?a=1&b=2`.
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)"
    rf"|&(?!(?:{_SOUND});)(?:(#(?:[0-9]{{1,7}}|[xX][0-9a-fA-F]{{1,6}});)|([A-Za-z][A-Za-z0-9]{{1,31}};))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a text is, by its first elements: the root's local name and where it starts, if it was found."""

    look: Look
    root: str = ""
    start: int = 0


def sniff(text: str) -> Sniffed:
    """What a text is, whatever its server calls it; comments, instructions and stray text are skipped."""
    front = text[:MAX_HEAD_CHARACTERS].lstrip("\ufeff \t\r\n")
    if not front:
        return Sniffed("empty")
    if front[0] in "{[":
        return Sniffed("json")
    first: Look | None = None
    for name, start in _opening_tags(text):
        look = _LOOKS.get(name.lower(), "xml")
        if look in ("feed", "sitemap"):
            return Sniffed(look, name, start)
        first = first or look
        if name.lower() == "html":
            break
    return Sniffed(first or ("xml" if front[0] == "<" else "text"))


def _opening_tags(text: str) -> Iterator[tuple[str, int]]:
    place = 0
    while match := _OPENING.search(text, place, MAX_HEAD_CHARACTERS):
        place = match.end()
        if match[1]:
            yield match[1], match.start()
            continue
        end = "-->" if match[0] == "<!--" else "?>"
        place = text.find(end, place)
        if place < 0:
            return


class Entries:
    """The elements of some local names in an XML text, each alone under a copy of the root's start tag.

    Iterated once, as elements or as `texts`. What is broken in one entry costs no other, and no more than one
    is in memory. Afterwards `problems` are sentences about what was lost. `opening` and `closing` are the
    root's tags, to stand around an entry; `head` is the text before the first entry, from the root's tag on.
    """

    def __init__(self, text: str, sniffed: Sniffed, names: tuple[str, ...]) -> None:
        self.problems: list[str] = []
        self._text, self._start = text, sniffed.start
        tag = _START_TAG.match(text, sniffed.start, sniffed.start + MAX_START_TAG_CHARACTERS)
        root = tag[0].removesuffix("/>").removesuffix(">") if tag else f"<{sniffed.root}"
        self.opening, self.closing = f"{root}>", f"</{root[1:].split()[0]}>"
        choice = "|".join(names)
        self._tokens = re.compile(
            r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
            rf"|<(?P<close>/?)(?P<prefix>(?:[\w.-]+:)?)(?:{choice})(?=[\s/>])[^<>]*>",
            re.DOTALL,
        )
        # No document type and no entity declaration gets here; a depth of 256 is libxml2's own limit.
        self._parser = etree.XMLParser(
            recover=True, resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )

    def __iter__(self) -> Iterator[etree._Element]:
        for text in self.texts():
            root = self._tree(f"{self.opening}{text}{self.closing}")
            if root is None or not len(root):
                self.problems.append("an entry is not XML")
            else:
                yield root[0]

    def texts(self) -> Iterator[str]:
        """Each entry as it stands in the text, from its start tag to its end tag."""
        begun: int | None = None
        end = self._start
        for token in self._tags():
            if not token["close"]:
                if begun is not None:
                    self.problems.append("an entry is not closed before the next begins")
                begun = token.start()
                continue
            end = token.end()
            if begun is not None and end - begun > MAX_ENTRY_CHARACTERS:
                self.problems.append(f"an entry is longer than {MAX_ENTRY_CHARACTERS} characters and left out")
            elif begun is not None:
                yield self._text[begun:end]
            begun = None
        if self.closing not in self._text[end:] and not self._text.endswith("/>"):
            self.problems.append(f"cut short: it ends without {self.closing}")

    @property
    def head(self) -> str:
        """What stands before the first entry, MAX_HEAD_CHARACTERS of it at most."""
        first = next(self._tags(), None)
        stop = first.start() if first else len(self._text)
        return self._text[self._start : min(stop, self._start + MAX_HEAD_CHARACTERS)]

    def _tags(self) -> Iterator[re.Match[str]]:
        """Start and end tags of entries: those with the first one's prefix, as `foo:item` is no item."""
        prefix: str | None = None
        for token in self._tokens.finditer(self._text, self._start):
            if token["prefix"] is None or token[0].endswith("/>"):
                continue
            prefix = token["prefix"] if prefix is None else prefix
            if token["prefix"] == prefix:
                yield token

    def _tree(self, xml: str) -> etree._Element | None:
        try:
            return etree.fromstring(well_escaped(xml).encode("utf-8", "replace"), self._parser)
        except etree.XMLSyntaxError:
            return None


def tell(problems: list[str]) -> tuple[str, ...]:
    """The problems, or the first of them and how many more there are."""
    more = len(problems) - MAX_PROBLEMS
    return tuple(problems) if more <= 0 else (*problems[:MAX_PROBLEMS], f"and {more} more problems")


def name_of(element: etree._Element) -> tuple[str, str]:
    """An element's namespace and local name; of an undeclared prefix the prefix itself."""
    space, brace, name = str(element.tag).rpartition("}")
    if brace:
        return space[1:], name
    prefix, _, local = name.rpartition(":")
    return prefix, local


def inner_text(element: etree._Element) -> str:
    """All text within an element."""
    if not len(element):
        return element.text or ""
    return "".join(str(text) for text in element.itertext())


def well_escaped(text: str) -> str:
    """The text without characters that XML forbids, and with every ampersand and reference as XML has it."""
    if _CONTROLS.search(text):
        text = _CONTROLS.sub("", text)
    return _AMPERSAND.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    if match[0].startswith("<"):
        return match[0]
    if match[1]:
        # HTML's reading: a number that is no character is U+FFFD or nothing, and 128 to 159 are Windows's.
        meant: str | None = _CONTROLS.sub("", html.unescape(match[0]))
    else:
        meant = html5.get(match[2]) if match[2] else None
    if meant is None:
        return f"&amp;{match[0][1:]}"
    return "".join(f"&#{ord(character)};" for character in meant)
