"""What a page needs to look as it did: pictures, style sheets with what these ask for, fonts and scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import tinycss2
from lxml.html import HtmlElement

from pipelines.links import Resolver

RequisiteKind = Literal["style", "image", "font", "script"]
Requisites = Literal["page", "images", "none"]
"""How much of it is wanted: all, the pictures that stand in the page, nothing."""

MAX_REQUISITES = 1000
WIDEST = 2048
DENSEST = 3.0
_CANDIDATE = re.compile(r"[\s,]*([^\s,]\S*[^\s,]|[^\s,])(?:\s+([\d.]+)([wx]))?")
_NAMES_FILES = re.compile(r"url\(|@import|image-set\(", re.I)
_SOURCES = ("src", "data-src", "data-original", "data-lazy-src")
_SOURCE_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
_ICONS = frozenset({"icon", "apple-touch-icon", "mask-icon"})
_PRELOADED: dict[str, RequisiteKind] = {"style": "style", "image": "image", "font": "font", "script": "script"}
_DATA_BLOCKS = ("json", "text/template", "text/html", "x-template", "text/x-")


class Requisite(NamedTuple):
    """The absolute address of one file, and what it is to the page. A tuple, since a page has hundreds."""

    url: str
    kind: RequisiteKind


def page_requisites(tree: HtmlElement, base: str, wanted: Requisites) -> tuple[Requisite, ...]:
    """What the page names, each address once, style sheets first, at most MAX_REQUISITES.

    Of a `srcset` (HTML, 4.8.4.2.1) the largest useful candidate, beside the `src` that stands for all.
    """
    if wanted == "none":
        return ()
    named = [*_pictures(tree)]
    if wanted == "page":
        named = [*_styles(tree), *named, *_drawn(tree), *_scripts(tree)]
    return _resolved(named, base)


def style_requisites(data: bytes, encoding: str | None, base: str) -> tuple[Requisite, ...]:
    """What a style sheet names: imports, pictures, and of each font face the file that browsers prefer.

    `encoding` is the charset of its Content-Type, if any; `base` is its own address.
    """
    rules, _ = tinycss2.parse_stylesheet_bytes(data, encoding, skip_comments=True, skip_whitespace=True)
    return _resolved(_in_style(rules), base)


def largest_candidate(source_set: str) -> str | None:
    """The candidate of a `srcset` that is worth keeping: the largest up to 2,048 pixels or three times as dense."""
    best: tuple[bool, float, str] | None = None
    for url, number, unit in _CANDIDATE.findall(source_set):
        size = _size(number)
        limit = WIDEST if unit == "w" else DENSEST
        ranked = (size <= limit, size if size <= limit else -size, url)
        if best is None or ranked[:2] > best[:2]:
            best = ranked
    return best[2] if best else None


def _size(number: str) -> float:
    try:
        return float(number) if number else 1.0
    except ValueError:
        return 1.0


Named = tuple[str, RequisiteKind]


def _resolved(named: Iterable[Named], base: str) -> tuple[Requisite, ...]:
    resolve = Resolver(base)
    found: dict[str, Requisite] = {}
    for address, kind in named:
        url = resolve(address)
        if url is not None:
            found.setdefault(url, Requisite(url, kind))
        if len(found) >= MAX_REQUISITES:
            break
    return tuple(found.values())


def _styles(tree: HtmlElement) -> Iterator[Named]:
    for link in tree.iter("link"):
        words = frozenset((link.get("rel") or "").lower().split())
        href = link.get("href")
        if not href:
            continue
        if "stylesheet" in words and "alternate" not in words:
            yield href, "style"
        elif words & _ICONS:
            yield href, "image"
        elif "modulepreload" in words:
            yield href, "script"
        elif "preload" in words and (link.get("as") or "").lower() in _PRELOADED:
            yield href, _PRELOADED[link.get("as").lower()]
    for style in tree.iter("style"):
        if _NAMES_FILES.search(style.text or ""):
            yield from _in_style_text(style.text)


def _pictures(tree: HtmlElement) -> Iterator[Named]:
    for element in tree.iter("img", "source", "video", "input", "image"):
        if element.tag == "video":
            addresses = [element.get("poster")]
        elif element.tag == "input":
            addresses = [element.get("src")] if (element.get("type") or "").lower() == "image" else []
        elif element.tag == "image":
            addresses = [element.get("href") or element.get("xlink:href")]
        else:
            addresses = [*_candidates(element)]
        for address in addresses:
            if address:
                yield address, "image"


def _candidates(element: HtmlElement) -> Iterator[str | None]:
    if element.tag == "img":
        yield from (element.get(name) for name in _SOURCES)
    elif not _is_first_source(element):
        return
    yield from (largest_candidate(told) for name in _SOURCE_SETS if (told := element.get(name)))


def _is_first_source(element: HtmlElement) -> bool:
    """Whether this is the format of a picture that browsers try first; the others show the same."""
    parent = element.getparent()
    return parent is not None and parent.tag == "picture" and parent.find("source") is element


def _drawn(tree: HtmlElement) -> Iterator[Named]:
    """What `style` attributes name."""
    for element in tree.iterfind(".//*[@style]"):
        text = element.get("style") or ""
        if _NAMES_FILES.search(text):
            yield from _in_style_text(f"x{{{text}}}")


def _scripts(tree: HtmlElement) -> Iterator[Named]:
    for script in tree.iter("script"):
        kind = (script.get("type") or "").lower()
        if script.get("src") and not any(word in kind for word in _DATA_BLOCKS):
            yield script.get("src"), "script"


@lru_cache(maxsize=256)
def _in_style_text(text: str) -> tuple[Named, ...]:
    """A newsroom's pages share their inline style sheets, and parsing one costs as much as reading a page."""
    return tuple(_in_style(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)))


def _in_style(rules: Iterable[Any]) -> Iterator[Named]:
    """What the rules name, without recursion: braces of a hostile sheet nest as deep as it likes."""
    waiting = [*rules][::-1]
    while waiting:
        node = waiting.pop()
        if node.type == "at-rule" and node.lower_at_keyword == "import":
            address = next(_addresses(node.prelude), None)
            if address:
                yield address, "style"
        elif node.type == "at-rule" and node.lower_at_keyword == "font-face":
            face = _preferred([*_addresses(node.content or ())])
            if face:
                yield face, "font"
        elif node.type == "url" or (node.type == "function" and node.lower_name == "url"):
            yield from ((address, "image") for address in _addresses([node]))
        elif node.type == "function" and node.lower_name.endswith("image-set"):
            yield from ((address, "image") for address in _addresses(node.arguments))
        else:
            waiting += [*_inside(node)][::-1]


def _inside(node: Any) -> Iterable[Any]:
    if node.type == "function":
        return list(node.arguments)
    return [*(getattr(node, "prelude", None) or ()), *(getattr(node, "content", None) or ())]


def _addresses(nodes: Iterable[Any]) -> Iterator[str]:
    """The addresses among these values; in an `@import` and an `image-set` a string is one too."""
    for node in nodes:
        if node.type in ("url", "string"):
            yield node.value
        elif node.type == "function" and node.lower_name == "url":
            yield from (one.value for one in node.arguments if one.type == "string")


def _preferred(addresses: list[str]) -> str | None:
    """The font that browsers of today load: formats stand for the same face."""
    files = [one for one in addresses if "/" in one or "." in one]
    for ending in (".woff2", ".woff"):
        for one in files:
            if ending in one.lower():
                return one
    return files[0] if files else None
