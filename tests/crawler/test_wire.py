"""What an Exchange holds is what crossed the wire, byte for byte."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import brotlicffi
import pytest
import zstandard

from crawler.guard import Guard
from crawler.wire import Wire, WireLimits
from tests.crawler.scripted_server import Talk, answering, serve_script
from tests.faults import FAULTS, FaultSite, bodies, paths, serve_faults
from tests.newsroom import serve_newsroom

GUARD = Guard(["127.0.0.1", "[::1]"])
HEADERS = [("User-Agent", "newsark-test"), ("accept-ENCODING", "gzip, br"), ("X-Two", "1"), ("X-Two", "2")]
LIMIT_BYTES = 4_000_000
UNFINISHED = {paths.ENDLESS, paths.SLOW_DRIP, paths.GZIP_BOMB}
REFUSED = {paths.BAD_STATUS_LINE, paths.DUPLICATE_CONTENT_LENGTH}


@pytest.fixture
async def site() -> AsyncIterator[FaultSite]:
    async with serve_faults() as site:
        yield site


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire(GUARD, WireLimits(timeout_seconds=5, max_body_bytes=LIMIT_BYTES))
    yield wire
    await wire.close()


def heads_and_rest(sent: bytes) -> tuple[list[bytes], bytes]:
    """Every head at the beginning of an answer, and what came behind the last."""
    heads: list[bytes] = []
    while not heads or heads[-1].startswith(b"HTTP/1.1 1"):
        head, end, sent = sent.partition(b"\r\n\r\n")
        heads.append(head + end)
    return heads, sent


def undone(head: bytes, rest: bytes) -> bytes:
    """The body without its transfer-coding, as far as it goes: a second opinion beside the parser's."""
    length = re.search(rb"(?i)\ncontent-length: *([0-9]+)", head)
    if re.search(rb"(?i)\ntransfer-encoding: chunked", head) is None:
        return rest[: int(length[1])] if length else rest
    body = b""
    while (size := re.match(rb"([0-9A-F]+)(?:;[^\r]*)?\r\n", rest)) and int(size[1], 16):
        rest = rest[size.end() :]
        body += rest[: int(size[1], 16)]
        rest = rest[int(size[1], 16) + 2 :]
    return body


@pytest.mark.parametrize("path", [path for path in FAULTS if path not in UNFINISHED])
async def test_every_fault_is_kept_byte_for_byte_and_asked_for_once(site: FaultSite, wire: Wire, path: str) -> None:
    exchange = await wire.fetch(site.url + path, HEADERS)
    visit = site.last(path)
    assert [seen.path for seen in site.visits] == [path]
    assert exchange.request == visit.head
    if path == paths.EMPTY_REPLY:
        assert (exchange.response_head, exchange.interim_heads, exchange.body) == (b"", (), b"")
        return
    heads, rest = heads_and_rest(bytes(visit.sent))
    assert exchange.response_head == heads[-1]
    assert exchange.interim_heads == tuple(heads[:-1])
    assert exchange.body == (rest if path in REFUSED else undone(heads[-1], rest))
    assert (exchange.peer_address, exchange.peer_port) == ("127.0.0.1", int(site.url.rpartition(":")[2]))
    assert (exchange.failure is not None) == (path in REFUSED)
    assert exchange.tls is None


@pytest.mark.parametrize("path", [paths.ENDLESS, paths.GZIP_BOMB])
async def test_a_body_is_kept_up_to_the_limit_and_not_further(site: FaultSite, path: str) -> None:
    wire = Wire(GUARD, WireLimits(max_body_bytes=1_234_567))
    exchange = await wire.fetch(site.url + path, HEADERS)
    await wire.close()
    (head,), rest = heads_and_rest(bytes(site.last(path).sent))
    assert exchange.response_head == head
    assert exchange.body == rest[:1_234_567]
    assert exchange.truncated == "length"
    assert exchange.truncated_detail == "kept the first 1234567 bytes"
    assert exchange.failure is None


UNPACKERS: dict[str, Callable[[bytes], bytes]] = {
    paths.BROTLI: brotlicffi.decompress,
    paths.ZSTD: lambda packed: zstandard.ZstdDecompressor().decompress(packed),
}


@pytest.mark.parametrize("path", UNPACKERS)
async def test_a_body_keeps_its_content_coding(site: FaultSite, wire: Wire, path: str) -> None:
    exchange = await wire.fetch(site.url + path, HEADERS)
    assert UNPACKERS[path](exchange.body) == bodies.article(path, site.url)


