"""A server that says exactly what a test scripts, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HEAD_LIMIT_BYTES = 1 << 20


@dataclass(slots=True)
class Talk:
    """One connection; `number` counts connections from 1."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: ScriptedServer
    number: int

    async def hear(self) -> bytes:
        """The next request's head, or b"" when the client has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            return b""
        self.server.requests.append(head)
        return head

    async def say(self, data: bytes) -> None:
        """Put bytes on the wire."""
        self.writer.write(data)
        await self.writer.drain()

    async def hold(self) -> None:
        """Say nothing until the client has gone."""
        with suppress(OSError):
            await self.reader.read()

    def reset(self) -> None:
        """End the connection with RST."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


@dataclass(slots=True)
class ScriptedServer:
    """A server that runs; `requests` are heads verbatim, `connections` counts those that were made."""

    script: Script
    url: str = ""
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    listening: asyncio.Server | None = None

    def stop_listening(self) -> None:
        """Refuse new connections; those that stand go on."""
        if self.listening is not None:
            self.listening.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What asyncio calls for each connection, which ends with the script."""
        self.connections += 1
        try:
            await self.script(Talk(reader, writer, self, self.connections))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serve_script(
    script: Script, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    """A server in the running loop that runs the script on each connection."""
    site = ScriptedServer(script)
    server = await asyncio.start_server(site.converse, host, 0, limit=HEAD_LIMIT_BYTES, ssl=tls)
    site.listening = server
    site.port = server.sockets[0].getsockname()[1]
    named = f"[{host}]" if ":" in host else host
    site.url = f"{'https' if tls else 'http'}://{named}:{site.port}"
    try:
        yield site
    finally:
        server.close()


def answering(*answers: bytes, then_hold: bool = True) -> Script:
    """A script that gives one answer to each request of a connection, then keeps it open or closes it."""

    async def script(talk: Talk) -> None:
        for answer in answers:
            if not await talk.hear():
                return
            await talk.say(answer)
        if then_hold:
            await talk.hold()

    return script
