"""The language of a text as a BCP 47 tag: what the page declares, checked against what is written."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import LanguageIdentifier

from pipelines.languagemodel import load_identifier

SHORT_CHARS, SAMPLE_CHARS = 160, 400
"""Enough to be sure of what is declared, and enough to be sure without; the time grows with the sample."""

SURE = 0.9
"""From this probability on the text overrules the declaration: templates declare `en` everywhere."""

MIN_CHARS = 60

_TAG = re.compile(r"^([a-zA-Z]{2,3})(?:[-_]([a-zA-Z]{4}))?(?:[-_]([a-zA-Z]{2}|\d{3}))?(?:[-_.@].*)?$")
_SAME = {
    "no": "nb",
    "nb": "nb",
    "nn": "nb",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "sh": "sr",
    "bs": "sr",
    "hr": "sr",
    "cmn": "zh",
}
"""Languages that declarations and detectors mix up, or that have an old code, folded for the comparison only."""


def language_tag(declared: str) -> str | None:
    """The declaration as a BCP 47 tag in its usual case: `en_us` gives `en-US`; None when it is no tag."""
    found = _TAG.match(declared.strip())
    if not found:
        return None
    language, script, region = found[1].lower(), found[2], found[3]
    return "-".join(filter(None, (language, script and script.title(), region and region.upper())))


def text_language(text: str, declared: list[tuple[str, str]]) -> tuple[str, str] | None:
    """(tag, source) of the text. `declared` are (source, raw tag), the most trusted first.

    A declaration that agrees with the text wins, for it may carry a region; else what the text itself shows,
    when that is sure; else the first declaration.
    """
    tags = [(source, tag) for source, raw in declared if (tag := language_tag(raw))]
    if len(text) < MIN_CHARS:
        return _answer(tags)
    if tags:
        found, probability = _identifier().classify(text[:SHORT_CHARS])
        if probability >= SURE and (declared_so := _agreeing(tags, found)):
            return declared_so
    found, probability = _identifier().classify(text[:SAMPLE_CHARS])
    if declared_so := _agreeing(tags, found):
        return declared_so
    if probability >= SURE or not tags:
        return found, "text"
    return _answer(tags)


def _agreeing(tags: list[tuple[str, str]], found: str) -> tuple[str, str] | None:
    return next(((tag, source) for source, tag in tags if _base(tag) == _base(found)), None)


def _answer(tags: list[tuple[str, str]]) -> tuple[str, str] | None:
    return (tags[0][1], tags[0][0]) if tags else None


def _base(tag: str) -> str:
    language = tag.partition("-")[0]
    return _SAME.get(language, language)


@cache
def _identifier() -> LanguageIdentifier:
    return load_identifier()
