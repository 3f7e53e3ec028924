"""What other tests rely on in the fault server: each fault is on the wire exactly as its name says."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import sys
import urllib.request
import zlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import brotlicffi
import pytest
import zstandard
from lxml import etree

from tests.faults import FAULTS, Certificate, FaultSite, bodies, paths, running_faults, serve_faults
from tests.faults.registry import find_answer

STREAMED = {paths.ENDLESS, paths.SLOW_DRIP, paths.GZIP_BOMB, paths.EXTRACTOR_SLOW}


@pytest.fixture
async def site() -> AsyncIterator[FaultSite]:
    async with serve_faults() as site:
        yield site


async def connect(site: FaultSite) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(site.url)
    return await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 24)


async def wire_bytes(site: FaultSite, target: str, limit: int = -1) -> bytes:
    """What a client reads until the server closes, or the first `limit` bytes."""
    reader, writer = await connect(site)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: faults\r\nConnection: close\r\n\r\n".encode())
    try:
        return await (reader.read() if limit < 0 else reader.readexactly(limit))
    finally:
        writer.close()


async def body_of(site: FaultSite, target: str) -> bytes:
    return (await wire_bytes(site, target)).partition(b"\r\n\r\n")[2]


def test_every_named_fault_has_an_answer() -> None:
    assert [path for path in FAULTS if find_answer(path) is None] == []


@pytest.mark.parametrize("path", [path for path in FAULTS if path not in STREAMED | {paths.RESET}])
async def test_the_site_remembers_exactly_the_bytes_that_it_sent(site: FaultSite, path: str) -> None:
    received = await wire_bytes(site, path)
    assert bytes(site.last(path).sent) == received
    assert site.last(path).head.startswith(f"GET {path} HTTP/1.1\r\nHost: faults\r\n".encode())


async def test_index_and_feed_lead_to_every_fault(site: FaultSite) -> None:
    for page in ("/", "/feed.xml"):
        body = await body_of(site, page)
        assert all(f"{site.url}{path}".encode() in body for path in FAULTS)


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (paths.FOLDED_HEADER, b"\r\nX-Tide: high at six,\r\n\tlow at noon,\r\n   high again at midnight\r\n"),
        (paths.ODD_CASE_HEADERS, b"HTTP/1.1 200 oK\r\nx-zulu: 1\r\ncOnTeNt-TyPe: text/html"),
        (paths.HEADER_NO_SPACE, b"\r\nX-Tight:yes\r\nX-Loose: \t  yes  \t\r\n"),
        (paths.NUL_IN_HEADER, b"\r\nX-Odd: before\x00after\r\n"),
        (paths.EARLY_HINTS, b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>"),
        (paths.BAD_STATUS_LINE, b"HTTP/1.1 fine OK\r\n"),
        (paths.BAD_CHUNK, b"\r\ntide\r\n"),
        (paths.CHUNKED_TRAILERS, b"\r\n0\r\nX-Tide: high\r\nX-Checked-By: two people\r\n\r\n"),
        (paths.HTTP10, b"HTTP/1.0 200 OK\r\n"),
        (paths.REDIRECT_METADATA, b"\r\nLocation: http://169.254.169.254/"),
        (paths.REDIRECT_PRIVATE, b"\r\nLocation: http://127.0.0.2:"),
    ],
)
async def test_odd_heads_are_on_the_wire_as_written(site: FaultSite, path: str, written: bytes) -> None:
    assert written in await wire_bytes(site, path)


async def test_compressed_bodies_unpack_to_the_article(site: FaultSite) -> None:
    def raw_inflate(data: bytes) -> bytes:
        return zlib.decompress(data, -zlib.MAX_WBITS)

    unpack = {
        paths.BROTLI: brotlicffi.decompress,
        paths.ZSTD: zstandard.decompress,
        paths.DEFLATE_RAW: raw_inflate,
    }
    for path, function in unpack.items():
        assert function(await body_of(site, path)) == bodies.article(path, site.url)
    with pytest.raises(EOFError):
        gzip.decompress(await body_of(site, paths.GZIP_TORN))


async def test_the_gzip_bomb_is_small_and_whole(site: FaultSite) -> None:
    received = await wire_bytes(site, paths.GZIP_BOMB)
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert len(body) < 4 << 20
    assert int.from_bytes(body[-4:], "little") == bodies.BOMB_BYTES % 2**32 == 3 << 30
    start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, 1 << 20)
    assert start == b" " * (1 << 20)


def test_a_small_bomb_of_the_same_make_is_one_valid_gzip_member(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BOMB_BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(bodies, "BOMB_BLOCKS", 3)
    monkeypatch.setattr(bodies, "BOMB_BYTES", 3 << 16)
    bodies.gzip_bomb_parts.cache_clear()
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        assert unpacker.decompress(b"".join(bodies.gzip_bomb())) == b" " * (3 << 16)
        assert unpacker.eof
        assert unpacker.unused_data == b""
    finally:
        bodies.gzip_bomb_parts.cache_clear()


async def test_bodies_end_early_late_or_never(site: FaultSite) -> None:
    whole = bodies.article(paths.HALF, site.url)
    assert await body_of(site, paths.HALF) == whole[: len(whole) // 2]
    assert await wire_bytes(site, paths.EMPTY_REPLY) == b""
    assert len(await wire_bytes(site, paths.ENDLESS, 10 << 20)) == 10 << 20
    with pytest.raises(ConnectionResetError):
        await wire_bytes(site, paths.RESET)
    head = site.last(paths.RESET).sent.partition(b"\r\n\r\n")[0]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire_bytes(site, paths.SLOW_DRIP, len(head) + 4 + 3), timeout=1.5)


async def test_huge_headers_are_a_megabyte(site: FaultSite) -> None:
    head = (await wire_bytes(site, paths.HUGE_HEADERS)).partition(b"\r\n\r\n")[0]
    assert 1 << 20 <= len(head) < 2 << 20


async def test_two_content_lengths_disagree(site: FaultSite) -> None:
    head = (await wire_bytes(site, paths.DUPLICATE_CONTENT_LENGTH)).partition(b"\r\n\r\n")[0]
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    assert len(set(lengths)) == len(lengths) == 2


async def test_the_page_that_says_utf8_is_windows_1251(site: FaultSite) -> None:
    body = await body_of(site, paths.CP1251_SAYS_UTF8)
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    assert body.decode("windows-1251") == bodies.article_text(paths.CP1251_SAYS_UTF8, site.url)


async def test_the_long_address_is_5000_characters_and_answers(site: FaultSite) -> None:
    address = (await body_of(site, paths.LONG_URL)).split(b'"')[1].decode()
    assert len(address) == 5000
    assert await body_of(site, address.removeprefix(site.url)) == bodies.article(paths.LONG_URL, site.url)


async def test_the_chain_of_maps_is_deeper_than_twenty_and_ends(site: FaultSite) -> None:
    target, depth = paths.SITEMAP_DEEP, 0
    while target.startswith(paths.SITEMAP_DEEP):
        tree = etree.fromstring(await body_of(site, target))
        location = next(tree.iter("{*}loc")).text or ""
        target, depth = location.removeprefix(site.url), depth + 1
    assert target == paths.ARTICLE
    assert depth == 26


async def test_redirects_are_counted_and_loops_close(site: FaultSite) -> None:
    target, hops = f"{paths.REDIRECT_CHAIN}?n=7", 0
    while b"\r\nLocation: " in (answer := await wire_bytes(site, target)):
        target = answer.partition(b"\r\nLocation: ")[2].partition(b"\r\n")[0].decode()
        hops += 1
    assert hops == 7
    assert answer.startswith(b"HTTP/1.1 200 OK")
    back = await wire_bytes(site, f"{paths.REDIRECT_LOOP}/back")
    assert f"Location: {site.url}{paths.REDIRECT_LOOP}\r\n".encode() in back


async def test_the_refusing_port_refuses(site: FaultSite) -> None:
    assert site.refusing_url.encode() in await wire_bytes(site, paths.REFUSE_PATH)
    parts = urlsplit(site.refusing_url)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(parts.hostname, parts.port)


async def test_only_the_first_visit_is_asked_to_come_back(site: FaultSite) -> None:
    first, second = [await wire_bytes(site, paths.RETRY_AFTER) for _ in range(2)]
    assert first.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: 2\r\n" in first
    assert second.startswith(b"HTTP/1.1 200 OK")


async def test_correct_answers_leave_the_connection_open(site: FaultSite) -> None:
    reader, writer = await connect(site)
    for path in (paths.ARTICLE, paths.SET_COOKIES, paths.CHUNKED_TRAILERS, paths.HUGE_HEADERS):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: faults\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        await reader.readexactly(len(site.last(path).sent) - len(head))
    writer.close()


async def test_robots_allows_all_or_fails_as_asked() -> None:
    async with serve_faults() as site:
        robots = await body_of(site, "/robots.txt")
    async with serve_faults(robots_status=503) as site:
        failing = await wire_bytes(site, "/robots.txt")
    assert robots.startswith(b"User-agent: *\nAllow: /\n")
    assert failing.startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        ("self-signed", "self-signed certificate"),
        ("unknown-authority", "unable to get local issuer"),
        ("expired", "expired"),
        ("wrong-host", "IP address mismatch"),
    ],
)
async def test_only_the_good_certificate_is_believed(certificate: Certificate, complaint: str) -> None:
    async with serve_faults(tls=certificate) as site:
        assert site.identity is not None
        with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
            await https_status(site, site.identity.client())
    async with serve_faults(tls="good") as site:
        assert site.identity is not None
        assert await https_status(site, site.identity.client()) == b"HTTP/1.1 200 OK"


async def https_status(site: FaultSite, context: ssl.SSLContext) -> bytes:
    parts = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    writer.write(b"GET /article HTTP/1.1\r\nHost: faults\r\nConnection: close\r\n\r\n")
    status = (await reader.readline()).rstrip()
    writer.close()
    return status


def test_a_thread_serves_the_same() -> None:
    with (
        running_faults() as site,
        urllib.request.urlopen(f"{site.url}{paths.ARTICLE}", timeout=5) as response,
    ):
        assert response.read() == bodies.article(paths.ARTICLE, site.url)


def test_the_slow_article_is_small_enough_to_be_read() -> None:
    assert 3_000_000 < len(bodies.slow_article()) < 5_000_000


@pytest.mark.skipif("SLOW_TESTS" not in os.environ, reason="takes two minutes; set SLOW_TESTS=1")
async def test_the_slow_article_keeps_an_extractor_busy_for_a_minute() -> None:
    code = "import trafilatura; from tests.faults import bodies; trafilatura.extract(bodies.slow_article())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), timeout=60)
    process.kill()
    await process.wait()
