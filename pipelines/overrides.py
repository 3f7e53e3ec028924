"""The fields that a source file's selectors set: they win, and what lost stands in the alternatives."""

from __future__ import annotations

from typing import Any

from lxml.html import HtmlElement

from pipelines.dates import first_date
from pipelines.jsonld import LinkedData
from pipelines.merge import Fields, authors_of, words_in
from pipelines.people import people_in
from pipelines.selectors import FIELDS, Selectors, values_of

SOURCE = "selector"


def override(fields: Fields, tree: HtmlElement, data: LinkedData, selectors: Selectors, base: str) -> None:
    """Set what the selectors say. A field whose expressions hit nothing, or no date, stays as it was."""
    for name, expressions in selectors.fields:
        if FIELDS[name] == "body":
            continue
        texts = next((found for one in expressions if (found := values_of(one, tree, data))), [])
        if texts:
            _set(fields, name, texts, base)


def _set(fields: Fields, name: str, texts: list[str], base: str) -> None:
    kind = FIELDS[name]
    if kind == "date":
        when = first_date([(SOURCE, text) for text in texts])
        if when is not None:
            fields.override(name, when.iso, SOURCE)
            fields.override(f"{name}Raw", when.raw[:200], SOURCE)
        return
    values: dict[str, Any] = {
        "text": texts[0],
        "words": words_in(texts),
        "people": authors_of(people_in(texts), base) if kind == "people" else [],
    }
    if values[kind]:
        fields.override(name, values[kind], SOURCE)
