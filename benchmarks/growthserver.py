"""Pages without end for benchmarks/growth.py: each with words of its own, sizes that repeat, and an ETag.

`/SALT/COUNT/N.xml` is the N-th sitemap of so many pages, `/SALT/p/N` a page; with another salt all texts are others.
`?small` at the end of a sitemap's address lists pages of 12 kB. A process of its own, so that its CPU is not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import random
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.pages import prose
from benchmarks.pageserver import PageServer
from benchmarks.seeded import seeded_page

ROOT = Path(__file__).parent.parent
SIZES = 100
SITEMAP = 10_000
SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


class GrowthServer(PageServer):
    """Serves until it is killed; `address` is known once it listens."""

    def __init__(self) -> None:
        self.address = ""
        self._around = [_around(seeded_page(number).decode()) for number in range(SIZES)]

    def _answer(self, path: str, head: bytes) -> bytes:
        parts = path.strip("/").split("/")
        tag = f'"{path}"'
        if f"if-none-match: {tag}".encode() in head.lower() and not path.endswith(".xml"):
            return f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode()
        if len(parts) == 3 and parts[1] in ("p", "s"):
            body = self._page(parts[0], int(parts[2]), is_small=parts[1] == "s")
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            packed = packer.compress(body) + packer.flush()
            kind = f"text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nETag: {tag}"
            return _response(200, kind, packed)
        if len(parts) == 3 and ".xml" in parts[2]:
            return _response(200, "application/xml", self._sitemap(parts[0], int(parts[1]), parts[2]))
        return _response(404, "text/plain", b"not here")

    def _sitemap(self, salt: str, count: int, name: str) -> bytes:
        first = int(name.partition(".")[0]) * SITEMAP
        kind = "s" if name.endswith("?small") else "p"
        places = range(first, min(first + SITEMAP, count))
        urls = "".join(f"<url><loc>{self.address}/{salt}/{kind}/{n}</loc></url>" for n in places)
        return f'<urlset xmlns="{SPACE}">{urls}</urlset>'.encode()

    def _page(self, salt: str, number: int, *, is_small: bool) -> bytes:
        chance = random.Random(f"{salt} {number}")
        headline = prose(chance, 8).rstrip(".")
        paragraphs = "".join(f"<p>{html.escape(prose(chance, 60))}</p>\n" for _ in range(10))
        before, after = self._around[number % SIZES]
        if is_small:
            before, after = "<!doctype html><html lang=en><head><meta charset=utf-8>", "</html>"
        title = f"<title>{headline}</title><meta property='og:type' content='article'></head><body>"
        return f"{before}{title}<main><article><h1>{headline}</h1>{paragraphs}</article></main>{after}".encode()


def _around(page: str) -> tuple[str, str]:
    """The head of a seeded page but for its title, and what stands after its article."""
    before, _, rest = page.partition("<title>")
    head = rest.partition("</title>")[2].partition("</head>")[0]
    return before + head, page[page.index("<aside") :]


def _response(status: int, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextlib.contextmanager
def growth_server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growthserver"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(GrowthServer().serve())
