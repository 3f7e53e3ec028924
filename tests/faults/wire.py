"""One connection to a client, on which bytes go out exactly as they are written."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.visit import Visit

HTML = "text/html; charset=utf-8"

Field = tuple[str, str]


@dataclass(slots=True)
class Wire:
    """`base_url` is the server's own address, `refusing_url` one where nobody listens.

    `number` counts the visits to this path, from 1. The connection is closed after an answer unless
    `stays_open`.
    """

    writer: asyncio.StreamWriter
    visit: Visit
    base_url: str
    refusing_url: str
    number: int
    stays_open: bool = False

    async def send(self, data: bytes) -> None:
        """Put bytes on the wire; raises ConnectionError when the client has gone."""
        self.visit.keep(data)
        self.writer.write(data)
        await self.writer.drain()

    async def answer(
        self,
        body: bytes,
        content_type: str = HTML,
        status: str = "200 OK",
        fields: Iterable[Field] = (),
    ) -> None:
        """A whole and correct response, after which the connection stays open."""
        named = [("Content-Type", content_type), *fields, ("Content-Length", str(len(body)))]
        await self.send(head(status, named) + (b"" if self.visit.method == "HEAD" else body))
        self.stays_open = True

    async def redirect(self, location: str, status: str = "302 Found") -> None:
        """A redirect with an empty body."""
        await self.answer(b"", status=status, fields=[("Location", location)])

    def reset(self) -> None:
        """End the connection with RST, so that the client sees a reset and not an end."""
        raw: socket.socket | None = self.writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def head(status: str, fields: Iterable[Field], version: str = "HTTP/1.1") -> bytes:
    """A response head with its empty line; fields stand in the order and case in which they are given."""
    lines = [f"{version} {status}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
