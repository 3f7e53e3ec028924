"""Filling templates: everything that is put into one is escaped unless it is Html already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from tests.newsroom.story import Block

TEMPLATES = Path(__file__).parent / "templates"

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_EMPHASIS = re.compile(r"\*([^*]+)\*")


class Html(str):
    """Text that is markup already and is put into a template as it is."""

    __slots__ = ()


def fill(template: str, **values: str) -> Html:
    """The template of that file name with its `$names` replaced; a name without a value raises KeyError."""
    return Html(_template(template).substitute({name: _safe(value) for name, value in values.items()}))


def element(tag: str, content: str, **attributes: str) -> Html:
    """One element; `class_` becomes class, and `data_kind` becomes data-kind."""
    names = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    written = "".join(f' {name}="{escape(value)}"' for name, value in names)
    return Html(f"<{tag}{written}>{_safe(content)}</{tag}>")


def link(path: str, text: str) -> Html:
    """An anchor."""
    return element("a", text, href=path)


def joined(parts: Iterable[str], between: str = "\n") -> Html:
    """Pieces one after the other, each escaped unless it is Html."""
    return Html(between.join(_safe(part) for part in parts))


def blocks(body: Iterable[Block]) -> list[Html]:
    """The blocks of a story as markup, the items of a list gathered into one element."""
    pieces: list[Html] = []
    items: list[Html] = []
    for block in body:
        if block.kind == "item":
            items.append(element("li", _inline(block.source)))
            continue
        pieces += _list(items)
        items = []
        pieces.append(element("h2" if block.kind == "subhead" else "p", _inline(block.source)))
    return pieces + _list(items)


def _list(items: list[Html]) -> list[Html]:
    return [element("ul", joined(items))] if items else []


def _inline(source: str) -> Html:
    text = _LINK.sub(r'<a href="\2">\1</a>', escape(source, quote=False))
    return Html(_EMPHASIS.sub(r"<em>\1</em>", text))


def _safe(value: str) -> str:
    return value if isinstance(value, Html) else escape(value)


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / name).read_text(encoding="utf-8"))
