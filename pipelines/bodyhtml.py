"""The text as plain, safe HTML: one line of markup for each line of the text, and lines that only open and close.

Headings, lists, quotations, tables, links and emphasis are taken from the page where its element has exactly the words
of the text; no other markup, no attribute but an address, and nothing that runs. As every line of the text has a line
of its own here, a paragraph can be taken out of both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from pipelines.furniture import BLOCKS
from pipelines.wording import visible, words_in

if TYPE_CHECKING:
    from pipelines.blocks import Block

Resolve = Callable[[str | None], str | None]

_HEADINGS = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
_ITEMS = {"li": "item", "dt": "item", "dd": "item"}
_KINDS = {**dict.fromkeys(_HEADINGS, "head"), **_ITEMS, "tr": "row", "caption": "row"}
_INLINE = {tag: tag for tag in ("strong", "em", "cite", "code", "mark", "sub", "sup", "s", "q")}
_INLINE |= {"b": "strong", "i": "em", "del": "s"}
_WRAPPER = re.compile(r"</?(?:ul|ol|table|blockquote)>")
_SPACE = re.compile(r"\s+")
_EMPTY = re.compile(r"<(ul|ol|table|blockquote)>\n</\1>\n?")


def body_html(blocks: Sequence[Block], within: HtmlElement | None, resolve: Resolve) -> str:
    """The blocks as HTML. `within` is the part of the page they were read from, None when it is no markup; `resolve`
    makes an address absolute and gives None for what is no web page."""
    elements = _Elements(within)
    lines: list[str] = []
    around: str | None = None
    for block in blocks:
        element = elements.of(block)
        wrapper = _wrapper(block, element)
        if wrapper != around:
            lines += [f"</{around}>"] if around else []
            lines += [f"<{wrapper}>"] if wrapper else []
            around = wrapper
        lines.append(_markup(block, element, resolve))
    return "\n".join([*lines, f"</{around}>"] if around else lines)


def without_lines(markup: str, places: Iterable[int]) -> str:
    """The HTML without these lines of the text, counted from 0, and without lists and tables left empty."""
    gone = set(places)
    kept: list[str] = []
    place = 0
    for line in markup.split("\n"):
        is_line = _WRAPPER.fullmatch(line) is None
        if not (is_line and place in gone):
            kept.append(line)
        place += is_line
    return _EMPTY.sub("", "\n".join(kept)).rstrip("\n")


class _Elements:
    """The page's elements by their words: each is given once, in the page's order."""

    def __init__(self, within: HtmlElement | None) -> None:
        self._found: dict[tuple[str, str], list[HtmlElement]] = {}
        if within is None:
            return
        for element in within.iter("p", "div", *_KINDS):
            if element.tag == "div" and any(child.tag in BLOCKS for child in element):
                continue
            kind = _KINDS.get(str(element.tag), "p")
            words = " | ".join(_cells(element)) if element.tag == "tr" else words_in(element)
            if words:
                self._found.setdefault((kind, words), []).append(element)

    def of(self, block: Block) -> HtmlElement | None:
        """The element that has exactly the block's words, or None."""
        kind = "p" if block.kind == "quote" else block.kind
        found = self._found.get((kind, block.text))
        if not found:
            return None
        return found.pop(0) if len(found) > 1 else found[0]


def _cells(row: HtmlElement) -> Iterator[str]:
    for cell in row:
        if words := words_in(cell):
            yield words


def _wrapper(block: Block, element: HtmlElement | None) -> str | None:
    if block.kind == "item":
        around = next(element.iterancestors("ul", "ol", "dl"), None) if element is not None else None
        return "ol" if around is not None and around.tag == "ol" else "ul"
    return {"row": "table", "quote": "blockquote"}.get(block.kind)


def _markup(block: Block, element: HtmlElement | None, resolve: Resolve) -> str:
    if block.kind == "row":
        return f"<tr>{''.join(_row(block, element))}</tr>"
    inner = escape(block.text, quote=False) if element is None else _inner(element, resolve)
    if block.kind == "head":
        tag = _HEADINGS[str(element.tag)] if element is not None else "h2"
    else:
        tag = "li" if block.kind == "item" else "p"
    return f"<{tag}>{inner}</{tag}>"


def _row(block: Block, element: HtmlElement | None) -> Iterator[str]:
    if element is None or element.tag != "tr":
        yield f"<td>{escape(block.text, quote=False)}</td>"
        return
    for cell in element:
        if words := words_in(cell):
            tag = "th" if cell.tag == "th" else "td"
            yield f"<{tag}>{escape(words, quote=False)}</{tag}>"


def _inner(element: HtmlElement, resolve: Resolve) -> str:
    """The element's words, with the markup that is kept around them; walked, not recursed into: pages nest deeply."""
    if not len(element):
        return _SPACE.sub(" ", _text(element.text)).strip()
    pieces: list[str] = []
    closing: list[str] = []
    for event, node in iterwalk(element, events=("start", "end")):
        if event == "start":
            opening, end = _tags(node, resolve) if node is not element else ("", "")
            closing.append(end)
            pieces += (opening, _text(node.text))
        else:
            pieces += (closing.pop(), _text(node.tail) if node is not element else "")
    return _SPACE.sub(" ", "".join(pieces)).strip()


def _tags(element: HtmlElement, resolve: Resolve) -> tuple[str, str]:
    if element.tag == "a" and (url := resolve(element.get("href"))) is not None:
        return f'<a href="{escape(url)}">', "</a>"
    tag = _INLINE.get(str(element.tag))
    return (f"<{tag}>", f"</{tag}>") if tag else ("", "")


def _text(text: str | None) -> str:
    return escape(visible(text), quote=False) if text else ""
