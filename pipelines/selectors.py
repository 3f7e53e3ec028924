"""What a source file says about where its pages have their fields: CSS selectors, and JMESPath over the page's JSON-LD.

    remove = ["div.promo"]
    [fields]
    headline = "h1.title"
    author = ["span.by a", "jsonld:author[].name"]
    datePublished = "time.first::attr(datetime)"

Of several expressions the first that says something counts. What they say wins over everything else.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import jmespath
from cssselect import SelectorError
from jmespath.exceptions import JMESPathError
from lxml.etree import XPath, XPathError
from lxml.html import HtmlElement
from parsel.csstranslator import HTMLTranslator

from pipelines.jsonld import LinkedData, name_of, plain
from pipelines.wording import text_of, words_in, words_of

LINKED = "jsonld:"
MAX_REMOVED_CHARS = 2000
KindOfField = Literal["text", "date", "words", "people", "body"]
FIELDS: dict[str, KindOfField] = {
    **dict.fromkeys(("headline", "alternativeHeadline", "description", "dateline", "correction", "license"), "text"),
    **dict.fromkeys(("datePublished", "dateModified"), "date"),
    **dict.fromkeys(("articleSection", "keywords"), "words"),
    "author": "people",
    "articleBody": "body",
}
"""The fields that a source file may override, by what kind of value they take."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """Expressions by field, and selectors of what is none of the article."""

    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    remove: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any], remove: Any) -> Selectors | None:
        """The selectors of a source file's table; None when it has none. They must have been checked."""
        listed = tuple((name, (told,) if isinstance(told, str) else tuple(told)) for name, told in fields.items())
        return cls(listed, tuple(remove)) if listed or remove else None

    @classmethod
    def of_toml(cls, text: str) -> Selectors | None:
        """The selectors of a source file that was checked when it was used; None for a text that is none."""
        try:
            table = tomllib.loads(text)
            return cls.of(table.get("fields", {}), table.get("remove", ()))
        except (tomllib.TOMLDecodeError, AttributeError, TypeError):
            return None

    @property
    def digest(self) -> str:
        """Eight hex digits that differ when the selectors do."""
        return hashlib.sha256(repr((self.fields, self.remove)).encode()).hexdigest()[:8]

    def expressions(self) -> Iterator[tuple[str, str]]:
        """Each expression with the key that it stands under: a field's name, or `remove`."""
        yield from ((name, one) for name, listed in self.fields for one in listed)
        yield from (("remove", one) for one in self.remove)


def check_expression(key: str, expression: str) -> None:
    """Raise ValueError, with what is wrong and the cure, for an expression that cannot be used under that key."""
    if key != "remove" and key not in FIELDS:
        raise ValueError(f"{key!r} is no field that can be set; these can: {', '.join(FIELDS)}")
    if expression.startswith(LINKED):
        if key in ("remove", "articleBody"):
            raise ValueError(f"{expression!r}: {key} takes CSS selectors, for it is about the page's markup")
        try:
            jmespath.compile(expression.removeprefix(LINKED))
        except JMESPathError as problem:
            raise ValueError(f"{expression!r} is no JMESPath: {' '.join(str(problem).split())}") from None
        return
    if key in ("remove", "articleBody") and "::" in expression:
        raise ValueError(f"{expression!r}: {key} takes elements; leave ::text and ::attr() out")
    try:
        _xpath(expression)
    except (SelectorError, XPathError) as problem:
        raise ValueError(f"{expression!r} is no CSS selector: {problem}") from None


def values_of(expression: str, tree: HtmlElement, data: LinkedData) -> list[str]:
    """What an expression says of a page, as texts in the page's order; nothing when it hits nothing."""
    if expression.startswith(LINKED):
        return _linked(expression.removeprefix(LINKED), data)
    texts = (words_of(text_of(one) if isinstance(one, HtmlElement) else one) for one in _hits(expression, tree))
    return [text for text in texts if text]


def elements_of(expression: str, tree: HtmlElement) -> list[HtmlElement]:
    """The elements that a selector hits, in the page's order, none within another."""
    found = [one for one in _hits(expression, tree) if isinstance(one, HtmlElement)]
    hit = set(found)
    return [one for one in found if not hit.intersection(one.iterancestors())]


def take_out(tree: HtmlElement, selectors: Selectors) -> tuple[str, ...]:
    """Take what the source file says out of the tree; the texts of it. The page itself stays whatever is said."""
    texts: list[str] = []
    for expression in selectors.remove:
        for element in elements_of(expression, tree):
            if element.getparent() is not None and element.tag not in ("html", "body"):
                texts.append(words_in(element)[:MAX_REMOVED_CHARS])
                element.drop_tree()
    return tuple(text for text in texts if text)


def body_parts(tree: HtmlElement, selectors: Selectors) -> list[HtmlElement]:
    """Copies of the elements that hold the text, of the first expression that hits any; nothing when none is set."""
    for name, listed in selectors.fields:
        for expression in listed if name == "articleBody" else ():
            if found := elements_of(expression, tree):
                return [deepcopy(one) for one in found]
    return []


def _linked(expression: str, data: LinkedData) -> list[str]:
    compiled = _jmespath(expression)
    for node in (*data.articles, *data.nodes):
        try:
            found = compiled.search(node)
        except JMESPathError:
            # a function that was given another type than it takes: this node says nothing
            continue
        values = found if isinstance(found, list) else [found]
        if texts := [text for value in values if (text := plain(name_of(value)))]:
            return texts
    return []


def _hits(expression: str, tree: HtmlElement) -> list[HtmlElement | str]:
    """The elements, or with ::text and ::attr() the texts, that a CSS selector hits."""
    found = _xpath(expression)(tree)
    return cast("list[HtmlElement | str]", found) if isinstance(found, list) else []


@lru_cache(maxsize=512)
def _xpath(expression: str) -> XPath:
    return XPath(HTMLTranslator().css_to_xpath(expression))


@lru_cache(maxsize=512)
def _jmespath(expression: str) -> Any:
    return jmespath.compile(expression)
