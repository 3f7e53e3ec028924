"""Answers that are correct as HTTP and wrong in what they carry: feeds, maps, codings, charsets."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import brotlicffi
import zstandard

from tests.faults import bodies, paths
from tests.faults.registry import answers
from tests.faults.wire import HTML, Wire, head

RSS = "application/rss+xml; charset=utf-8"
XML = "application/xml; charset=utf-8"
SITEMAP_DEPTH = int(paths.ARTICLE_MAP.rpartition("/")[2])
LONG_URL_CHARACTERS = 5000


@answers("/")
async def index(wire: Wire) -> None:
    await wire.answer(bodies.index(wire.base_url))


@answers("/feed.xml")
async def feed(wire: Wire) -> None:
    await wire.answer(bodies.feed(wire.base_url), RSS)


@answers(paths.ARTICLE)
async def article(wire: Wire) -> None:
    await wire.answer(bodies.article(paths.ARTICLE, wire.base_url))


@answers(paths.FEED_HTML)
async def feed_html(wire: Wire) -> None:
    await wire.answer(b"<!DOCTYPE html><html><body><h1>Our feeds have moved</h1></body></html>\n")


@answers(paths.FEED_BOMB)
async def feed_bomb(wire: Wire) -> None:
    await wire.answer(bodies.feed_bomb(wire.base_url), RSS)


@answers(paths.SITEMAP_SELF)
async def sitemap_self(wire: Wire) -> None:
    await wire.answer(bodies.sitemap_index(wire.base_url + paths.SITEMAP_SELF), XML)


@answers(paths.SITEMAP_DEEP)
@answers(f"{paths.SITEMAP_DEEP}/")
async def sitemap_deep(wire: Wire) -> None:
    number = int(wire.visit.path.removeprefix(paths.SITEMAP_DEEP).strip("/") or 0)
    below = f"{wire.base_url}{paths.SITEMAP_DEEP}/{number + 1}"
    deepest = number >= SITEMAP_DEPTH
    body = bodies.sitemap(f"{wire.base_url}{paths.ARTICLE}") if deepest else bodies.sitemap_index(below)
    await wire.answer(body, XML)


@answers(paths.ROBOTS_503)
async def robots_503(wire: Wire) -> None:
    await wire.answer(b"Service unavailable\n", "text/plain", "503 Service Unavailable")


@answers(paths.LONG_URL)
async def long_url(wire: Wire) -> None:
    below = f"{wire.base_url}{paths.LONG_URL}/"
    address = below + "tide" * ((LONG_URL_CHARACTERS - len(below)) // 4 + 1)
    link = f'<a href="{address[:LONG_URL_CHARACTERS]}">The whole tide table</a>'
    await wire.answer(f"<!DOCTYPE html><html><body>{link}</body></html>\n".encode())


@answers(f"{paths.LONG_URL}/")
async def long_url_below(wire: Wire) -> None:
    await wire.answer(bodies.article(paths.LONG_URL, wire.base_url))


@answers(paths.GZIP_BOMB)
async def gzip_bomb(wire: Wire) -> None:
    await asyncio.to_thread(bodies.gzip_bomb_parts)
    size = sum(map(len, bodies.gzip_bomb()))
    fields = [("Content-Type", HTML), ("Content-Encoding", "gzip"), ("Content-Length", str(size))]
    await wire.send(head("200 OK", fields))
    for piece in bodies.gzip_bomb():
        await wire.send(piece)


@answers(paths.GZIP_TORN)
async def gzip_torn(wire: Wire) -> None:
    whole = gzip.compress(bodies.article(paths.GZIP_TORN, wire.base_url), mtime=0)
    await wire.answer(whole[: len(whole) // 2], fields=[("Content-Encoding", "gzip")])


@answers(paths.BROTLI)
async def brotli(wire: Wire) -> None:
    packed = brotlicffi.compress(bodies.article(paths.BROTLI, wire.base_url), quality=5)
    await wire.answer(packed, fields=[("Content-Encoding", "br")])


@answers(paths.ZSTD)
async def zstd(wire: Wire) -> None:
    packed = zstandard.ZstdCompressor().compress(bodies.article(paths.ZSTD, wire.base_url))
    await wire.answer(packed, fields=[("Content-Encoding", "zstd")])


@answers(paths.DEFLATE_RAW)
async def deflate_raw(wire: Wire) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(bodies.article(paths.DEFLATE_RAW, wire.base_url)) + packer.flush()
    await wire.answer(packed, fields=[("Content-Encoding", "deflate")])


@answers(paths.UNKNOWN_CODING)
async def unknown_coding(wire: Wire) -> None:
    turned = bodies.article(paths.UNKNOWN_CODING, wire.base_url)[::-1]
    await wire.answer(turned, fields=[("Content-Encoding", "backwards")])


@answers(paths.CP1251_SAYS_UTF8)
async def cp1251_says_utf8(wire: Wire) -> None:
    text = bodies.article_text(paths.CP1251_SAYS_UTF8, wire.base_url)
    await wire.answer(text.encode("windows-1251"))


@answers(paths.EXTRACTOR_SLOW)
async def extractor_slow(wire: Wire) -> None:
    await wire.answer(bodies.slow_article())
