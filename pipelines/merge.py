"""One value per field out of what JSON-LD, meta elements, markup and text say, with the source of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from pipelines.byline import bylines, times
from pipelines.dates import When, date_in_markup, date_in_url, first_date
from pipelines.headline import Headline, letters
from pipelines.jsonld import LinkedData, Node, name_of, plain
from pipelines.links import Resolver
from pipelines.meta import AUTHORS, DESCRIPTIONS, KEYWORDS, MODIFIED, MORE_AUTHORS, PUBLISHED, SECTIONS, Meta
from pipelines.microdata import microdata_article
from pipelines.people import Person, people_in, people_of

MAX_ALTERNATIVE_CHARS = 1000
MAX_KEYWORDS = 100
_FREE = {"true": True, "false": False, "http://schema.org/true": True, "http://schema.org/false": False}
_TIERS = {"free": True, "metered": False, "locked": False}
_HOME = {
    *("home", "homepage", "home page", "front page", "startseite", "accueil", "inicio", "início", "portada", "hem"),
    *("главная", "головна", "strona główna", "ana sayfa", "الرئيسية", "首页", "首頁", "ホーム", "トップ", "홈"),
}
"""The front page, as breadcrumbs call it: no section."""

_SPLIT_WORDS = re.compile(r"\s*[,;|]\s*")


class Fields:
    """Values by field name with where each came from, and what other sources said instead."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.alternatives: dict[str, dict[str, str]] = {}

    def put(self, name: str, value: Any, source: str) -> None:
        """Set a field that one source decided; nothing is set for None or an empty list."""
        if value is not None and value != []:
            self.values[name] = value
            self.sources[name] = source

    def override(self, name: str, value: Any, source: str) -> None:
        """Set a field whatever it was; what it was becomes an alternative where it can be said in words."""
        before, lost = self.values.get(name), self.sources.get(name)
        self.put(name, value, source)
        if lost is not None and before != value and not name.endswith("Raw"):
            self.add_alternative(name, lost, _said(before))

    def choose(self, name: str, claims: Iterable[tuple[str, Any]]) -> Any:
        """Set the field to the first claim that says something; differing later texts become alternatives."""
        for source, value in claims:
            if value is None or value in ("", []):
                continue
            if name not in self.values:
                self.put(name, value, source)
            elif isinstance(value, str) and letters(value) != letters(str(self.values[name])):
                self.add_alternative(name, source, value)
        return self.values.get(name)

    def forget_guesses(self) -> None:
        """Drop a date that only an article can have: one found in the address or somewhere on the page."""
        if self.sources.get("datePublished") in ("url", "time", "htmldate"):
            for name in ("datePublished", "datePublishedRaw"):
                del self.values[name], self.sources[name]

    def add_alternative(self, name: str, source: str, value: str) -> None:
        """Keep what another source says; of each source the first value only."""
        if source != self.sources.get(name):
            self.alternatives.setdefault(name, {}).setdefault(source, value[:MAX_ALTERNATIVE_CHARS])


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known of a page before its text is read."""

    tree: HtmlElement
    url: str
    base: str
    meta: Meta
    data: LinkedData
    headline: Headline | None
    hints: Mapping[str, str]

    @property
    def title(self) -> str | None:
        """The headline's text."""
        return self.headline.text if self.headline else None


def merge(fields: Fields, known: Sources) -> None:
    """Fill in everything that is not text, language or pictures. Reads the tree and leaves it as it is."""
    meta, data = known.meta, known.data
    marked = microdata_article(known.tree)
    _headlines(fields, known)
    fields.choose(
        "description",
        [
            ("json-ld", data.text("description", "abstract")),
            ("meta", meta.first(*DESCRIPTIONS)),
            ("microdata", next(iter(marked.get("description", ())), None)),
            ("feed", plain(known.hints.get("description"))),
        ],
    )
    _dates(fields, known, marked)
    _publisher(fields, known, marked)
    _authors(fields, known)
    sections = _word_claims("articleSection", SECTIONS, known, marked)
    fields.choose("articleSection", [(source, _without_home(words)) for source, words in sections])
    fields.choose("keywords", _word_claims("keywords", KEYWORDS, known, marked))
    fields.choose("breadcrumbs", [("json-ld", _breadcrumbs(data, known.base))])
    _access(fields, known, marked)
    licence = Resolver(known.base)(meta.licence) if meta.licence else None
    fields.choose("license", [("json-ld", data.text("license")), ("link", licence)])
    fields.choose("correction", [("json-ld", data.text("correction"))])
    fields.choose("dateline", [("json-ld", data.text("dateline"))])