async def test_a_newsroom_that_packs_its_pages_is_kept_packed(wire: Wire) -> None:
    async with serve_newsroom() as newsroom:
        packed = await wire.fetch(newsroom.address + "/", HEADERS)
        plain = await wire.fetch(newsroom.address + "/", [("User-Agent", "newsark-test")])
    assert packed.header("Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.body.startswith(b"<!DOCTYPE html>")


FIVE = b"Content-Length: 5\r\n"
CHUNKED_HELLO = b"2;x=y\r\nhe\r\n3 \r\nllo\r\n0\r\nX-Trailer: t\r\n\r\n"
ODD_HEADS = {
    "folded": b"HTTP/1.1 200 OK\r\nX-A: one\r\n\t two\r\n  three\r\n" + FIVE + b"\r\n",
    "repeated, in odd case": b"HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 1\r\nX-a: 2\r\ncontent-LENGTH:5\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: be\0fore\r\n" + FIVE + b"\r\n",
    "NUL in a name": b"HTTP/1.1 200 OK\r\nX\0A: 1\r\n" + FIVE + b"\r\n",
    "a space in a name": b"HTTP/1.1 200 OK\r\nX A: 1\r\n" + FIVE + b"\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: nameless\r\n" + FIVE + b"\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nnothing\r\n" + FIVE + b"\r\n",
    "bare CR": b"HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n" + FIVE + b"\r\n",
    "lone LF": b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 5\n\n",
    "LF, then CRLF": b"HTTP/1.1 200 OK\nContent-Length: 5\n\r\n",
    "bytes above ASCII": b"HTTP/1.1 200 \xd0\xa5\xff\r\nX-\xe9: \xff\xfe\r\n" + FIVE + b"\r\n",
    "empty lines in front": b"\r\n\n\r\nHTTP/1.1 200 OK\r\n" + FIVE + b"\r\n",
    "no reason": b"HTTP/1.1 200\r\n" + FIVE + b"\r\n",
    "blanks in the status line": b"HTTP/1.1  \t200\t  OK \r\n" + FIVE + b"\r\n",
    "HTTP in lower case": b"http/1.1 200 OK\r\n" + FIVE + b"\r\n",
    "another version": b"HTTP/2 200 OK\r\n" + FIVE + b"\r\n",
    "equal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n" + FIVE + b"\r\n",
    "a folded length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\n",
    "an odd connection": b"HTTP/1.1 200 OK\r\nConnection: \0, Upgrade\r\nUpgrade: h2c\r\n" + FIVE + b"\r\n",
    "a coding that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n" + FIVE + b"\r\n",
    "many fields": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + FIVE + b"\r\n",
    "a long value": b"HTTP/1.1 200 OK\r\nSet-Cookie: " + b"c" * 300_000 + b"\r\n" + FIVE + b"\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n",
    "chunked beside a length": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked, a folded coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\tgzip,\r\n chunked\r\n\r\n",
}


@pytest.mark.parametrize("name", ODD_HEADS)
async def test_an_odd_head_is_kept_verbatim_and_its_body_still_found(wire: Wire, name: str) -> None:
    head = ODD_HEADS[name]
    answer = head + (CHUNKED_HELLO if name.startswith("chunked") else b"hello")
    async with serve_script(answering(answer)) as server:
        exchange = await wire.fetch(server.url + "/odd?a=%7E&b=%D0%A5", HEADERS)
    assert exchange.response_head == head
    assert exchange.body == b"hello"
    assert (exchange.failure, exchange.truncated, exchange.status) == (None, None, 200)
    assert [exchange.request] == server.requests
    assert exchange.request.startswith(b"GET /odd?a=%7E&b=%D0%A5 HTTP/1.1\r\nHost: 127.0.0.1:")


async def test_heads_that_arrive_byte_by_byte_are_the_same(wire: Wire) -> None:
    hints = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    head = b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: \r\n \tfold\r\n\r\n"

    async def script(talk: Talk) -> None:
        await talk.hear()
        for byte in b"".join(hints) + head + b"hello":
            await talk.say(bytes([byte]))
            await asyncio.sleep(0)

    async with serve_script(script) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    assert exchange.interim_heads == hints
    assert (exchange.response_head, exchange.body) == (head, b"hello")


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n"),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 10\r\n\r\n'),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ],
)
async def test_a_response_without_a_body_ends_with_its_head(wire: Wire, method: str, answer: bytes) -> None:
    async with serve_script(answering(answer)) as server:
        exchange = await wire.fetch(server.url, HEADERS, method=method)
    assert (exchange.response_head, exchange.body) == (answer, b"")
    assert (exchange.failure, exchange.truncated) == (None, None)
    assert exchange.request.startswith(method.encode() + b" / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
async def test_a_body_without_a_length_ends_with_the_connection(wire: Wire, head: bytes) -> None:
    async with serve_script(answering(head + b"to the end", then_hold=False)) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    assert (exchange.response_head, exchange.body) == (head, b"to the end")
    assert (exchange.failure, exchange.truncated) == (None, None)


async def test_the_request_has_the_given_fields_in_their_order_and_case(wire: Wire) -> None:
    async with serve_script(answering(b"HTTP/1.1 204 No\r\n\r\n")) as server:
        exchange = await wire.fetch(server.url + "/a b", HEADERS)
    host = server.url.removeprefix("http://").encode()
    assert exchange.request == (
        b"GET /a%20b HTTP/1.1\r\nHost: " + host + b"\r\nUser-Agent: newsark-test\r\n"
        b"accept-ENCODING: gzip, br\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n"
    )
    assert server.requests == [exchange.request]


async def test_times_are_utc_and_enclose_the_exchange(site: FaultSite, wire: Wire) -> None:
    before = datetime.now(UTC)
    exchange = await wire.fetch(site.url + paths.ARTICLE, HEADERS)
    assert before <= exchange.started <= exchange.ended <= datetime.now(UTC)
    assert exchange.started.tzinfo is UTC
    assert exchange.url == site.url + paths.ARTICLE
