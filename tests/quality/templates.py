"""Newsrooms' templates as they are found in the wild, each filled with a story and its furniture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from tests.quality.stories import STORIES, Story

PUBLISHED = "2026-03-14T06:45:00+01:00"
TEMPLATES_PER_STORY = 4


@dataclass(frozen=True, slots=True)
class QualityPage:
    """A page with its story: what must be read of it, and what must not."""

    name: str
    url: str
    html: bytes
    story: Story
    has_date: bool = True
    has_author: bool = True
    has_keywords: bool = True
    has_section: bool = True


def pages() -> list[QualityPage]:
    """Every story in several templates, so that each template meets several languages."""
    made: list[QualityPage] = []
    for number, story in enumerate(STORIES):
        for step in range(TEMPLATES_PER_STORY):
            template = TEMPLATES[(number + 2 * step) % len(TEMPLATES)]
            made.append(template(story, f"https://{template.__name__}.example/2026/03/{number}-{story.language}"))
    return made


def truth(page: QualityPage) -> dict[str, Any]:
    """What must be read of a page, as the benchmark asks for it; `furniture` is what must not."""
    story = page.story
    return {
        "id": page.name,
        "set": page.name.partition("-")[0],
        "url": page.url,
        "text": "\n".join(story.paragraphs),
        "title": story.headline,
        "authors": [story.author] if page.has_author else [],
        "published": PUBLISHED if page.has_date else "",
        "topics": list(story.keywords) if page.has_keywords else [],
        "furniture": list(story.furniture),
    }


def _paragraphs(story: Story, *, link: bool = True, form: bool = False) -> list[str]:
    newsletter, _, more, *_ = (escape(one) for one in story.furniture)
    lines = [f"<p>{escape(one)}</p>" for one in story.paragraphs]
    if link:
        lines.insert(3, f'<p><strong><a href="/other-story">{more}</a></strong></p>')
    if form:
        field = '<form action="/nl"><input type="email" name="mail"><button>OK</button></form>'
        lines.insert(2, f'<div class="newsletter-box"><p>{newsletter}</p>{field}</div>')
    return lines


def _foot(story: Story) -> str:
    _, appeal, _, share, related, rights = (escape(one) for one in story.furniture)
    return (
        f'<div class="share-bar"><span>{share}</span><a href="#f">f</a><a href="#x">x</a></div>'
        f'<section class="related"><h3>+</h3><ul><li><a href="/r1"><h4>{related}</h4></a></li></ul></section>'
        f'<footer><div class="donate-banner"><p>{appeal}</p><a href="/give">€</a></div><p>{rights}</p></footer>'
    )


def _page(story: Story, head: str, body: str) -> bytes:
    direction = ' dir="rtl"' if story.language == "ar" else ""
    menu = "".join(f'<li><a href="/s{number}">{escape(one)}</a></li>' for number, one in enumerate(story.keywords * 3))
    return (
        f'<!doctype html><html lang="{story.language}"{direction}><head><meta charset="utf-8">{head}</head>'
        f"<body><header><nav><ul>{menu}</ul></nav></header>{body}</body></html>"
    ).encode()


def blocks(story: Story, url: str) -> QualityPage:
    """A block editor's page: meta elements, and one div for each kind of block."""
    head = (
        f"<title>{escape(story.headline)} | Courier</title><meta property='og:type' content='article'>"
        f"<meta property='og:title' content='{escape(story.headline)}'><meta name='author' content='{story.author}'>"
        f"<meta property='article:published_time' content='{PUBLISHED}'>"
        f"<meta property='article:section' content='{story.section}'>"
        + "".join(f"<meta property='article:tag' content='{one}'>" for one in story.keywords)
    )
    body = (
        f'<main class="wp-block-group"><h1 class="wp-block-post-title">{escape(story.headline)}</h1>'
        f'<div class="entry-content">{"".join(_paragraphs(story, form=True))}</div>{_foot(story)}</main>'
    )
    return QualityPage(f"blocks-{story.language}", url, _page(story, head, body), story)


def graph(story: Story, url: str) -> QualityPage:
    """JSON-LD as a graph with references, an article element, an author's box below."""
    data = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite", "@id": "#site", "name": "Gazette"},
            {"@type": "Person", "@id": "#author", "name": story.author},
            {
                "@type": "NewsArticle",
                "headline": story.headline,
                "author": {"@id": "#author"},
                "datePublished": PUBLISHED,
                "articleSection": story.section,
                "keywords": list(story.keywords),
                "mainEntityOfPage": url,
                "isPartOf": {"@id": "#site"},
            },
        ],
    }
    head = f"<title>{escape(story.headline)} - Gazette</title>"
    head += f'<script type="application/ld+json">{json.dumps(data)}</script>'
    body = (
        f'<article class="post"><header><h1>{escape(story.headline)}</h1><p class="meta">{story.author}</p></header>'
        f'<div class="post__body">{"".join(_paragraphs(story))}</div>'
        f'<div class="author-bio"><img src="/a.jpg" alt=""><p>{story.author}</p></div></article>{_foot(story)}'
    )
    return QualityPage(f"graph-{story.language}", url, _page(story, head, body), story)


