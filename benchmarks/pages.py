"""Pages to crawl: real ones under unique addresses, or seeded ones that are built alike (`benchmarks/seeded.py`)."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.seeded import seeded_page
from benchmarks.seededwords import voice

__all__ = ["pages", "prose", "seeded_page", "with_own_words"]

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


def prose(random_source: random.Random, words: int) -> str:
    """A sentence of invented words."""
    return voice("en").text(random_source, words) + "."
