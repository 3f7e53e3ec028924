"""The headline, chosen among what the page says it is in several places."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.jsonld import LinkedData
from pipelines.meta import TITLES, Meta, without_site

WEIGHTS = {"json-ld": 1.2, "h1": 1.01, "meta": 1.0, "title": 0.05}
"""JSON-LD is believed against each other witness, and overruled where h1 and og:title agree: it may hold a
headline for search engines, while these two are what readers see."""

_LETTERS = re.compile(r"[^\W_]+")
_NO_ASCII_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}

MIN_SIMILARITY = 0.3
"""An h1 less like the other witnesses than this is the site's name or another story."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The chosen headline with its source; `others` are the differing readings by source."""

    text: str
    source: str
    others: dict[str, str]


def choose_headline(meta: Meta, data: LinkedData) -> Headline | None:
    """The headline most witnesses agree on, or None when the page names none.

    Two readings agree when their letters and digits do; of these the one from the head is taken, for markup
    within an h1 leaves spaces in it. A kicker before an h1's headline is left out.
    """
    claims = _claims(meta, data)
    groups: dict[str, list[tuple[str, str]]] = {}
    for source, text in claims:
        groups.setdefault(letters(text), []).append((source, text))
    if not groups:
        return None
    best = max(groups, key=lambda key: sum(WEIGHTS[source] for source, _ in groups[key]))
    source = max((source for source, _ in groups[best]), key=lambda source: WEIGHTS[source])
    others = {who: text for key, group in groups.items() if key != best for who, text in group[:1]}
    return Headline(groups[best][0][1], source, others)


def _claims(meta: Meta, data: LinkedData) -> list[tuple[str, str]]:
    site = meta.site
    found = [
        ("json-ld", data.text("headline", "name")),
        ("meta", meta.first(*TITLES)),
        ("title", meta.title),
    ]
    claims = [(source, without_site(text, site, meta.headings)) for source, text in found if text]
    heading = _heading(meta, [text for _, text in claims])
    if heading is not None:
        kickerless = next(
            (text for _, text in claims if len(text) > 20 and letters(heading).endswith(letters(text))), None
        )
        claims.append(("h1", kickerless or heading))
    return [(source, text) for source, text in claims if letters(text)]


def _heading(meta: Meta, others: list[str]) -> str | None:
    """The h1 most like the other witnesses; without any, the first."""
    if not others:
        return next(iter(meta.headings), None)
    likeness = {text: max(similarity(text, other) for other in others) for text in meta.headings}
    best = max(likeness, key=lambda text: likeness[text], default=None)
    return best if best is not None and likeness[best] >= MIN_SIMILARITY else None


def letters(text: str) -> str:
    """The text's letters and digits only: how two writings of one sentence are compared."""
    if text.isascii():
        return text.translate(_NO_ASCII_LETTERS).lower()
    return "".join(_LETTERS.findall(text.casefold()))


def similarity(one: str, other: str) -> float:
    """Shared words over all words, from 0 to 1."""
    first, second = set(one.casefold().split()), set(other.casefold().split())
    return len(first & second) / max(1, len(first | second))
