"""Each way in which an exchange goes wrong has its name, and keeps the bytes that did come."""

from __future__ import annotations

import asyncio
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from crawler.guard import Guard
from crawler.tape import HEAD_LIMIT_BYTES
from crawler.wire import Wire, WireLimits, failure_of
from storage.exchange import Truncation
from tests.crawler.scripted_server import Script, Talk, answering, serve_script
from tests.faults import serve_faults

GUARD = Guard(["127.0.0.1"])
OK = b"HTTP/1.1 200 OK\r\n"
HEADERS = [("User-Agent", "newsark-test")]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire(GUARD, WireLimits(timeout_seconds=0.4))
    yield wire
    await wire.close()


def then(*steps: bytes | str | float) -> Script:
    """Answer one request in steps: bytes are sent, numbers are seconds; "hold" and "reset" end it."""

    async def script(talk: Talk) -> None:
        await talk.hear()
        for step in steps:
            if isinstance(step, bytes):
                await talk.say(step)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif step == "hold":
                await talk.hold()
            else:
                talk.reset()

    return script


@dataclass(frozen=True)
class Failed:
    """A script, and what the Exchange then says."""

    script: Script
    kind: str
    head: bytes = b""
    body: bytes = b""
    truncated: Truncation | None = None
    message: str = ""


CONFLICT = OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"
FAILED = {
    "no answer": Failed(then("hold"), "timeout", message="not done in 0.4 s"),
    "half a head, then nothing": Failed(then(OK, "hold"), "timeout", OK, truncated="time"),
    "closed without a byte": Failed(then(), "disconnect"),
    "reset without a byte": Failed(then("reset"), "disconnect", message="reset by peer"),
    "closed in the head": Failed(then(OK + b"X: y"), "disconnect", OK + b"X: y", truncated="disconnect"),
    "reset in the head": Failed(then(OK, 0.05, "reset"), "disconnect", OK, truncated="disconnect"),
    "another protocol": Failed(
        then(b"SSH-2.0-OpenSSH\r\n", "hold"),
        "malformed",
        b"SSH-2.0-OpenSSH\r\n",
        truncated="unspecified",
        message="'SSH-2.0-OpenSSH'",
    ),
    "a web page without a head": Failed(
        then(b"<html>\n<p>", "hold"), "malformed", b"<html>\n<p>", truncated="unspecified"
    ),
    "no number in the status line": Failed(
        then(b"HTTP/1.1 fine OK\r\n\r\nbody"),
        "malformed",
        b"HTTP/1.1 fine OK\r\n\r\n",
        b"body",
        "unspecified",
        "HTTP/1.1 fine OK",
    ),
    "a status of four digits": Failed(
        then(b"HTTP/1.1 2000 OK\r\n\r\n"), "malformed", b"HTTP/1.1 2000 OK\r\n\r\n", truncated="unspecified"
    ),
    "a line without an end": Failed(then(b"x" * 70_000, "hold"), "malformed", b"x" * 70_000, truncated="unspecified"),
    "lengths that disagree": Failed(
        then(CONFLICT + b"helloo"), "malformed", CONFLICT, b"helloo", "unspecified", "Content-Length"
    ),
    "a negative length": Failed(
        then(OK + b"Content-Length: -5\r\n\r\nhello"),
        "malformed",
        OK + b"Content-Length: -5\r\n\r\n",
        b"hello",
        "unspecified",
    ),
}


@pytest.mark.parametrize("name", FAILED)
async def test_a_failure_has_a_name_and_keeps_what_came(wire: Wire, name: str) -> None:
    expected = FAILED[name]
    async with serve_script(expected.script) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    assert exchange.failure is not None
    assert exchange.failure.kind == expected.kind
    assert expected.message in exchange.failure.message
    assert exchange.response_head == expected.head
    assert exchange.body == expected.body
    assert exchange.truncated == expected.truncated
    assert exchange.truncated_detail == (exchange.failure.message if expected.truncated else None)
    assert [exchange.request] == server.requests
    assert exchange.peer_port == server.port


@dataclass(frozen=True)
class Cut:
    """A script whose answer's body is cut short, and how the Exchange says so."""

    script: Script
    body: bytes
    truncated: Truncation
    detail: str


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TEN = OK + b"Content-Length: 10\r\n\r\n"
CUT = {
    "closed early": Cut(then(TEN + b"hello"), b"hello", "disconnect", "received 5 of 10 bytes"),
    "reset": Cut(then(TEN + b"hello", 0.05, "reset"), b"hello", "disconnect", "reset by peer"),
    "time is up": Cut(then(TEN + b"hello", "hold"), b"hello", "time", "not done in 0.4 s"),
    "closed between chunks": Cut(then(CHUNKED + b"5\r\nhello\r\n"), b"hello", "disconnect", "Not enough data"),
    "closed in a chunk": Cut(then(CHUNKED + b"9\r\nhello"), b"hello", "disconnect", "Not enough data"),
    "a broken chunk": Cut(then(CHUNKED + b"5\r\nhello\r\ntide\r\n"), b"hello", "unspecified", "chunk size"),
    "a broken chunk, later": Cut(
        then(CHUNKED + b"5\r\nhello\r\n", 0.05, b"tide\r\n", "hold"), b"hello", "unspecified", "chunk size"
    ),
    "reset where only the end tells the length": Cut(
        then(OK + b"\r\nhello", 0.05, "reset"), b"hello", "disconnect", "reset by peer"
    ),
}


