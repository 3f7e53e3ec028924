"""The record of an article: the one definition that JSON lines, JSON Schema and the data dictionary follow.

Terms are schema.org's NewsArticle where it has one, then those of Zyte's article schema, of WARC and CDXJ
for where the bytes are, and of Memento for time. Dates are ISO 8601 with the offset the newsroom gave; what
stood there is kept beside them as `…Raw`. Nothing is guessed: what a page does not say is null or empty.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

SCHEMA_VERSION = "1"


class Part(BaseModel):
    """What all parts of a record share: camelCase names, no unknown fields, no changes."""

    # readers load the models and make none; whoever makes one builds it then
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True, defer_build=True
    )


class Author(Part):
    """A person or an organisation that wrote the article."""

    name: str = Field(description="The name as it is read, without `By`, addresses and handles.")
    url: str | None = Field(None, description="The author's page, as the article links it.")
    name_raw: str | None = Field(None, description="What stood there.")
    type: str | None = Field(None, description="`Person` or `Organization`, when the page says which.")


class Publisher(Part):
    """The newsroom, as its page names it."""

    name: str | None = Field(None, description="The name.")
    url: str | None = Field(None, description="The newsroom's address, when the page gives it.")
    domain: str | None = Field(None, description="The host that answered, without `www.`.")


class Section(Part):
    """A part of the text under one subheading."""

    headline: str | None = Field(None, description="The subheading; null before the first one.")
    paragraphs: list[str] = Field(description="The paragraphs in order.")


class Removed(Part):
    """A paragraph that stands on the page and was left out of the text."""

    text: str = Field(description="The paragraph.")
    reason: str = Field(
        description="Why: `furniture` (it stands on other articles of the source too), `cue` (it sells, points "
        "elsewhere, states rights or presents the author), `selector` (the source file says so)."
    )


class Duplicate(Part):
    """A record of another source with the same text, as agencies' stories have."""

    id: str = Field(description="The record's `id`.")
    url: str = Field(description="Its address.")
    similarity: float = Field(description="The share of word sequences in common, from 0 to 1, give or take 0.06.")


class Breadcrumb(Part):
    """One step of the way from the front page to the article."""

    name: str = Field(description="Its label.")
    url: str | None = Field(None, description="Its address.")


class Media(Part):
    """An image, a video or a sound that belongs to the article."""

    url: str = Field(description="Its address.")
    caption: str | None = Field(None, description="The caption as shown.")
    credit_text: str | None = Field(None, description="Who made it or owns it.")
    width: int | None = Field(None, description="Width in pixels, when stated.")
    height: int | None = Field(None, description="Height in pixels, when stated.")
    representative_of_page: bool | None = Field(None, description="True for the image the page names as its own.")


class Discovery(Part):
    """How the address became known."""

    method: str | None = Field(None, description="`feed`, `sitemap`, `section`, `seed` and their like.")
    via: str | None = Field(None, description="The feed, sitemap or page that named it.")
    title: str | None = Field(None, description="The title given there.")
    published: str | None = Field(None, description="The date given there, as it stood.")
    author: str | None = Field(None, description="The author given there, as it stood.")
    description: str | None = Field(None, description="The beginning of the summary given there.")
    first_seen: str | None = Field(None, description="When it was first named there, in UTC.")
    last_seen: str | None = Field(None, description="When it was last named there, in UTC.")


class Archive(Part):
    """Where the bytes are that the record was read from; names as in CDXJ and WARC."""

    filename: str = Field(description="The WARC file, as its key in the store.")
    offset: int = Field(description="Where the response record begins, in bytes.")
    length: int = Field(description="How long the record is, compressed, in bytes.")
    record_id: str = Field(
        description="WARC-Record-ID of the response or revisit record; of the conversion record when a browser made "
        "the document that was read."
    )
    payload_digest: str | None = Field(None, description="WARC-Payload-Digest.")
    status: int | None = Field(None, description="The HTTP status.")
    mime: str | None = Field(None, description="The media type that the server named.")
    date: str = Field(description="When the exchange began, in UTC (WARC-Date).")
    ip_address: str | None = Field(None, description="The address that answered (WARC-IP-Address).")
    protocol: str | None = Field(None, description="The protocols spoken (WARC-Protocol).")
    refers_to: str | None = Field(
        None,
        description="On a revisit record, the record that holds the same payload; on a conversion record, that of the "
        "page's own exchange.",
    )
    truncated: str | None = Field(None, description="Why the payload is not whole (WARC-Truncated).")
    tls_verified: bool | None = Field(None, description="Whether the server's certificate was verified.")
    browser: str | None = Field(
        None, description="The browser that made the document which was read, when one did; its requests are kept too."
    )


class Metadata(Part):
    """How the record came about."""

    extractor: str = Field(description="The program that read the page.")
    extractor_version: str = Field(description="Its version, and that of the library that reads text.")
    schema_version: str = Field(description="The version of this record's definition.")
    date_downloaded: str | None = Field(None, description="When the page was fetched, in UTC.")
    field_sources: dict[str, str] = Field(
        default_factory=dict,
        description="For each field where it was read: `json-ld`, `meta`, `microdata`, `h1`, `title`, `byline`, "
        "`time`, `html`, `link`, `header`, `url`, `feed`, `htmldate`; for the text the way it was found: `region`, "
        "`captions`, `page`, `cascade`, `json-ld`; and `selector` where the source's file decided it.",
    )
    alternatives: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="For each field the differing values of the sources that lost, by source.",
    )
    judgement: str = Field(
        description="What the page was found to be: `article`, `liveblog`, `paywalled` (part of the text is there), "
        "`truncated`, `section`, `challenge` (a check for robots), `consent`, `login`, `soft404`, `removed-notice`, "
        "`empty` (it may need a browser), `error`, `other` or `unreadable`."
    )
    reason: str | None = Field(None, description="Why there is no whole article text.")
    confidence: float | None = Field(
        None, description="How far the readings and witnesses of the text agree, from 0 to 1; null without a text."
    )
    doubts: list[str] = Field(
        default_factory=list, description="What made the text doubtful, in words; empty when nothing did."
    )
    evidence: list[str] = Field(default_factory=list, description="What the judgement rests on, in words.")
    encoding: str | None = Field(None, description="The character encoding the page was read in.")


