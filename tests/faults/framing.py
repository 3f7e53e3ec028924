"""Answers that are wrong, or merely unusual, as HTTP: how heads and bodies are written and end."""

from __future__ import annotations

import asyncio

from tests.faults import bodies, paths
from tests.faults.registry import answers
from tests.faults.wire import HTML, Wire, head

ENDLESS_CAP_BYTES = 4 << 30
"""No disk of a tester is filled: an endless body ends here after all."""

DRIP_SECONDS = 1.0
HEADER_LINES = 1024
TYPE = ("Content-Type", HTML)


@answers(paths.ENDLESS)
async def endless(wire: Wire) -> None:
    await wire.send(head("200 OK", [TYPE, ("Connection", "close")]) + b"<!DOCTYPE html><html><body>\n")
    piece = b"<p>And then the tide came in, and went out again.</p>\n" * 1024
    for _ in range(ENDLESS_CAP_BYTES // len(piece)):
        await wire.send(piece)


@answers(paths.SLOW_DRIP)
async def slow_drip(wire: Wire) -> None:
    body = bodies.article(paths.SLOW_DRIP, wire.base_url)
    await wire.send(head("200 OK", [TYPE, ("Content-Length", str(len(body)))]))
    for place in range(len(body)):
        await wire.send(body[place : place + 1])
        await asyncio.sleep(DRIP_SECONDS)


@answers(paths.HALF)
async def half(wire: Wire) -> None:
    body = bodies.article(paths.HALF, wire.base_url)
    await wire.send(head("200 OK", [TYPE, ("Content-Length", str(len(body)))]) + body[: len(body) // 2])


@answers(paths.RESET)
async def reset(wire: Wire) -> None:
    body = bodies.article(paths.RESET, wire.base_url)
    await wire.send(head("200 OK", [TYPE, ("Content-Length", str(len(body)))]) + body[: len(body) // 2])
    # a reset overtakes bytes that the client has not read yet
    await asyncio.sleep(0.2)
    wire.reset()


@answers(paths.EMPTY_REPLY)
async def empty_reply(wire: Wire) -> None:
    wire.stays_open = False


@answers(paths.NO_CONTENT_LENGTH_CLOSE)
async def no_content_length_close(wire: Wire) -> None:
    body = bodies.article(paths.NO_CONTENT_LENGTH_CLOSE, wire.base_url)
    await wire.send(head("200 OK", [TYPE]) + body)


@answers(paths.HTTP10)
async def http10(wire: Wire) -> None:
    await wire.send(head("200 OK", [TYPE], "HTTP/1.0") + bodies.article(paths.HTTP10, wire.base_url))


@answers(paths.BAD_CHUNK)
async def bad_chunk(wire: Wire) -> None:
    body = bodies.article(paths.BAD_CHUNK, wire.base_url)
    await wire.send(head("200 OK", [TYPE, ("Transfer-Encoding", "chunked")]) + _chunk(body[:200]))
    await wire.send(b"tide\r\n" + body[200:] + b"\r\n0\r\n\r\n")


@answers(paths.CHUNKED_TRAILERS)
async def chunked_trailers(wire: Wire) -> None:
    body = bodies.article(paths.CHUNKED_TRAILERS, wire.base_url)
    fields = [TYPE, ("Transfer-Encoding", "chunked"), ("Trailer", "X-Tide, X-Checked-By")]
    await wire.send(head("200 OK", fields))
    for place in range(0, len(body), 300):
        await wire.send(_chunk(body[place : place + 300], b";boat=yes"))
    await wire.send(b"0\r\nX-Tide: high\r\nX-Checked-By: two people\r\n\r\n")
    wire.stays_open = True


@answers(paths.BAD_STATUS_LINE)
async def bad_status_line(wire: Wire) -> None:
    body = bodies.article(paths.BAD_STATUS_LINE, wire.base_url)
    await wire.send(head("fine OK", [TYPE, ("Content-Length", str(len(body)))]) + body)


@answers(paths.DUPLICATE_CONTENT_LENGTH)
async def duplicate_content_length(wire: Wire) -> None:
    body = bodies.article(paths.DUPLICATE_CONTENT_LENGTH, wire.base_url)
    lengths = [("Content-Length", str(len(body))), ("Content-Length", str(len(body) - 100))]
    await wire.send(head("200 OK", [TYPE, *lengths]) + body)


@answers(paths.HUGE_HEADERS)
async def huge_headers(wire: Wire) -> None:
    filler = "buoy" * 253
    fields = [(f"X-Tide-{number:04}", filler) for number in range(HEADER_LINES)]
    await wire.answer(bodies.article(paths.HUGE_HEADERS, wire.base_url), fields=fields)


@answers(paths.FOLDED_HEADER)
async def folded_header(wire: Wire) -> None:
    fields = [("X-Tide", "high at six,\r\n\tlow at noon,\r\n   high again at midnight"), ("X-After", "1")]
    await wire.answer(bodies.article(paths.FOLDED_HEADER, wire.base_url), fields=fields)


@answers(paths.ODD_CASE_HEADERS)
async def odd_case_headers(wire: Wire) -> None:
    body = bodies.article(paths.ODD_CASE_HEADERS, wire.base_url)
    fields = [
        ("x-zulu", "1"),
        ("cOnTeNt-TyPe", HTML),
        ("X-ZULU", "2"),
        ("content-length", str(len(body))),
        ("X-Alpha", ""),
        ("x-Zulu", "1"),
        ("VIA", "1.1 harbour, 1.1 pier"),
    ]
    await wire.send(head("200 oK", fields) + body)
    wire.stays_open = True


@answers(paths.HEADER_NO_SPACE)
async def header_no_space(wire: Wire) -> None:
    body = bodies.article(paths.HEADER_NO_SPACE, wire.base_url)
    lines = f"HTTP/1.1 200 OK\r\nContent-Type:{HTML}\r\nX-Tight:yes\r\nX-Loose: \t  yes  \t\r\n"
    await wire.send(f"{lines}Content-Length:   {len(body)}\r\n\r\n".encode() + body)
    wire.stays_open = True


@answers(paths.NUL_IN_HEADER)
async def nul_in_header(wire: Wire) -> None:
    body = bodies.article(paths.NUL_IN_HEADER, wire.base_url)
    await wire.answer(body, fields=[("X-Odd", "before\0after")])


@answers(paths.EARLY_HINTS)
async def early_hints(wire: Wire) -> None:
    await wire.send(head("103 Early Hints", [("Link", "</style.css>; rel=preload; as=style")]))
    await wire.answer(bodies.article(paths.EARLY_HINTS, wire.base_url))


@answers(paths.SET_COOKIES)
async def set_cookies(wire: Wire) -> None:
    cookies = [
        "reads=en; Path=/; Max-Age=3600; HttpOnly",
        "reads=en; Path=/",
        "empty=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "nameless",
        "=no name",
        'quoted="a; b, c"; SameSite=None; Secure',
        "far=1; Domain=elsewhere.test",
        "long=" + "y" * 5000,
    ]
    fields = [("Set-Cookie", cookie) for cookie in cookies]
    await wire.answer(bodies.article(paths.SET_COOKIES, wire.base_url), fields=fields)


def _chunk(data: bytes, extension: bytes = b"") -> bytes:
    return f"{len(data):X}".encode() + extension + b"\r\n" + data + b"\r\n"
