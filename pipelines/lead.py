"""The lead of an article: the paragraph under the headline that is also the page's description.

Templates put it outside the container of the text, where no extractor looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from lxml.html import HtmlElement

from pipelines.headline import letters
from pipelines.neighbours import following
from pipelines.wording import words_in

REACH = 150
"""How many elements after the headline are looked at; sharing buttons may stand between."""

MIN_CHARS, MAX_CHARS = 50, 700
OPENING = 40
"""How many letters must agree: descriptions are often cut short."""

MAX_CHILDREN = 8
TAGS = {"p", "div", "h2", "h3", "h4", "span", "strong", "section"}


def find_lead(headline: HtmlElement | None, descriptions: Iterable[str], titles: Iterable[str]) -> str | None:
    """The lead as shown under the headline, or None when the page shows no such paragraph."""
    openings = {letters(text)[:OPENING] for text in descriptions if len(text) >= MIN_CHARS}
    if headline is None or not openings:
        return None
    title_keys = [key for title in titles if len(key := letters(title)) > 10]
    for element in islice(following(headline), REACH):
        if element.tag not in TAGS or len(element) > MAX_CHILDREN or not _opens(element, openings):
            continue
        text = words_in(element)
        key = letters(text)
        fits = MIN_CHARS <= len(text) <= MAX_CHARS and key[:OPENING] in openings
        if fits and not any(title in key for title in title_keys) and not _is_aside(element):
            return text
    return None


def _opens(element: HtmlElement, openings: set[str]) -> bool:
    """Whether the element's first words can begin one of these; spares reading the text of large containers."""
    first = next((key for text in element.itertext() if (key := letters(str(text))[:OPENING])), "")
    return bool(first) and any(opening.startswith(first) for opening in openings)


def _is_aside(element: HtmlElement) -> bool:
    return next(element.iterancestors("figure", "aside"), None) is not None
