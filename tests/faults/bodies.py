"""The bodies behind the faults: good articles, bombs, and a page that an extractor takes minutes for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache
from html import escape

from tests.faults.paths import CP1251_SAYS_UTF8, FAULTS
from tests.newsroom.edition import load_editions
from tests.newsroom.story import Story

BOMB_BLOCK_BYTES = 1 << 24
BOMB_BLOCKS = 192
BOMB_BYTES = BOMB_BLOCK_BYTES * BOMB_BLOCKS
"""What the gzip bomb unpacks to: 3 GiB."""

CYRILLIC_STORY = "ledohod-na-lauge"
"""Told by the page whose bytes are windows-1251: it has to have letters that differ."""

SLOW_ELEMENTS = 120_000
"""Measured on two cores at 2.5 GHz: trafilatura 2.3.1 needs 127 s for the page, whose size is 3.6 MB."""


def story_of(path: str) -> Story:
    """The story that a path tells: always the same one, and no two faults share one."""
    stories = {story.slug: story for edition in load_editions() for story in edition.stories}
    cyrillic = stories.pop(CYRILLIC_STORY)
    if path == CP1251_SAYS_UTF8:
        return cyrillic
    return list(stories.values())[list(FAULTS).index(path) % len(stories)]


def article(path: str, base_url: str) -> bytes:
    """A whole article as HTML, in UTF-8."""
    return article_text(path, base_url).encode()


def article_text(path: str, base_url: str) -> str:
    """A whole article as HTML; it says where it stands."""
    story = story_of(path)
    body = "\n".join(f"<p>{escape(text, quote=False)}</p>" for text in story.paragraphs)
    return f"""<!DOCTYPE html>
<html lang="{story.language}">
<head>
<meta charset="utf-8">
<title>{escape(story.headline)}</title>
<link rel="canonical" href="{base_url}{path}">
<meta property="og:type" content="article">
<meta property="article:published_time" content="{story.published.isoformat()}">
<meta name="author" content="{escape(", ".join(story.bylines))}">
</head>
<body>
<article>
<h1>{escape(story.headline)}</h1>
<p class="byline">{escape(", ".join(story.bylines))}, <time datetime="{story.published.isoformat()}">\
{story.published:%Y-%m-%d}</time></p>
{body}
</article>
</body>
</html>
"""


def index(base_url: str) -> bytes:
    """A page with a link to every fault."""
    rows = "\n".join(f'<li><a href="{base_url}{path}">{escape(what)}</a></li>' for path, what in FAULTS.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Everything that goes wrong</title>
<link rel="alternate" type="application/rss+xml" href="{base_url}/feed.xml"></head>
<body><h1>Everything that goes wrong</h1>
<ul>
{rows}
</ul></body>
</html>
""".encode()


def feed(base_url: str) -> bytes:
    """RSS with an item for every fault."""
    items = "\n".join(
        f"<item><title>{escape(what)}</title><link>{base_url}{path}</link><guid>{base_url}{path}</guid></item>"
        for path, what in FAULTS.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Everything that goes wrong</title><link>{base_url}/</link>
<description>One item for each fault.</description>
{items}
</channel></rss>
""".encode()


def feed_bomb(base_url: str) -> bytes:
    """RSS in which nine entities, each ten times the one before, unfold to a billion words."""
    entities = ['<!ENTITY a0 "gull ">']
    entities += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    declared = "\n".join(entities)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE rss [
{declared}
]>
<rss version="2.0"><channel><title>&a9;</title><link>{base_url}/</link><description>&a9;</description>
<item><title>&a9;</title><link>{base_url}/article</link></item>
</channel></rss>
""".encode()


def sitemap_index(*urls: str) -> bytes:
    """A sitemap index of other maps."""
    entries = "".join(f"<sitemap><loc>{escape(url)}</loc></sitemap>" for url in urls)
    return _sitemap("sitemapindex", entries)


def sitemap(*urls: str) -> bytes:
    """A sitemap of pages."""
    return _sitemap("urlset", "".join(f"<url><loc>{escape(url)}</loc></url>" for url in urls))


def _sitemap(root: str, entries: str) -> bytes:
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{space}">{entries}</{root}>\n'.encode()


@cache
def gzip_bomb_parts() -> tuple[bytes, bytes, bytes]:
    """What comes first, what is repeated `BOMB_BLOCKS` times, and what comes last: one gzip member of spaces.

    A block ends with a full flush, so that the same compressed bytes can follow themselves. The first call
    takes a second.
    """
    block = b" " * BOMB_BLOCK_BYTES
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(BOMB_BLOCKS):
        checksum = zlib.crc32(block, checksum)
    end = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    trailer = checksum.to_bytes(4, "little") + (BOMB_BYTES % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff", repeated, end + trailer


def gzip_bomb() -> Iterator[bytes]:
    """The bomb's bytes in pieces."""
    first, repeated, last = gzip_bomb_parts()
    yield first
    for _ in range(BOMB_BLOCKS):
        yield repeated
    yield last


@cache
def slow_article() -> bytes:
    """An article that costs an extractor the square of its length.

    trafilatura removes each button and hands the words behind it to the node before; all buttons stand in one
    paragraph, so that those words grow to a megabyte which is copied a hundred thousand times.
    """
    buttons = "".join(f"<button>v</button> tide {number} " for number in range(SLOW_ELEMENTS))
    sentence = (
        "<p>The tide clock in the market square has been wrong since the storm, "
        "and the town has learned to be late together.</p>\n"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>The tide clock</title></head>\n'
        f"<body><main><article><h1>The tide clock</h1>\n{sentence * 8}<p>{buttons}</p>\n{sentence * 8}"
        "</article></main></body></html>\n"
    ).encode()