def _headlines(fields: Fields, known: Sources) -> None:
    headline = known.headline
    if headline is None:
        fields.choose("headline", [("feed", plain(known.hints.get("title")))])
        return
    fields.put("headline", headline.text, headline.source)
    if headline.others:
        fields.alternatives["headline"] = dict(headline.others)
    differing = [(source, text) for source, text in headline.others.items() if source != "title"]
    fields.choose("alternativeHeadline", [("json-ld", known.data.text("alternativeHeadline")), *differing[:1]])
    fields.alternatives.pop("alternativeHeadline", None)


def _dates(fields: Fields, known: Sources, marked: Node) -> None:
    meta, data = known.meta, known.data
    published = first_date(
        [("json-ld", value) for value in data.texts("datePublished")]
        + [("meta", value) for _, value in meta.all(*PUBLISHED)]
    )
    if published is None or not published.has_time:
        beside = [("microdata", value) for value in marked.get("datePublished", ())]
        beside += [("time", value) for value in times(known.tree, known.title)]
        before = [(published.source, published.raw)] if published else []
        published = first_date(before + beside) or first_date(
            [("json-ld", value) for value in data.texts("dateCreated")]
        )
    if published is None:
        published = _last_resorts(known)
    _put_date(fields, "datePublished", published)
    modified = [("json-ld", value) for value in data.texts("dateModified")]
    modified += [("meta", value) for _, value in meta.all(*MODIFIED)]
    modified += [("microdata", value) for value in marked.get("dateModified", ())]
    _put_date(fields, "dateModified", first_date(modified))


def _last_resorts(known: Sources) -> When | None:
    hint, url = known.hints.get("published"), known.url
    feed = first_date([("feed", hint)]) if hint else None
    if feed is not None:
        return feed
    day = date_in_url(url)
    if day is not None:
        return When(day, day, "url")
    day = date_in_markup(known.tree, url)
    return When(day, day, "htmldate") if day is not None else None


def _put_date(fields: Fields, name: str, when: When | None) -> None:
    if when is not None:
        fields.put(name, when.iso, when.source)
        fields.put(f"{name}Raw", when.raw[:200], when.source)


def _publisher(fields: Fields, known: Sources, marked: Node) -> None:
    meta, data = known.meta, known.data
    node = next((value for value in data.values("publisher") if isinstance(value, Mapping)), {})
    named = plain(name_of(node)) or next(iter(data.texts("publisher")), None)
    address = node.get("url") if isinstance(node.get("url"), str) else None
    beside = next(iter(marked.get("publisher", ())), None)
    entry = {
        "name": named or meta.site or beside,
        "url": Resolver(known.base)(address) if address else None,
        "domain": (urlsplit(known.url).hostname or "").removeprefix("www.") or None,
    }
    found = {key: value for key, value in entry.items() if value}
    fields.put(
        "publisher", found or None, "json-ld" if named else "meta" if meta.site else "microdata" if beside else "url"
    )


def _authors(fields: Fields, known: Sources) -> None:
    """People named in JSON-LD, in meta elements, or beside the headline; the newsroom itself only at last."""
    meta, data = known.meta, known.data
    house = _house_names(fields)
    claims = [("json-ld", people_of(data.values("author", "creator")))]
    claims += [
        ("meta", people_in(value for _, value in meta.all(*names) if "://" not in value))
        for names in (AUTHORS, MORE_AUTHORS)
    ]
    chosen = next(((source, people) for source, people in claims if _persons(people, house)), None)
    if chosen is None:
        beside = people_in(bylines(known.tree, known.title))
        claims.insert(0, ("byline", _persons(beside, house)))
        claims.insert(1, ("feed", _persons(people_in([known.hints.get("author") or ""]), house)))
        chosen = next(((source, people) for source, people in claims if people), None)
    if chosen is None:
        return
    source, people = chosen
    fields.put("author", authors_of(people, known.base), source)
    chosen_names = _joined(people)
    for other, others in claims:
        if others and letters(_joined(others)) != letters(chosen_names):
            fields.add_alternative("author", other, _joined(others))


