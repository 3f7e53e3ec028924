"""A TCP server that does whatever goes wrong on the web, byte by byte."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from tests.faults import content, framing, places
from tests.faults.certificates import Certificate, Identity, make_identity
from tests.faults.registry import find_answer
from tests.faults.visit import Visit
from tests.faults.wire import Wire
from tests.newsroom.loop_thread import in_thread

HEAD_LIMIT_BYTES = 1 << 20
ANSWERING = (content, framing, places)
"""The modules whose import fills the registry."""


@dataclass(slots=True)
class FaultSite:
    """A fault server that runs. `url` has no slash at its end; `visits` grows, oldest first."""

    url: str = ""
    refusing_url: str = ""
    robots_status: int = 200
    identity: Identity | None = None
    visits: list[Visit] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def last(self, path: str) -> Visit:
        """The latest visit to a path, with the bytes it was answered; KeyError when there was none."""
        for visit in reversed(self.visits):
            if visit.path == path:
                return visit
        raise KeyError(path)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What asyncio calls for each connection: one request after the other while answers allow it."""
        self._connections.add(writer)
        try:
            while await self._answer_one(reader, writer):
                pass
        # a client that hangs up, or speaks no HTTP, is nothing a server stumbles over
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def hang_up(self) -> None:
        """End every connection at once, those that drip or never end too."""
        for writer in list(self._connections):
            writer.transport.abort()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        visit = Visit(await reader.readuntil(b"\r\n\r\n"))
        length = int(visit.header("Content-Length") or 0)
        await reader.readexactly(length)
        self.visits.append(visit)
        self._counts[visit.path] += 1
        wire = Wire(writer, visit, self.url, self.refusing_url, self._counts[visit.path])
        if visit.path == "/robots.txt":
            await self._answer_robots(wire)
        elif answer := find_answer(visit.path):
            await answer(wire)
        else:
            body = b"<!DOCTYPE html><html><body><h1>Not here</h1></body></html>\n"
            await wire.answer(body, status="404 Not Found")
        return wire.stays_open and visit.header("Connection") != "close"

    async def _answer_robots(self, wire: Wire) -> None:
        if self.robots_status != 200:
            await wire.answer(b"no\n", "text/plain", f"{self.robots_status} No")
            return
        maps = "".join(f"Sitemap: {self.url}{path}\n" for path in ("/sitemap-self", "/sitemap-deep"))
        await wire.answer(f"User-agent: *\nAllow: /\n\n{maps}".encode(), "text/plain; charset=utf-8")


@asynccontextmanager
async def serve_faults(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: Certificate | None = None,
    robots_status: int = 200,
) -> AsyncIterator[FaultSite]:
    """A fault server in the running loop; port 0 takes a free one.

    With `tls` it speaks HTTPS with such a certificate, and `identity` holds the authority to trust. A
    `robots_status` other than 200 is what robots.txt answers.
    """
    identity = make_identity(tls) if tls else None
    site = FaultSite(robots_status=robots_status, identity=identity)
    context = identity.server if identity else None
    # bound and not listening: the kernel refuses connections, and nobody else can take the port meanwhile
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as refusing:
        refusing.bind((host, 0))
        server = await asyncio.start_server(site.converse, host, port, limit=HEAD_LIMIT_BYTES, ssl=context)
        named = f"[{host}]" if ":" in host else host
        site.url = f"{'https' if tls else 'http'}://{named}:{server.sockets[0].getsockname()[1]}"
        site.refusing_url = f"http://{named}:{refusing.getsockname()[1]}"
        try:
            yield site
        finally:
            server.close()
            site.hang_up()
            await server.wait_closed()


@contextmanager
def running_faults(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: Certificate | None = None,
    robots_status: int = 200,
) -> Iterator[FaultSite]:
    """The same server in a thread with a loop of its own, for tests that are not asynchronous."""
    with in_thread(serve_faults(host, port, tls=tls, robots_status=robots_status)) as site:
        yield site