def microdata(story: Story, url: str) -> QualityPage:
    """No JSON-LD: itemprop in the markup."""
    head = f"<title>{escape(story.headline)}</title>"
    body = (
        '<div itemscope itemtype="https://schema.org/NewsArticle" class="wrap">'
        f'<h1 itemprop="headline">{escape(story.headline)}</h1>'
        f'<span itemprop="author" class="byline">{story.author}</span>'
        f'<time itemprop="datePublished" datetime="{PUBLISHED}">14.3.</time>'
        f'<div itemprop="articleBody">{"".join(_paragraphs(story, form=True))}</div></div>{_foot(story)}'
    )
    return QualityPage(
        f"microdata-{story.language}", url, _page(story, head, body), story, has_keywords=False, has_section=False
    )


def soup(story: Story, url: str) -> QualityPage:
    """Generated class names and divs for paragraphs; the metadata is in meta elements."""
    head = (
        f"<title>{escape(story.headline)}</title><meta property='og:title' content='{escape(story.headline)}'>"
        f"<meta property='og:type' content='article'><meta name='date' content='{PUBLISHED}'>"
        f"<meta name='author' content='{story.author}'>"
    )
    divs = "".join(f'<div class="css-1x{number}z">{escape(one)}</div>' for number, one in enumerate(story.paragraphs))
    body = (
        f'<div id="root"><div class="css-0a"><h1 class="css-9k">{escape(story.headline)}</h1></div>'
        f'<div class="css-7q">{divs}</div>{_foot(story)}</div>'
    )
    return QualityPage(
        f"soup-{story.language}", url, _page(story, head, body), story, has_keywords=False, has_section=False
    )


def hydrated(story: Story, url: str) -> QualityPage:
    """A page that a framework rendered on its server: scripts with the same text again, and sections for blocks."""
    data = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": story.headline,
        "datePublished": PUBLISHED,
    }
    data["author"] = [{"@type": "Person", "name": story.author}]
    props = json.dumps({"props": {"article": list(story.paragraphs)}}, ensure_ascii=False)
    head = f'<title>{escape(story.headline)}</title><script type="application/ld+json">{json.dumps(data)}</script>'
    body = (
        f'<div id="__next"><main><h1>{escape(story.headline)}</h1><section>'
        f"{'</section><section>'.join(_paragraphs(story, form=True))}</section>{_foot(story)}</main></div>"
        f'<script id="__NEXT_DATA__" type="application/json">{props}</script>'
    )
    return QualityPage(
        f"hydrated-{story.language}", url, _page(story, head, body), story, has_keywords=False, has_section=False
    )


def tables(story: Story, url: str) -> QualityPage:
    """A layout of tables, as twenty years ago: hardly any metadata, line breaks for paragraphs."""
    text = "<br><br>".join(escape(one) for one in story.paragraphs)
    head = f"<title>{escape(story.headline)}</title>"
    related, rights = escape(story.furniture[4]), escape(story.furniture[5])
    body = (
        f'<table width="100%"><tr><td width="20%"><a href="/a">{related}</a></td><td><h1>{escape(story.headline)}</h1>'
        f"<font size=2>{text}</font></td></tr><tr><td colspan=2><small>{rights}</small></td></tr></table>"
    )
    return QualityPage(
        f"tables-{story.language}",
        url,
        _page(story, head, body),
        story,
        has_date=False,
        has_author=False,
        has_keywords=False,
        has_section=False,
    )


def appeals(story: Story, url: str) -> QualityPage:
    """An appeal, payment buttons and a newsletter's form between the paragraphs, under telling class names."""
    newsletter, appeal = escape(story.furniture[0]), escape(story.furniture[1])
    lines = _paragraphs(story)
    buttons = "".join(f"<button>{amount} €</button>" for amount in (5, 10, 50))
    lines.insert(
        2, f'<div class="contribute-banner"><h3>♥</h3><p>{appeal}</p><div class="pay-buttons">{buttons}</div></div>'
    )
    lines.insert(5, f'<div class="newsletter-signup"><p>{newsletter}</p><input type="email"></div>')
    data = {"@type": "NewsArticle", "headline": story.headline, "author": story.author, "datePublished": PUBLISHED}
    data["keywords"] = ", ".join(story.keywords)
    head = f'<title>{escape(story.headline)}</title><script type="application/ld+json">{json.dumps(data)}</script>'
    body = (
        f'<div class="article"><h1>{escape(story.headline)}</h1>'
        f'<div class="article__content">{"".join(lines)}</div></div>{_foot(story)}'
    )
    return QualityPage(f"appeals-{story.language}", url, _page(story, head, body), story, has_section=False)


TEMPLATES: tuple[Callable[[Story, str], QualityPage], ...] = (
    blocks,
    graph,
    microdata,
    soup,
    hydrated,
    tables,
    appeals,
)