def _said(value: Any) -> str:
    """A value in words: names and keywords with commas between."""
    if isinstance(value, list):
        return ", ".join(str(one.get("name", one)) if isinstance(one, Mapping) else str(one) for one in value)
    return str(value)


def _joined(people: list[Person]) -> str:
    return ", ".join(person.name for person in people)


def _house_names(fields: Fields) -> set[str]:
    publisher = fields.values.get("publisher") or {}
    domain = publisher.get("domain") or ""
    names = {letters(publisher.get("name") or ""), letters(domain), letters(domain.rpartition(".")[0])}
    return names - {""}


def _persons(people: list[Person], house: set[str]) -> list[Person]:
    """Those who are not the newsroom under its own name."""
    return [person for person in people if letters(person.name) not in house]


def authors_of(people: Iterable[Person], base: str) -> list[dict[str, str]]:
    """People as a record has them."""
    return [_author(person, base) for person in people]


def _author(person: Person, base: str) -> dict[str, str]:
    address = Resolver(base)(person.url) if person.url else None
    entry = {"name": person.name, "url": address, "nameRaw": person.raw[:200], "type": person.kind}
    return {key: value for key, value in entry.items() if value}


def words_in(texts: Iterable[str]) -> list[str]:
    """Single keywords out of lists and joined strings, each once, in order."""
    parts = (part.strip().lstrip("#") for text in texts for part in _SPLIT_WORDS.split(text))
    return list({part.casefold(): part for part in reversed(list(parts)) if part}.values())[::-1][:MAX_KEYWORDS]


def _word_claims(name: str, metas: tuple[str, ...], known: Sources, marked: Node) -> list[tuple[str, list[str]]]:
    """What each source has as this list of words, the surest first."""
    return [
        ("json-ld", words_in(known.data.texts(name))),
        ("meta", _meta_words(known.meta, metas)),
        ("microdata", words_in(marked.get(name, ()))),
    ]


def _without_home(words: list[str]) -> list[str]:
    return [word for word in words if word.casefold() not in _HOME]


def _meta_words(meta: Meta, names: tuple[str, ...]) -> list[str]:
    """The words under the first of these names that the page has."""
    for name in names:
        words = words_in(value for _, value in meta.all(name))
        if words:
            return words
    return []


def _access(fields: Fields, known: Sources, marked: Node) -> None:
    """Whether the article can be read for free: as JSON-LD says of it, or of a part of it, or as its tier says."""
    data = known.data
    parts = [part for part in data.values("hasPart") if isinstance(part, Mapping)]
    said = [_free(value) for value in data.values("isAccessibleForFree")]
    said += [_free(part.get("isAccessibleForFree")) for part in parts]
    told = [one for one in said if one is not None]
    if told:
        fields.put("isAccessibleForFree", all(told), "json-ld")
        return
    beside = [one for value in marked.get("isAccessibleForFree", ()) if (one := _free(value)) is not None]
    if beside:
        fields.put("isAccessibleForFree", all(beside), "microdata")
        return
    tier = (known.meta.first("article:content_tier") or "").lower()
    fields.put("isAccessibleForFree", _TIERS.get(tier), "meta")


def _free(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _FREE.get(str(value).strip().lower())


def _breadcrumbs(data: LinkedData, base: str) -> list[dict[str, str]]:
    trail: list[dict[str, str]] = []
    resolve = Resolver(base)
    for listing in data.find("BreadcrumbList")[:1]:
        items = listing.get("itemListElement")
        for item in items if isinstance(items, list) else []:
            if not isinstance(item, Mapping):
                continue
            target = item.get("item")
            name = plain(name_of(item) or name_of(target))
            address = target.get("@id") or target.get("url") if isinstance(target, Mapping) else target
            url = resolve(address) if isinstance(address, str) else None
            if name:
                trail.append({"name": name, "url": url} if url else {"name": name})
    return trail[:20]
