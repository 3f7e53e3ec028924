"""Steps 5 and 6 of an article's journey: a page is judged and its article read, in one call."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from lxml.html import HtmlElement

from pipelines.article import SCHEMA_VERSION, WITH_TEXT, Kind
from pipelines.blocks import Block
from pipelines.bodyhtml import body_html
from pipelines.byline import headline_element
from pipelines.doubts import Told
from pipelines.headline import Headline, choose_headline
from pipelines.images import article_images, article_media
from pipelines.jsonld import LinkedData, linked_data
from pipelines.judge import Judgement, Seen, judge
from pipelines.language import text_language
from pipelines.linkedtext import with_linked_text
from pipelines.links import Resolver, page_links
from pipelines.merge import Fields, Sources, merge
from pipelines.meta import DESCRIPTIONS, IMAGES, TITLES, Meta, page_meta
from pipelines.overrides import override
from pipelines.page import Page, PageInput, ReadLimits, open_page
from pipelines.reading import EXTRACTOR, Reading, extractor_version, reading_version, unreadable
from pipelines.requisites import Requisite, page_requisites
from pipelines.selectors import Selectors, body_parts, take_out
from pipelines.signs import Signs, signs_of
from pipelines.text import Text, article_text, selected_text
from pipelines.words import count_words
from storage.errors import PageError

__all__ = ["Reading", "extractor_version", "read_page", "unreadable"]


def read_page(page: PageInput, limits: ReadLimits) -> Reading:
    """The page's judgement, its article and its links.

    Never raises for what a page holds: a body that cannot be decoded or is too large, and markup that a library
    gives up on, give the kind `unreadable` and the reason.
    """
    started = time.perf_counter()
    try:
        opened = open_page(page, limits)
        reading = _no_tree(page, opened) if opened.tree is None else _read_tree(page, opened, opened.tree, limits)
    except PageError as error:
        return unreadable(page.url, error)
    except (RecursionError, ValueError, TypeError, AssertionError, LookupError, AttributeError) as error:
        return Reading(page.url, "unreadable", f"the page cannot be read: {type(error).__name__}: {error}"[:500])
    return replace(reading, read_ms=round((time.perf_counter() - started) * 1000, 3))


def _no_tree(page: PageInput, opened: Page) -> Reading:
    """A response without markup: its status, or what it is instead."""
    if page.status is not None and page.status >= 400:
        return Reading(page.url, "error", f"status {page.status}", (opened.problem or "",))
    kind: Kind = "empty" if opened.problem in ("empty body", "no markup") else "other"
    return Reading(page.url, kind, opened.problem)


def _read_tree(page: PageInput, opened: Page, tree: HtmlElement, limits: ReadLimits) -> Reading:
    meta = page_meta(tree)
    resolve = Resolver(opened.base)
    canonical = resolve(meta.canonical)
    data = linked_data(_scripts(tree), [page.url, canonical or ""])
    links = page_links(tree, opened.base, limits.max_links)
    needed = page_requisites(tree, opened.base, page.requisites)
    headline = choose_headline(meta, data)
    fields = Fields()
    merge(fields, Sources(tree, page.url, opened.base, meta, data, headline, page.hints))
    if page.selectors is not None:
        override(fields, tree, data, page.selectors, opened.base)
    _media(fields, tree, meta, data, headline, opened.base, limits)
    told = _told(fields, page, meta, data, headline)
    text = _text(tree, told, page.selectors)
    judgement = judge(
        Seen(page.url, page.status, meta, data, text, links, lambda: _signs(page, limits), opened.complete)
    )
    text, judgement = with_linked_text(text, told, judgement)
    if judgement.kind not in WITH_TEXT:
        fields.forget_guesses()
    _words(fields, page, meta, data, text, judgement)
    if judgement.kind in WITH_TEXT:
        fields.put("articleBodyHtml", body_html(text.blocks, text.within, resolve), text.way)
    if (opened.too_deep or not opened.complete) and judgement.kind != "truncated":
        judgement = replace(judgement, evidence=(*judgement.evidence, "the page is cut short"))
    article = _content(page, opened, canonical, fields, data, text, judgement)
    feeds = dict.fromkeys(url for href, _ in meta.feeds if (url := resolve(href)))
    return Reading(
        page.url,
        judgement.kind,
        judgement.reason,
        judgement.evidence,
        article,
        links if page.wants_links else (),
        _requisites(page, needed, article) if judgement.kind in WITH_TEXT else (),
        tuple(feeds),
        canonical,
    )


def _requisites(page: PageInput, needed: tuple[Requisite, ...], article: dict[str, Any]) -> tuple[Requisite, ...]:
    """What an article's page needs, and the pictures that its record names."""
    if page.requisites == "none":
        return ()
    named = (Requisite(image["url"], "image") for image in article.get("image") or ())
    return tuple({one.url: one for one in (*needed, *named)}.values())


