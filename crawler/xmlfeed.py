"""RSS and Atom as feedparser reads them, one entry at a time and within bounds that keep it quick.

At its first fault feedparser guesses at all of a document, and then one open tag hides every entry after it. Read
alone, a broken entry costs no other, and the time grows with the number of entries, not faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from io import BytesIO
from typing import Any, Literal
from xml.sax import SAXException

import feedparser

from crawler.xmltext import Entries, Sniffed, well_escaped

MAX_ENTRY_TAGS = 2_000
"""Tags in one entry, its content aside; feedparser needs 15 µs for each, and more where they repeat."""

MAX_FEED_TAGS = 300_000
"""In all entries: what feedparser reads in some five seconds."""

MAX_NAMESPACES = 256
"""Declarations in one entry: feedparser keeps all and looks through them for each tag."""

MAX_ATTRIBUTES = 64
"""In one tag: feedparser's time grows with the square, 0.9 s for 9,000."""

MAX_NAME_RUN = 256
"""Characters without a space in an author's name, where feedparser looks for e-mail addresses: the square again."""

AT = "\uf8ff"
"""Stands for @ in authors' names: feedparser takes addresses out of them, and of `ann@news.press` leaves `s`."""

_INSIDE = r"""(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+"""
_CDATA = r"<!\[CDATA\[.*?(?:\]\]>|\Z)"
_LITERAL = re.compile(_CDATA, re.DOTALL)
_PREFIX = r"(?:[\w.-]+:)?"
# Articles in full, the titles and names of pictures and podcasts, which feedparser would take for the entry's own, and
# empty links, which it would take for its address.
_UNREAD = re.compile(
    rf"(?P<kept>{_CDATA})|<(?P<name>{_PREFIX}(?:content|encoded)|(?:media|itunes):[\w.-]+)(?=[\s>]){_INSIDE}(?<!/)>"
    rf"(?:[^<]++|{_CDATA}|<(?!/(?P=name)[\s>]))*+(?:</(?P=name)\s*>|\Z)|<link\s*/>|<link\s*>\s*</link\s*>",
    re.DOTALL,
)
_CROWDED = re.compile(rf"""<[^\s<>"']++(?:\s++[^\s<>"'=]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')){{{MAX_ATTRIBUTES + 1}}}""")
_NAMING = rf"{_PREFIX}(?:author|creator|publisher|owner|managingeditor|webmaster)\b"
_NAMED = re.compile(rf"{_CDATA}|(?P<named><{_NAMING}{_INSIDE}(?<!/)>.*?(?:</{_NAMING}|\Z))", re.DOTALL | re.IGNORECASE)
_NAME_RUN = re.compile(rf"[A-Za-z0-9_.+-]{{{MAX_NAME_RUN + 1}}}")
_CHANNEL = re.compile(rf"<(?P<name>{_PREFIX}channel)(?=[\s>]){_INSIDE}(?<!/)>")
_XML_BASE = re.compile(r"""(?<=\s)xml:base(\s*=\s*(?:"([^"<]*)"|'([^'<]*)'))""")
# What feedparser's code stumbles over in texts that tell it lies, as `<links a=''/>` does.
_STUMBLES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a feed: `said` as feedparser names it, from the XML `text`; `flaw` is what is wrong with that.

    `bases` are the xml:base of what it stands in and its own, outermost first: its links are relative to them.
    """

    said: dict[str, Any]
    text: str
    flaw: str | None
    bases: tuple[str, ...]


class XmlFeed:
    """The entries of an RSS or Atom text as Pieces, in its order; iterated once.

    `channel` is what it says of itself. Afterwards `problems` are sentences about what was lost. No document type,
    no entity declaration and nothing that feedparser would fetch gets to it.
    """

    def __init__(self, text: str, sniffed: Sniffed) -> None:
        self._entries = Entries(text, sniffed, ("entry" if sniffed.root == "feed" else "item",))
        self.problems = self._entries.problems
        opening, closing = self._entries.opening, self._entries.closing
        head = self._entries.head
        channel = _CHANNEL.search(head)
        ends = (f"</{channel['name']}>", closing) if channel else (closing,)
        self._around = (f"{opening}{channel[0]}" if channel else opening, "".join(ends))
        if _CROWDED.search(self._around[0]):
            self._around = (f"<{sniffed.root}>", f"</{sniffed.root}>")
        self.channel = self._piece("its head", head, head + "".join(end for end in ends if end not in head), "feed")

    def __iter__(self) -> Iterator[Piece]:
        before, after = self._around
        tags_left = MAX_FEED_TAGS
        for text in self._entries.texts():
            lean = _NAMED.sub(_hidden, _UNREAD.sub(_kept, text))
            tags_left -= _LITERAL.sub("", lean).count("<")
            if tags_left < 0:
                self.problems.append(f"more than {MAX_FEED_TAGS} tags: only the first entries are read")
                return
            piece = self._piece("an entry", lean, f"{before}{lean}{after}", "entries")
            if piece is not None:
                yield piece

    def _piece(self, what: str, text: str, xml: str, part: Literal["feed", "entries"]) -> Piece | None:
        trap = _trap(text)
        result = _parsed(xml) if trap is None else None
        if trap:
            self.problems.append(f"{what} has {trap} and is left out")
        elif not result or (part == "entries" and not result.entries):
            self.problems.append(f"{what} cannot be read and is left out")
        else:
            said = result.feed if part == "feed" else result.entries[0]
            own_tag = text[: text.find(">")]
            bases = _XML_BASE.finditer(self._around[0] + own_tag)
            return Piece(dict(said), text, _flaw(result), tuple(unescape(base[2] or base[3] or "") for base in bases))
        return None


def _trap(text: str) -> str | None:
    """What would keep feedparser busy out of all proportion, or None."""
    markup = _LITERAL.sub("", text)
    if markup.count("<") > MAX_ENTRY_TAGS:
        return f"more than {MAX_ENTRY_TAGS} tags"
    if _CROWDED.search(markup):
        return f"a tag of more than {MAX_ATTRIBUTES} attributes"
    if markup.count("xmlns") > MAX_NAMESPACES:
        return f"more than {MAX_NAMESPACES} namespaces"
    if any(named["named"] and _NAME_RUN.search(named[0]) for named in _NAMED.finditer(text)):
        return f"an author's name of more than {MAX_NAME_RUN} characters without a space"
    return None


def _parsed(xml: str) -> Any:
    """feedparser's result, or None when it gives up; it gets bytes as a file, never a name it could open."""
    # feedparser joins xml:base to Atom's ids, too, and loses its way where one is relative.
    body = BytesIO(well_escaped(_XML_BASE.sub(r"xml:not-base\1", xml)).encode("utf-8", "replace"))
    try:
        return feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    except _STUMBLES:
        return None


def _flaw(result: Any) -> str | None:
    if not result.bozo:
        return None
    error = result.bozo_exception
    return error.getMessage() if isinstance(error, SAXException) else str(error)


def _kept(match: re.Match[str]) -> str:
    return match["kept"] or ""


def _hidden(match: re.Match[str]) -> str:
    return match[0].replace("@", AT) if match["named"] else match[0]
