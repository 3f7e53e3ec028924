"""robots.txt and the maps it names: an index with two maps, one of them compressed, and a Google News map."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from tests.newsroom.edition import Edition
from tests.newsroom.story import Story

INDEX = "/sitemap.xml"
CURRENT = "/sitemap-current.xml"
ARCHIVE = "/sitemap-archive.xml.gz"
NEWS = "/sitemap-news.xml"

ARCHIVE_BEFORE = datetime(2026, 3, 1, tzinfo=UTC)
"""Stories published earlier are in the compressed map."""

NEWS_AGE = timedelta(days=2)
"""How old a story in a Google News map may be, by Google's rules."""

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_IMAGE = "http://www.google.com/schemas/sitemap-image/1.1"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


def robots_txt(base_url: str, extra: str) -> bytes:
    """Two forbidden paths, then `extra` (lines of the same group), then the maps."""
    group = f"User-agent: *\nDisallow: /private/\nDisallow: /search\n{extra.strip()}".rstrip()
    return f"{group}\n\nSitemap: {base_url}{INDEX}\nSitemap: {base_url}{NEWS}\n".encode()


def sitemap_index(base_url: str, changed: datetime) -> bytes:
    """The index of the two maps."""
    entries = "".join(
        f"<sitemap><loc>{base_url}{path}</loc><lastmod>{changed.isoformat()}</lastmod></sitemap>\n"
        for path in (CURRENT, ARCHIVE)
    )
    return f'{_DECLARATION}<sitemapindex xmlns="{_SITEMAP}">\n{entries}</sitemapindex>\n'.encode()


def sitemap(stories: Sequence[Story], base_url: str) -> bytes:
    """A map of stories with their pictures, before any compression."""
    entries = "".join(_entry(story, base_url) for story in stories)
    head = f'<urlset xmlns="{_SITEMAP}" xmlns:image="{_IMAGE}">'
    return f"{_DECLARATION}{head}\n{entries}</urlset>\n".encode()


def news_sitemap(editions: Sequence[Edition], stories: Sequence[Story], base_url: str, now: datetime) -> bytes:
    """A map of the stories of the last two days with their titles."""
    names = {edition.language: edition.name for edition in editions}
    fresh = [story for story in stories if now - NEWS_AGE <= story.published]
    entries = "".join(_news_entry(story, names[story.language], base_url) for story in fresh)
    head = f'<urlset xmlns="{_SITEMAP}" xmlns:news="{_NEWS}">'
    return f"{_DECLARATION}{head}\n{entries}</urlset>\n".encode()


def _entry(story: Story, base_url: str) -> str:
    changed = (story.modified or story.published).isoformat()
    picture = ""
    if story.image_path:
        picture = f"<image:image><image:loc>{base_url}{story.image_path}</image:loc></image:image>"
    return f"<url><loc>{base_url}{escape(story.path)}</loc><lastmod>{changed}</lastmod>{picture}</url>\n"


def _news_entry(story: Story, paper: str, base_url: str) -> str:
    return f"""<url><loc>{base_url}{escape(story.path)}</loc>
<news:news><news:publication><news:name>{escape(paper)}</news:name>\
<news:language>{story.language}</news:language></news:publication>
<news:publication_date>{story.published.isoformat()}</news:publication_date>
<news:title>{escape(story.headline)}</news:title></news:news></url>
"""
