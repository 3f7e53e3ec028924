"""Exchanges that share connections, loops and names do not share bytes; a stopped wire stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from crawler.guard import Guard
from crawler.wire import Wire, WireLimits
from tests.crawler.scripted_server import Talk, answering, serve_script

GUARD = Guard(["127.0.0.1"])
HEADERS = [("User-Agent", "newsark-test")]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def saying(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Says: %b\r\nContent-Length: %d\r\n\r\n%b" % (body, len(body), body)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire(GUARD, WireLimits(timeout_seconds=3))
    yield wire
    await wire.close()


async def test_exchanges_on_one_connection_have_a_tape_each(wire: Wire) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
    head_only = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"
    async with serve_script(answering(saying(b"one"), chunked, head_only, saying(b"four"))) as server:
        exchanges = [await wire.fetch(f"{server.url}/{number}", HEADERS) for number in range(4)]
    assert server.connections == 1
    assert [exchange.body for exchange in exchanges] == [b"one", b"two", b"", b"four"]
    assert exchanges[1].response_head == chunked[:-13]
    assert exchanges[2].response_head == head_only
    assert exchanges[3].response_head + exchanges[3].body == saying(b"four")
    assert [exchange.request for exchange in exchanges] == server.requests
    assert {exchange.peer_port for exchange in exchanges} == {server.port}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_kept_connection_that_turns_out_dead_leaves_no_trace(wire: Wire, method: str) -> None:
    async def script(talk: Talk) -> None:
        await talk.hear()
        await talk.say(b"HTTP/1.1 204 First\r\nX-Number: %d\r\n\r\n" % talk.number)
        if talk.number < 3:
            # the second request is read and never answered
            await talk.hear()

    async with serve_script(script) as server:
        held = await asyncio.gather(*(wire.fetch(server.url, HEADERS) for _ in range(2)))
        exchange = await wire.fetch(server.url + "/again", HEADERS, method=method)
    assert server.connections == 3
    assert exchange.response_head == b"HTTP/1.1 204 First\r\nX-Number: 3\r\n\r\n"
    assert exchange.failure is None
    assert server.requests[2:] == [exchange.request] * 3
    assert exchange.request.startswith(method.encode() + b" /again HTTP/1.1\r\n")
    assert [one.status for one in held] == [204, 204]


async def test_an_idle_connection_that_the_server_closed_is_not_used(wire: Wire) -> None:
    async with serve_script(answering(HELLO, then_hold=False)) as server:
        first = await wire.fetch(server.url, HEADERS)
        await asyncio.sleep(0.05)
        second = await wire.fetch(server.url, HEADERS)
    assert (first.body, second.body) == (b"hello", b"hello")
    assert (server.connections, server.requests) == (2, [first.request, second.request])


async def test_a_new_connection_that_dies_is_not_asked_twice(wire: Wire) -> None:
    async with serve_script(answering(then_hold=False)) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    assert exchange.failure is not None
    assert exchange.failure.kind == "disconnect"
    assert server.connections == 1


async def test_a_kept_connection_that_dies_with_its_server_is_a_failure_to_connect(wire: Wire) -> None:
    async def script(talk: Talk) -> None:
        await talk.hear()
        await talk.say(HELLO)
        talk.server.stop_listening()
        await talk.hear()

    async with serve_script(script) as server:
        await wire.fetch(server.url, HEADERS)
        exchange = await wire.fetch(server.url, HEADERS)
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.request, exchange.peer_address) == ("connect", b"", None)


async def test_a_kept_connection_that_dies_in_its_answer_is_not_asked_again(wire: Wire) -> None:
    async with serve_script(answering(HELLO, b"HTTP/1.1 2", then_hold=False)) as server:
        await wire.fetch(server.url, HEADERS)
        exchange = await wire.fetch(server.url, HEADERS)
    assert (server.connections, len(server.requests)) == (1, 2)
    assert exchange.response_head == b"HTTP/1.1 2"
    assert exchange.failure is not None
    assert (exchange.failure.kind, exchange.truncated) == ("disconnect", "disconnect")


JUNK = {
    "a second answer": saying(b"junk"),
    "half of a second head": b"HTTP/1.1 200 OK\r\nX-Junk: 1\r\n",
    "the first letters of an answer": b"HTT",
    "a body longer than it said": b" world",
    "a line end": b"\r\n",
}


@pytest.mark.parametrize("pause", [None, 0.0, 0.05], ids=["same packet", "next packet", "while idle"])
@pytest.mark.parametrize("junk", JUNK)
async def test_what_follows_an_answer_is_not_the_next_answer(wire: Wire, junk: str, pause: float | None) -> None:
    async def script(talk: Talk) -> None:
        await talk.hear()
        answer = saying(b"%d" % talk.number)
        if pause is None:
            await talk.say(answer + JUNK[junk])
        else:
            await talk.say(answer)
            await asyncio.sleep(pause)
            await talk.say(JUNK[junk])
        while await talk.hear():
            await talk.say(saying(b"again %d" % talk.number))

    async with serve_script(script) as server:
        first = await wire.fetch(server.url, HEADERS)
        await asyncio.sleep(0.1 if pause else 0.02)
        second = await wire.fetch(server.url, HEADERS)
    assert first.response_head + first.body == saying(b"1")
    assert second.response_head + second.body in (saying(b"2"), saying(b"again 1"))
    assert (first.failure, first.truncated, second.failure, second.truncated) == (None,) * 4
    if junk != "a line end":
        assert second.body == b"2"


async def test_a_server_that_speaks_first_is_taken_at_its_word(wire: Wire) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        await talk.hear()

    async with serve_script(script) as server:
        exchange = await wire.fetch(server.url, HEADERS)
    assert exchange.status == 408
    assert exchange.response_head == b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"


async def test_a_hundred_exchanges_at_once_do_not_mix(wire: Wire) -> None:
    async def echo(talk: Talk) -> None:
        while head := await talk.hear():
            path = head.split(b" ")[1]
            answer = saying(path * 500)
            for place in range(0, len(answer), 700):
                await talk.say(answer[place : place + 700])
                await asyncio.sleep(0)

    async with serve_script(echo) as server:
        for _ in range(3):
            exchanges = await asyncio.gather(*(wire.fetch(f"{server.url}/{number}", HEADERS) for number in range(100)))
            for number, exchange in enumerate(exchanges):
                assert exchange.request.startswith(b"GET /%d HTTP/1.1\r\n" % number)
                assert exchange.response_head + exchange.body == saying(b"/%d" % number * 500)
    assert server.connections == 100


async def test_stopping_cuts_what_is_under_way_and_what_comes_later(wire: Wire) -> None:
    async def slow(talk: Talk) -> None:
        head = await talk.hear()
        if b"/body" in head:
            await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell")
        await talk.hold()

    async with serve_script(slow) as server:
        tasks = [asyncio.create_task(wire.fetch(server.url + path, HEADERS)) for path in ("/head", "/body")]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        wire.stop()
        await asyncio.sleep(0)
        wire.stop()
        waiting, reading = await asyncio.gather(*tasks)
        wire.stop()
        later = await wire.fetch(server.url + "/later", HEADERS)
        assert time.monotonic() - began < 10
        assert sorted(exchange.request for exchange in (waiting, reading)) == sorted(server.requests)
    assert waiting.failure is not None
    assert (waiting.failure.kind, waiting.failure.message) == ("timeout", "the wire was stopped")
    assert (reading.body, reading.truncated) == (b"hell", "time")
    assert reading.truncated_detail == "the wire was stopped"
    assert later.failure is not None
    assert (later.failure.kind, later.request) == ("timeout", b"")


async def test_closing_ends_what_is_under_way(wire: Wire) -> None:
    async with serve_script(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell")) as server:
        task = asyncio.create_task(wire.fetch(server.url, HEADERS))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await wire.close()
        exchange = await task
        assert time.monotonic() - began < 10
    assert (exchange.body, exchange.truncated) == (b"hell", "time")


async def test_a_cancelled_fetch_leaves_the_wire_usable(wire: Wire) -> None:
    async with serve_script(answering()) as silent, serve_script(answering(HELLO)) as server:
        task = asyncio.create_task(wire.fetch(silent.url, HEADERS))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await wire.fetch(server.url, HEADERS)).body == b"hello"