def _text(tree: HtmlElement, told: Told, selectors: Selectors | None) -> Text:
    """The text, as the source's file says or as it is found."""
    if selectors is None:
        return article_text(tree, told)
    removed = take_out(tree, selectors)
    text = selected_text(body_parts(tree, selectors), told) or article_text(tree, told)
    return replace(text, selected=removed)


def _signs(page: PageInput, limits: ReadLimits) -> Signs:
    tree = open_page(page, limits).tree
    assert tree is not None
    return signs_of(tree)


def _scripts(tree: HtmlElement) -> list[str]:
    return [script.text or "" for script in tree.iter("script") if "ld+json" in (script.get("type") or "").lower()]


def _media(
    fields: Fields,
    tree: HtmlElement,
    meta: Meta,
    data: LinkedData,
    headline: Headline | None,
    base: str,
    limits: ReadLimits,
) -> None:
    element = headline_element(tree, headline.text if headline else None)
    images = article_images(tree, element, meta, data, base, limits.max_images)
    fields.put("image", images, "json-ld" if data.values("image") else "meta" if meta.first(*IMAGES) else "html")
    for kind in ("video", "audio"):
        fields.put(kind, article_media(data, kind, base, limits.max_images), "json-ld")


def _told(fields: Fields, page: PageInput, meta: Meta, data: LinkedData, headline: Headline | None) -> Told:
    """What the text must not repeat, where its lead is known from, and what it is checked against."""
    titles = [headline.text, *headline.others.values()] if headline else []
    titles = [title for title in (fields.values.get("headline"), *titles) if title]
    titles += [title for title in (data.text("headline"), meta.first(*TITLES), meta.title) if title]
    descriptions = [data.text("description"), *(value for _, value in meta.all(*DESCRIPTIONS))]
    descriptions.append(page.hints.get("description"))
    body = next((value for value in data.values("articleBody") if isinstance(value, str)), "")
    return Told(
        tuple(dict.fromkeys(titles)),
        tuple(dict.fromkeys(text for text in descriptions if text)),
        tuple(author["name"] for author in fields.values.get("author", ())),
        body,
        _whole_number(data.text("wordCount")),
        data.article_type == "LiveBlogPosting" or bool(data.values("coverageStartTime")),
    )


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else None


def _words(fields: Fields, page: PageInput, meta: Meta, data: LinkedData, text: Text, judgement: Judgement) -> None:
    """The text, its language and its length; the language also where there is no text."""
    body = "\n".join(block.text for block in text.blocks)
    if judgement.kind in WITH_TEXT:
        fields.put("articleBody", body, text.way)
        fields.put("sections", _sections(text.blocks), text.way)
        fields.put("wordCount", count_words(body), "text")
    shown = body or " ".join(filter(None, (fields.values.get("headline"), fields.values.get("description"))))
    declared = [("json-ld", value) for value in data.texts("inLanguage")]
    declared += [
        (source, value)
        for source, value in (("html", meta.language), ("header", page.header("Content-Language")))
        if value
    ]
    found = text_language(shown, declared)
    if found is not None:
        fields.put("inLanguage", *found)


def _sections(blocks: tuple[Block, ...]) -> list[dict[str, Any]]:
    """The blocks under their headings; the part before the first heading has none."""
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if block.kind == "head":
            parts.append({"headline": block.text, "paragraphs": []})
            continue
        if not parts:
            parts.append({"headline": None, "paragraphs": []})
        parts[-1]["paragraphs"].append(block.text)
    return parts


def _content(
    page: PageInput,
    opened: Page,
    canonical: str | None,
    fields: Fields,
    data: LinkedData,
    text: Text,
    judgement: Judgement,
) -> dict[str, Any]:
    is_article = judgement.kind in WITH_TEXT
    removed = [{"text": line, "reason": "selector"} for line in text.selected]
    removed += [{"text": line, "reason": "cue"} for line in text.removed]
    metadata = {
        "extractor": EXTRACTOR,
        "extractorVersion": reading_version(page.selectors),
        "schemaVersion": SCHEMA_VERSION,
        "fieldSources": fields.sources,
        "alternatives": fields.alternatives,
        "judgement": judgement.kind,
        "reason": judgement.reason,
        "confidence": text.trust.confidence if is_article else None,
        "doubts": list(text.trust.doubts) if is_article else [],
        "evidence": list(judgement.evidence),
        "encoding": opened.encoding,
    }
    return {
        "type": (data.article_type or "NewsArticle") if is_article else "WebPage",
        "url": page.url,
        "canonicalUrl": canonical,
        **fields.values,
        "removed": removed if is_article else [],
        "metadata": metadata,
    }
