"""A newsroom of two articles with pictures, style sheets, a font and a script."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.loopback import LoopbackSite, Shown
from tests.pipelines.judged_pages import ARTICLE_HEAD, page, paragraphs


def _png(width: int, height: int) -> bytes:
    """A picture of that size, all red."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = zlib.compress((b"\0" + b"\xc8\x20\x20" * width) * height, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


PICTURE = _png(90, 40)
TYPES = {".css": "text/css", ".png": "image/png", ".js": "text/javascript", ".woff2": "font/woff2"}


def story(name: str) -> str:
    told = [f"Sentence {number} on the harbour called {name}, where ships lay at anchor." for number in range(12)]
    pictures = (
        f'<figure><img src="/img/{name}.png" srcset="/img/{name}-tiny.png 300w, /img/{name}-big.png 1200w">'
        "<figcaption>Ships</figcaption></figure>"
        '<img src="/img/logo.png"><img src="/img/missing.png"><img src="https://www.google-analytics.com/x.gif">'
        '<img src="/banner/ad.png">'
    )
    head = ARTICLE_HEAD + '<link rel="stylesheet" href="/css/site.css"><script src="/app.js"></script>'
    return page(f"Harbour {name}", f"<article><h1>Harbour {name}</h1>{pictures}{paragraphs(*told)}</article>", head)


TEXTS = {
    "/css/site.css": b"@import 'more.css'; body { background: url(../img/paper.png) }",
    "/app.js": b"document.documentElement.dataset.script = 'ran';",
    "/css/more.css": b"@font-face { font-family: A;src:url(/a.woff2)} b { background: url(/img/secret.png)}",
}


def sent(path: str) -> bytes:
    """The body that the newsroom answers with at a path of an article or a file."""
    return story(path.removeprefix("/news/")).encode() if path.startswith("/news/") else TEXTS.get(path, PICTURE)


class Newsroom(LoopbackSite):
    """Two articles that share their looks."""

    def __init__(self) -> None:
        self.referers: dict[str, str | None] = {}
        super().__init__()

    def shown(self, path: str) -> Shown:
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{name}</loc></url>" for name in ("one", "two"))
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        if path.startswith("/news/"):
            return story(path.removeprefix("/news/"))
        return "User-agent: *\nDisallow: /img/secret.png\n" if path == "/robots.txt" else 404

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.referers[handler.path] = handler.headers.get("Referer")
        kind = TYPES.get(Path(handler.path).suffix)
        if kind is None or "missing" in handler.path:
            super().answer(handler)
            return
        body = sent(handler.path)
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def crawl(newsroom: Newsroom, home: Path, *keys: str, archive: str | None = None) -> dict[str, Any]:
    host = newsroom.url.removeprefix("http://")
    lines = [
        'id = "n"',
        'name = "N"',
        f'home = "{newsroom.url}/"',
        "delay_seconds = 0",
        f'allow_hosts = ["{host}"]',
        'discover = "listed"',
        f'sitemaps = ["{newsroom.url}/sitemap.xml"]',
        *keys,
    ]
    (home / "n.toml").write_text("\n".join(lines))
    run = [sys.executable, "-m", "newsark"]
    where = ["--archive", archive or str(home / "archive")]
    done = subprocess.run(
        [*run, "crawl", "--source-file", str(home / "n.toml"), "--no-progress", *where], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = subprocess.run([*run, "status", "--json", *where], capture_output=True, text=True, check=True)
    (source,) = json.loads(told.stdout)["sources"]
    assert isinstance(source, dict)
    return source
