"""CPU of the wire for each fetch, beside aiohttp alone, on loopback.

    python -m benchmarks.wire [--fetches 1000] [--at-once 16] [--rounds 5] [--uvloop]

One server process answers every request with the same 50 KB gzip body and the fields that newsrooms send. Rounds
of the two are interleaved; user and system time of the client alone are counted, and medians are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
import uvloop

from crawler.guard import Guard
from crawler.wire import Wire, WireLimits

BODY = os.urandom(50_000)
HEAD = b"HTTP/1.1 200 OK\r\n" + b"".join(
    b"%b: %b\r\n" % pair
    for pair in [
        (b"Server", b"nginx"),
        (b"Date", b"Mon, 23 Nov 2026 18:05:09 GMT"),
        (b"Content-Type", b"text/html; charset=UTF-8"),
        (b"Content-Length", b"%d" % len(BODY)),
        (b"Connection", b"keep-alive"),
        (b"Vary", b"Accept-Encoding, Cookie"),
        (b"Cache-Control", b"max-age=60, must-revalidate, stale-while-revalidate=30"),
        (b"Link", b'<https://news.example/wp-json/>; rel="https://api.w.org/"'),
        (b"ETag", b'W/"c3b1-62a7f2f8c7d40"'),
        (b"Content-Encoding", b"gzip"),
        (b"Set-Cookie", b"session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure; SameSite=Lax"),
        (b"X-Frame-Options", b"SAMEORIGIN"),
        (b"X-Cache", b"HIT"),
        (b"Strict-Transport-Security", b"max-age=31536000; includeSubDomains"),
    ]
)
ANSWER = HEAD + b"\r\n" + BODY
HEADERS = [("User-Agent", "newsark-benchmark"), ("Accept", "text/html"), ("Accept-Encoding", "gzip, br")]


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\r\n\r\n")):
            self.transport.write(ANSWER)


def _serve(tell: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Answers, "127.0.0.1", 0)
        tell.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(serve())


async def _spent(fetch: Callable[[], Awaitable[int]], fetches: int, at_once: int) -> float:
    """Milliseconds of CPU for each fetch."""

    async def work(count: int) -> None:
        for _ in range(count):
            if await fetch() != len(BODY):
                raise SystemExit("a body was not whole")

    await asyncio.gather(*(work(1) for _ in range(at_once)))
    began = time.process_time()
    await asyncio.gather(*(work(fetches // at_once) for _ in range(at_once)))
    return (time.process_time() - began) * 1000 / (fetches // at_once * at_once)


async def _by_wire(url: str, fetches: int, at_once: int) -> float:
    wire = Wire(Guard(["127.0.0.1"]), WireLimits())

    async def fetch() -> int:
        return len((await wire.fetch(url, HEADERS)).body)

    try:
        return await _spent(fetch, fetches, at_once)
    finally:
        await wire.close()


async def _by_aiohttp(url: str, fetches: int, at_once: int) -> float:
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def fetch() -> int:
            async with session.get(url, headers=HEADERS) as response:
                return len(await response.read())

        return await _spent(fetch, fetches, at_once)


def main() -> int:
    """Print the two medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fetches", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    hear, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(tell,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{hear.recv()}/article"
    factory = uvloop.new_event_loop if options.uvloop else asyncio.new_event_loop
    wire, plain = [], []
    for _ in range(options.rounds):
        with asyncio.Runner(loop_factory=factory) as runner:
            wire.append(runner.run(_by_wire(url, options.fetches, options.at_once)))
            plain.append(runner.run(_by_aiohttp(url, options.fetches, options.at_once)))
    server.kill()
    for name, spent in (("wire", wire), ("aiohttp", plain)):
        middle, lowest = statistics.median(spent), min(spent)
        print(f"{name:8} {middle:.3f} ms of CPU for each fetch (median; lowest {lowest:.3f})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