@pytest.mark.parametrize("name", CUT)
async def test_a_body_that_is_cut_short_says_how_and_keeps_what_came(wire: Wire, name: str) -> None:
    expected = CUT[name]
    async with serve_script(expected.script) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    assert exchange.failure is None
    assert exchange.status == 200
    assert exchange.response_head.endswith(b"\r\n\r\n")
    assert exchange.body == expected.body
    assert exchange.truncated == expected.truncated
    assert expected.detail in (exchange.truncated_detail or "")


async def test_nobody_listens(wire: Wire) -> None:
    async with serve_faults() as site:
        exchange = await wire.fetch(site.refusing_url, HEADERS)
    assert exchange.failure is not None
    assert exchange.failure.kind == "connect"
    assert (exchange.request, exchange.response_head, exchange.peer_address) == (b"", b"", None)
    assert exchange.truncated is None


class NoSuchName(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None:
        pass


async def test_the_name_does_not_exist() -> None:
    wire = Wire(Guard(), WireLimits(), resolver=NoSuchName())
    exchange = await wire.fetch("http://news.example/", HEADERS)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == "dns"
    assert "Name or service not known" in exchange.failure.message
    assert exchange.request == b""


async def test_a_field_that_http_cannot_carry_is_not_sent(wire: Wire) -> None:
    async with serve_script(answering(b"HTTP/1.1 204 No\r\n\r\n")) as server:
        exchange = await wire.fetch(server.url, [("If-None-Match", '"a"\r\nX-Injected: 1')])
        assert exchange.failure is not None
        assert exchange.failure.kind == "bad-request"
        assert server.requests == []


def test_a_url_that_aiohttp_does_not_take_has_a_name() -> None:
    assert failure_of(aiohttp.InvalidURL("http://x", "no"))[0] == "bad-url"


async def test_a_head_that_never_ends_is_cut_and_its_beginning_kept() -> None:
    field = b"X-Flood: " + b"f" * 8000 + b"\r\n"

    async def script(talk: Talk) -> None:
        await talk.hear()
        await talk.say(OK)
        while True:
            await talk.say(field)

    wire = Wire(GUARD, WireLimits())
    async with serve_script(script) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == "head-too-large"
    assert exchange.truncated == "length"
    flood = OK + field * (HEAD_LIMIT_BYTES // len(field) * 2)
    assert len(exchange.response_head) > HEAD_LIMIT_BYTES
    assert flood.startswith(exchange.response_head)


async def test_interim_heads_that_never_end_are_cut() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </" + b"h" * 8000 + b">\r\n\r\n"

    async def script(talk: Talk) -> None:
        await talk.hear()
        while True:
            await talk.say(hint)

    wire = Wire(GUARD, WireLimits())
    async with serve_script(script) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == "head-too-large"
    assert set(exchange.interim_heads) == {hint}


@pytest.mark.parametrize(("size", "truncated"), [(999, None), (1000, None), (1001, "length"), (5000, "length")])
async def test_the_limit_of_a_body_is_exact(size: int, truncated: Truncation | None) -> None:
    body = bytes(range(256)) * 20
    wire = Wire(GUARD, WireLimits(max_body_bytes=1000))
    answer = OK + b"Content-Length: %d\r\n\r\n" % size + body[:size]
    async with serve_script(answering(answer)) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    await wire.close()
    assert exchange.body == body[: min(size, 1000)]
    assert exchange.truncated == truncated
    assert exchange.failure is None


async def test_the_time_of_an_exchange_is_all_of_it_and_not_the_time_between_bytes() -> None:
    async def drip(talk: Talk) -> None:
        await talk.hear()
        await talk.say(OK + b"\r\n")
        while True:
            await talk.say(b".")
            await asyncio.sleep(0.02)

    wire = Wire(GUARD, WireLimits(timeout_seconds=0.3))
    async with serve_script(drip) as server:
        began = time.monotonic()
        exchange = await wire.fetch(server.url, HEADERS)
        spent = time.monotonic() - began
    await wire.close()
    assert 0.29 < spent < 2
    assert exchange.truncated == "time"
    assert set(exchange.body) == {ord(".")}


@pytest.mark.parametrize(
    ("piece", "limit"), [(b"x" * 65_536, 20_000_000), (b"1\r\nx\r\n" * 4096, 100_000)], ids=["large", "tiny chunks"]
)
async def test_a_body_that_never_ends_takes_little_more_memory_than_its_limit(piece: bytes, limit: int) -> None:
    head = OK + (b"Transfer-Encoding: chunked\r\n\r\n" if piece[:1] == b"1" else b"\r\n")

    async def endless(talk: Talk) -> None:
        await talk.hear()
        await talk.say(head)
        while True:
            await talk.say(piece)

    wire = Wire(GUARD, WireLimits(max_body_bytes=limit))
    async with serve_script(endless) as server:
        tracemalloc.start()
        try:
            exchange = await wire.fetch(server.url, HEADERS)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    await wire.close()
    assert exchange.truncated == "length"
    assert exchange.body == b"x" * limit
    assert peak < 1.25 * limit + 3 * 2**20
