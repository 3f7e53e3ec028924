"""Pages to crawl: real ones under unique addresses, or seeded ones of news-like size and distinct text."""

from __future__ import annotations

import gzip
import html
import json
import math
import random
import re
from collections.abc import Iterator
from pathlib import Path

MEDIAN_BYTES, P90_BYTES, LARGEST_BYTES = 180_000, 600_000, 2_000_000
# The 90th percentile of a log-normal distribution stands 1.2816 standard deviations above its median.
SIGMA = math.log(P90_BYTES / MEDIAN_BYTES) / 1.2816

SYLLABLES = ("ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bra cle dri flo gru sta tre spi").split()  # noqa: SIM905  a list of words reads better so
OWN_ADDRESS = re.compile(rb"<(?:link[^>]+rel=[\"']?canonical|meta[^>]+og:url)[^>]*>", re.IGNORECASE)
BODY = re.compile(rb"<body[^>]*>", re.IGNORECASE)


def pages(count: int, corpus: Path | None) -> Iterator[bytes]:
    """`count` HTML pages; real ones are repeated, each time with a paragraph and an address of its own."""
    if corpus is None:
        yield from (seeded_page(number) for number in range(count))
        return
    files = sorted((corpus / "pages").glob("*.html.gz"))
    for number in range(count):
        yield with_own_words(gzip.decompress(files[number % len(files)].read_bytes()), number)


def with_own_words(page: bytes, number: int) -> bytes:
    """The page without its canonical address, its longest paragraph extended by a sentence that no other page has."""
    page = OWN_ADDRESS.sub(b"", page)
    words = prose(random.Random(number), 30).encode()
    paragraphs = sorted(
        re.finditer(rb"<p[^>]*>(?:(?!</?p\b).){80,}?</p>", page, re.DOTALL), key=lambda m: m.end() - m.start()
    )
    if not paragraphs:
        return BODY.sub(lambda found: found.group() + b"<p>" + words + b"</p>", page, count=1)
    end = paragraphs[-1].end() - len(b"</p>")
    return page[:end] + b" " + words + page[end:]


def seeded_page(number: int) -> bytes:
    """A page with some 600 words of article, filled up with the furniture of a news site to its size."""
    random_source = random.Random(number)
    size = min(LARGEST_BYTES, int(random_source.lognormvariate(math.log(MEDIAN_BYTES), SIGMA)))
    paragraphs = [prose(random_source, random_source.randint(30, 90)) for _ in range(random_source.randint(6, 14))]
    headline = prose(random_source, 8).rstrip(".")
    facts = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": headline,
        "datePublished": f"2026-03-{number % 28 + 1:02d}T08:{number % 60:02d}:00+01:00",
        "author": {"@type": "Person", "name": prose(random_source, 2).rstrip(".").title()},
    }
    article = "".join(f"<p>{html.escape(text)}</p>\n" for text in paragraphs)
    head = (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{headline} | The Bench</title>"
        f"<script type='application/ld+json'>{json.dumps(facts)}</script></head><body>"
        f"<header><nav>{_links(random_source, 40)}</nav></header>"
        f"<main><article><h1>{headline}</h1>{article}</article></main><aside>"
    )
    parts = [head]
    length = len(head)
    while length < size - 2000:
        part = _script(random_source) if random_source.random() < 0.5 else _teasers(random_source)
        parts.append(part)
        length += len(part)
    parts.append("</aside><footer>All rights reserved.</footer></body></html>")
    return "".join(parts).encode()


def prose(random_source: random.Random, words: int) -> str:
    """A sentence of invented words."""
    made = ["".join(random_source.choices(SYLLABLES, k=random_source.randint(1, 4))) for _ in range(words)]
    return (" ".join(made)).capitalize() + "."


def _links(random_source: random.Random, count: int) -> str:
    return "".join(f"<a href='/s/{random_source.randint(1, 999)}'>{prose(random_source, 2)}</a> " for _ in range(count))


def _teasers(random_source: random.Random) -> str:
    items = "".join(
        f"<li class='teaser'><a href='/t/{random_source.randint(1, 99999)}'><img src='/i/{n}.jpg' alt=''><h3>"
        f"{prose(random_source, 7)}</h3></a><span class='kicker'>{prose(random_source, 2)}</span></li>"
        for n in range(12)
    )
    return f"<section class='more'><ul>{items}</ul></section>"


def _script(random_source: random.Random) -> str:
    data = {str(n): prose(random_source, 6) for n in range(80)}
    return f"<script>window.__state = {json.dumps(data)};</script>"
