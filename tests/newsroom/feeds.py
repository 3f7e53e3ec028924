"""The newest stories as RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from tests.newsroom.edition import Edition
from tests.newsroom.markup import blocks, joined
from tests.newsroom.story import Story

FEED_STORIES = 8
"""How many stories a feed holds; older ones are found in sitemaps and sections only."""

FULL_TEXT_LANGUAGES = frozenset({"de"})
"""Editions whose RSS feed carries the whole story in content:encoded."""

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def rss_feed(edition: Edition, stories: Sequence[Story], base_url: str) -> bytes:
    """RSS 2.0 with authors in dc:creator; `stories` are newest first."""
    items = "\n".join(_rss_item(story, edition, base_url) for story in stories[:FEED_STORIES])
    return f"""{_DECLARATION}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>{escape(edition.name)}</title>
<link>{base_url}{edition.home}</link>
<description>{escape(edition.motto)}</description>
<language>{edition.language}</language>
<atom:link href="{base_url}{edition.feed}" rel="self" type="application/rss+xml"/>
<ttl>30</ttl>
{items}
</channel>
</rss>
""".encode()


def atom_feed(edition: Edition, stories: Sequence[Story], base_url: str, updated: datetime) -> bytes:
    """Atom with both dates of every story."""
    entries = "\n".join(_atom_entry(story, base_url) for story in stories[:FEED_STORIES])
    return f"""{_DECLARATION}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{edition.language}">
<id>{base_url}{edition.home}</id>
<title>{escape(edition.name)}</title>
<updated>{updated.isoformat()}</updated>
<link rel="self" href="{base_url}/atom.xml"/>
<link rel="alternate" href="{base_url}{edition.home}"/>
{entries}
</feed>
""".encode()


def json_feed(name: str, stories: Sequence[Story], base_url: str) -> bytes:
    """JSON Feed 1.1 of stories in every language."""
    items = [
        {
            "id": f"{story.language}/{story.slug}",
            "url": base_url + story.path,
            "title": story.headline,
            "summary": story.summary,
            "language": story.language,
            "date_published": story.published.isoformat(),
            "date_modified": (story.modified or story.published).isoformat(),
            "authors": [{"name": byline} for byline in story.bylines],
            "tags": list(story.tags),
        }
        for story in stories[:FEED_STORIES]
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": name,
        "home_page_url": f"{base_url}/",
        "feed_url": f"{base_url}/feed.json",
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _rss_item(story: Story, edition: Edition, base_url: str) -> str:
    creators = "".join(f"<dc:creator>{escape(name)}</dc:creator>\n" for name in story.bylines)
    categories = "".join(f"<category>{escape(tag)}</category>\n" for tag in story.tags)
    content = ""
    if story.language in FULL_TEXT_LANGUAGES:
        content = f"<content:encoded><![CDATA[{joined(blocks(story.body))}]]></content:encoded>\n"
    return f"""<item>
<title>{escape(story.headline)}</title>
<link>{base_url}{escape(story.path)}</link>
<guid isPermaLink="false">lantern-{story.language}-{escape(story.path)}</guid>
<pubDate>{format_datetime(story.published)}</pubDate>
{creators}{categories}<description>{escape(story.summary)}</description>
{content}</item>"""


def _atom_entry(story: Story, base_url: str) -> str:
    authors = "".join(f"<author><name>{escape(name)}</name></author>\n" for name in story.bylines)
    categories = "".join(f"<category term={quoteattr(tag)}/>\n" for tag in story.tags)
    return f"""<entry>
<id>{base_url}{escape(story.path)}</id>
<title>{escape(story.headline)}</title>
<link rel="alternate" type="text/html" href={quoteattr(base_url + story.path)}/>
<published>{story.published.isoformat()}</published>
<updated>{(story.modified or story.published).isoformat()}</updated>
{authors}{categories}<summary>{escape(story.summary)}</summary>
</entry>"""