class ArticleRecord(Part):
    """One version of one article, or what is known of a page that holds none."""

    id: str = Field(
        description="Names this record: the same page read the same way from the same capture has it again."
    )
    type: str = Field(
        description="schema.org type: `NewsArticle` and its kin, or `WebPage` for a page that is no article."
    )
    url: str = Field(description="The address that answered.")
    requested_url: str | None = Field(None, description="The address that was asked for, when another one answered.")
    canonical_url: str | None = Field(None, description="The address the page calls its own.")
    urlkey: str = Field(description="SURT key of the canonical address, or of `url`: equal keys are one article.")
    headline: str | None = Field(None, description="The headline as shown.")
    alternative_headline: str | None = Field(None, description="Another headline the page gives itself.")
    description: str | None = Field(None, description="The page's summary of the article.")
    article_body: str | None = Field(None, description="The text, a paragraph per line; null when the page has none.")
    sections: list[Section] = Field(default_factory=list, description="The same text under its subheadings.")
    article_body_html: str | None = Field(
        None, description="The text with its headings, lists, quotations, tables and links as plain, safe HTML."
    )
    removed: list[Removed] = Field(
        default_factory=list, description="Paragraphs that were taken out of the text, with the reason."
    )
    word_count: int | None = Field(
        None, description="Words in `articleBody`; a Han, Kana or Hangul sign counts as one."
    )
    in_language: str | None = Field(None, description="Language of the text, BCP 47.")
    date_published: str | None = Field(None, description="When it was published, ISO 8601, as precise as given.")
    date_published_raw: str | None = Field(None, description="The publication date as it stood there.")
    date_modified: str | None = Field(None, description="When it was last changed, as the page says.")
    date_modified_raw: str | None = Field(None, description="The modification date as it stood there.")
    author: list[Author] = Field(default_factory=list, description="Who wrote it, in the page's order.")
    publisher: Publisher | None = Field(None, description="The newsroom.")
    article_section: list[str] = Field(default_factory=list, description="The newsroom's sections the article is in.")
    keywords: list[str] = Field(default_factory=list, description="The newsroom's keywords, one per entry.")
    breadcrumbs: list[Breadcrumb] = Field(default_factory=list, description="The way from the front page.")
    image: list[Media] = Field(default_factory=list, description="Images of the article, the page's own first.")
    video: list[Media] = Field(default_factory=list, description="Videos of the article.")
    audio: list[Media] = Field(default_factory=list, description="Sounds of the article.")
    is_accessible_for_free: bool | None = Field(None, description="Whether the page says that it can be read for free.")
    license: str | None = Field(None, description="The licence the page names.")
    correction: str | None = Field(None, description="The correction the page states.")
    dateline: str | None = Field(None, description="The place and date line, when the page marks it.")
    discovery: Discovery | None = Field(None, description="How the address became known; null outside a crawl.")
    archive: Archive | None = Field(None, description="Where the bytes are; null when nothing was kept.")
    metadata: Metadata = Field(description="How the record came about: by what, from what, with what judgement.")
    version: int | None = Field(None, description="1 for the first version that was captured, then 2, 3 …")
    previous_version: str | None = Field(None, description="`id` of the version before.")
    content_digest: str | None = Field(None, description="Digest of headline, text and authors; equal means unchanged.")
    fingerprint: str | None = Field(
        None, description="The smallest hashes of the text's word sequences: like texts have many in common."
    )
    duplicate_of: Duplicate | None = Field(
        None, description="The oldest record of another source here with nearly the same text."
    )
    supersedes: str | None = Field(
        None, description="`id` of the record of the same version by an earlier reading, when it was read again."
    )

    def line(self) -> bytes:
        """The record as one line of JSON with its line feed, keys in the order of this definition."""
        return orjson.dumps(self.as_json(), option=orjson.OPT_APPEND_NEWLINE)

    def as_json(self) -> dict[str, Any]:
        """The record as JSON-ready values: all top-level keys, and within parts those that have a value."""
        values = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: values.get(name) for name in _NAMES}


Kind = Literal[
    "article",
    "liveblog",
    "paywalled",
    "truncated",
    "section",
    "challenge",
    "consent",
    "login",
    "soft404",
    "removed-notice",
    "empty",
    "error",
    "other",
    "unreadable",
]
"""What a page can be found to be."""

WITH_TEXT: frozenset[Kind] = frozenset({"article", "liveblog", "paywalled", "truncated"})
"""Kinds whose record holds an article's text, or the part of it that is there."""

WHOLE: frozenset[Kind] = frozenset({"article", "liveblog"})
"""Kinds that are what an article's lead is due to bring."""

_NAMES = tuple(field.alias or name for name, field in ArticleRecord.model_fields.items())
