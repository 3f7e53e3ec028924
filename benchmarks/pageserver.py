"""A server that is not the limit: pages from memory, gzip on the wire, one process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent


class PageServer:
    """Serves /robots.txt, /sitemap.xml and /p/<n> of a directory of HTML files."""

    def __init__(self, directory: Path) -> None:
        self.plain = [path.read_bytes() for path in sorted(directory.glob("*.html"))]
        self.packed = [_gzip(page) for page in self.plain]
        self.kinds = [_content_type(page) for page in self.plain]
        self.address = ""

    async def serve(self) -> None:
        """Serve until killed; the first line printed is the address."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        print(self.address, flush=True)
        async with server:
            await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b" ", 2)[1].decode(), head))
                await writer.drain()
        writer.close()

    def _answer(self, path: str, head: bytes) -> bytes:
        if path.startswith("/p/"):
            number, gzip = int(path[3:]), b"gzip" in head.lower()
            body = self.packed[number] if gzip else self.plain[number]
            return _response(200, self.kinds[number], body, gzip=gzip)
        if path == "/robots.txt":
            return _response(200, "text/plain", f"User-agent: *\nSitemap: {self.address}/sitemap.xml\n".encode())
        if path == "/sitemap.xml":
            urls = "".join(f"<url><loc>{self.address}/p/{n}</loc></url>" for n in range(len(self.plain)))
            space = "http://www.sitemaps.org/schemas/sitemap/0.9"
            return _response(200, "application/xml", f'<urlset xmlns="{space}">{urls}</urlset>'.encode())
        return _response(404, "text/plain", b"not here")


def _content_type(page: bytes) -> str:
    """With a charset only where it is true: pages in others name theirs themselves."""
    try:
        page.decode()
    except UnicodeDecodeError:
        return "text/html"
    return "text/html; charset=utf-8"


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _response(status: int, kind: str, body: bytes, *, gzip: bool = False) -> bytes:
    encoding = "Content-Encoding: gzip\r\n" if gzip else ""
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\n{encoding}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextlib.contextmanager
def page_server(directory: Path) -> Iterator[str]:
    """The address of a server of that directory's pages, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.pageserver", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(PageServer(Path(sys.argv[1])).serve())
