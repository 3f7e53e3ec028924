"""What a page says of itself in its head and its headings: meta and link elements, title, h1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml.html import HtmlElement

from pipelines.jsonld import plain
from pipelines.wording import text_of

MAX_VALUE_CHARS = 20_000
"""Longer meta values are mistakes or attacks; none of a news page's fields needs more."""

TITLES = ("og:title", "twitter:title", "dc.title", "sailthru.title", "parsely-title")
DESCRIPTIONS = ("og:description", "description", "twitter:description", "dc.description")
PUBLISHED = (
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.date",
    "dcterms.created",
    "dcterms.issued",
    "article.published",
    "parsely-pub-date",
    "sailthru.date",
    "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime",
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_date",
    "article_date_original",
    "published_at",
    "og:pubdate",
    "bt:pubdate",
    "ptime",
    "rnews:datepublished",
)
MODIFIED = (
    "article:modified_time",
    "og:article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "dc.date.modified",
    "article.updated",
    "last-modified",
    "lastmod",
    "rnews:datemodified",
)
AUTHORS = ("author", "article:author", "og:article:author", "dc.creator", "dcterms.creator", "parsely-author")
MORE_AUTHORS = ("sailthru.author", "cxenseparse:author", "byl", "rbauthors", "article.author", "vr:author")
SECTIONS = ("article:section", "og:article:section", "parsely-section", "article.section", "section")
KEYWORDS = ("article:tag", "og:article:tag", "news_keywords", "keywords", "parsely-tags", "sailthru.tags")
SITES = ("og:site_name", "application-name", "dc.publisher", "publisher")
IMAGES = (
    "og:image",
    "og:image:url",
    "og:image:secure_url",
    "twitter:image",
    "twitter:image:src",
    "thumbnail",
)
FEED_TYPES = {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/json+feed"}

MAX_HEADING_CHARS = 2000
MAX_TITLE_CHARS = 500
"""A longer title is no headline with a name behind it."""

_SEPARATOR = re.compile(r"\s+[|–—»·•:-]\s+|\s*\|\s*")


@dataclass(frozen=True, slots=True)
class Meta:
    """A page's own words about itself. `names` maps the lower-case name of a meta element to its values."""

    names: Mapping[str, tuple[str, ...]]
    title: str | None
    headings: tuple[str, ...]
    language: str | None
    canonical: str | None
    licence: str | None
    feeds: tuple[tuple[str, str], ...]

    @property
    def site(self) -> str | None:
        """The newsroom's name."""
        return self.first(*SITES)

    def first(self, *names: str) -> str | None:
        """The first value found under these names, in their order, as plain text."""
        return next((value for _, value in self.all(*names)), None)

    def all(self, *names: str) -> Iterator[tuple[str, str]]:
        """(name, plain value) of every element with one of these names, in the order of the names."""
        for name in names:
            for raw in self.names.get(name, ()):
                value = plain(raw)
                if value:
                    yield name, value


def page_meta(tree: HtmlElement) -> Meta:
    """The page's meta elements, title, first headings, language and links to its canonical form and feeds."""
    names: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        content = element.get("content") or element.get("value")
        if content:
            for attribute in ("property", "name", "itemprop", "http-equiv"):
                name = element.get(attribute)
                if name and not (attribute == "itemprop" and _speaks_of_another(element)):
                    names.setdefault(name.strip().lower(), []).append(content[:MAX_VALUE_CHARS])
    title = tree.find(".//title")
    return Meta(
        names={name: tuple(values) for name, values in names.items()},
        title=plain(text_of(title)[:MAX_HEADING_CHARS]) if title is not None else None,
        headings=tuple(_headings(tree)),
        language=_language(tree, names),
        canonical=_first_href(tree, "canonical"),
        licence=_first_href(tree, "license"),
        feeds=tuple(_feeds(tree)),
    )


def _speaks_of_another(element: HtmlElement) -> bool:
    """Whether a microdata property belongs to an item within the page's own, such as its publisher."""
    holder = next((one for one in element.iterancestors() if one.get("itemscope") is not None), None)
    return holder is not None and holder.get("itemprop") is not None


def _headings(tree: HtmlElement) -> Iterator[str]:
    """The texts of h1 elements, those marked as the headline first; of h2 on a page that has no h1."""
    elements = list(tree.iter("h1"))[:20] or list(tree.iter("h2"))[:20]
    elements.sort(key=lambda element: "headline" not in (element.get("itemprop") or "").lower())
    for element in elements:
        text = plain(" ".join(str(part) for part in element.itertext())[:MAX_HEADING_CHARS])
        if text:
            yield text


def _language(tree: HtmlElement, names: Mapping[str, list[str]]) -> str | None:
    root = tree.get("lang") or tree.get("xml:lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    found = [
        root,
        *(value for name in ("content-language", "og:locale", "dc.language") for value in names.get(name, ())),
    ]
    return next((value.strip() for value in found if value and value.strip()), None)


def _first_href(tree: HtmlElement, relation: str) -> str | None:
    for element in tree.iter("link"):
        href = (element.get("href") or "").strip()
        if href and relation in (element.get("rel") or "").lower().split():
            return href
    return None


def _feeds(tree: HtmlElement) -> Iterator[tuple[str, str]]:
    for element in tree.iter("link"):
        href, kind = (element.get("href") or "").strip(), (element.get("type") or "").strip().lower()
        if href and kind in FEED_TYPES and "alternate" in (element.get("rel") or "").lower().split():
            yield href, element.get("title") or ""


def without_site(title: str, site: str | None, headings: tuple[str, ...]) -> str:
    """The title without the newsroom's name beside it: `Rain again | The Paper` gives `Rain again`.

    A part is cut only when it is the site's name, or when what stays is a heading of the page.
    """
    if len(title) > MAX_TITLE_CHARS:
        return title
    name = (site or "").casefold()
    for separator in reversed(list(_SEPARATOR.finditer(title))):
        head, tail = title[: separator.start()].rstrip(), title[separator.end() :].strip()
        if head in headings or (name and tail and name in tail.casefold()):
            return head
        if tail in headings:
            return tail
    return title
