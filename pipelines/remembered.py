"""trafilatura's rules about an element's names, answered from memory: the same elements in a third of the time.

Most of its XPaths ask for nothing but an element's tag and a few of its attributes, with regular expressions that lxml
calls back into Python for. A newsroom's pages repeat their names, so the verdict on each combination is kept; one that
was not seen before is put to the XPath itself, on an element that has just these names and stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice, permutations
from typing import Any

from lxml.etree import XPath, _Element
from lxml.html import Element, HtmlElement
from trafilatura import xpaths

VERDICTS_KEPT = 20_000


class Unsure(Enum):
    """No verdict: XPath 1.0 takes the attribute that is written first where several are asked for at once."""

    UNSURE = ""


UNSURE = Unsure.UNSURE

_ATTRIBUTE = re.compile(r"@([\w-]+)")
_TAG = re.compile(r"self::(\w+)")


class Remembered:
    """An XPath as trafilatura calls it: it must judge the elements below a tree by their own tag and attributes alone.

    `first` is for one whose caller takes the first element only; then its place among its siblings may count too.
    """

    def __init__(self, xpath: XPath, *, first: bool = False) -> None:
        self.xpath = xpath
        self._first = first
        self._names = tuple(dict.fromkeys(_ATTRIBUTE.findall(xpath.path)))
        self._tags = tuple(dict.fromkeys(_TAG.findall(xpath.path)))
        self._verdicts: dict[tuple[str | None, ...], bool | Unsure] = {}

    @property
    def path(self) -> str:
        """The XPath's source."""
        return self.xpath.path

    def __call__(self, tree: _Element) -> list[_Element]:
        """The elements that the XPath selects below the tree, in document order."""
        found = self._matching(tree)
        return list(islice(found, 1)) if self._first else list(found)

    def _matching(self, tree: _Element) -> Iterator[_Element]:
        names, verdicts = self._names, self._verdicts
        for element in tree.iter(*self._tags or ("*",)):
            get = element.get
            key = (element.tag, *[get(name) for name in names])
            verdict = verdicts.get(key)
            if verdict is None:
                verdict = self._verdict(key)
            if verdict is UNSURE:
                verdict = self._holds(str(element.tag), [(str(name), str(value)) for name, value in element.items()])
            if verdict and element is not tree:
                yield element

    def _verdict(self, key: tuple[str | None, ...]) -> bool | Unsure:
        """The verdict on these names in whatever order they are written; it is kept."""
        tag, *values = key
        given = [(name, value) for name, value in zip(self._names, values, strict=True) if value is not None]
        found = {self._holds(str(tag), order) for order in permutations(given)}
        if len(self._verdicts) >= VERDICTS_KEPT:
            self._verdicts.clear()
        verdict = self._verdicts[key] = found.pop() if len(found) == 1 else UNSURE
        return verdict

    def _holds(self, tag: str, attributes: Iterable[tuple[str, str]]) -> bool:
        """What the XPath says of an element that has just these attributes, in this order, and stands alone."""
        around, alone = Element("body"), HtmlElement()
        alone.tag = tag
        for name, value in attributes:
            alone.set(name, value)
        around.append(alone)
        return bool(self.xpath(around))


def remember_rules() -> None:
    """Let trafilatura ask its rules from memory in this process; done twice it changes nothing."""
    # the others have no regular expressions, or ask for what stands around an element
    rules: list[tuple[list[Any], int, bool]] = [
        *((xpaths.OVERALL_DISCARD_XPATH, place, False) for place in range(len(xpaths.OVERALL_DISCARD_XPATH))),
        (xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH, 0, False),
        (xpaths.BODY_XPATH, 0, True),
    ]
    for of_kind, place, first in rules:
        if not isinstance(of_kind[place], Remembered):
            of_kind[place] = Remembered(of_kind[place], first=first)
