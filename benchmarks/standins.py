"""Stand-ins for everything that real pages name: a server that answers for every host, over HTTP and TLS.

The pages are as they are; pictures have the size that the markup says and a pattern that follows from their address,
style sheets name pictures, some of them others and fonts, scripts load what pages load late. The kind of a file is the
one for which a browser asked first, else that of its ending.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
import lxml.html
import trustme

SITEMAP = "/newsark-sitemap.xml"
LARGEST = 2000
_ENDINGS = {
    "css": "style", "js": "script", "mjs": "script", "woff2": "font", "woff": "font", "ttf": "font", "otf": "font",
    "json": "empty", "html": "iframe", "htm": "iframe", "mp4": "video", "webm": "video", "mp3": "audio",
}  # fmt: skip
_TYPES = {
    "style": "text/css", "script": "text/javascript", "font": "font/woff2", "image": "image/png",
    "iframe": "text/html; charset=utf-8", "empty": "application/json",
}  # fmt: skip
_LATE = """addEventListener("DOMContentLoaded", () => {
  for (const one of document.querySelectorAll("img[data-src], img[data-srcset], source[data-srcset]")) {
    if (one.dataset.srcset) one.srcset = one.dataset.srcset;
    if (one.dataset.src) one.src = one.dataset.src;
  }
});
"""


class Standins:
    """Pages by their address; `port` and `tls_port` are there once it is served."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = {_key(url): (url, body) for url, body in pages.items()}
        self.kinds: dict[str, str] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.port = self.tls_port = 0
        for url, body in pages.items():
            self._measure(url, body)

    def answer(self, url: str, wanted: str | None = None) -> tuple[int, str, bytes]:
        """Status, type and body; `wanted` is what a browser wants it for (Fetch Metadata, 2.1)."""
        key = _key(url)
        if key in self.pages:
            return 200, "text/html", self.pages[key][1]
        path = urlsplit(url).path
        if path in (SITEMAP, "/robots.txt"):
            return 200, *self._listed(urlsplit(url).netloc, path)
        ending = path.rpartition(".")[2].lower()
        kind = self.kinds.setdefault(key, _known(wanted) or _ENDINGS.get(ending, "image"))
        if kind not in _TYPES:
            return 404, "text/plain", b"no stand-in"
        return 200, _TYPES[kind], self._body(kind, key)

    @property
    def hosts(self) -> set[str]:
        """Every host that a page names, and its own."""
        named = re.compile(rb"(?:https?:)?(?:\\?/){2}([a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+)")
        found = {host.decode().lower() for _, body in self.pages.values() for host in named.findall(body)}
        return found | {urlsplit(url).netloc for url, _ in self.pages.values()}

    def _listed(self, host: str, path: str) -> tuple[str, bytes]:
        if path == "/robots.txt":
            return "text/plain", b"User-agent: *\nAllow: /\n"
        own = [url for url, _ in self.pages.values() if urlsplit(url).netloc == host]
        listed = "".join(f"<url><loc>{url.replace('&', '&amp;')}</loc></url>" for url in own)
        text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        return "application/xml", text.encode()

    def _measure(self, url: str, body: bytes) -> None:
        for image in lxml.html.fromstring(body).iter("img"):
            for name in ("src", "data-src"):
                size = [re.sub(r"\D.*", "", image.get(side) or "") for side in ("width", "height")]
                if image.get(name) and all(size):
                    width, height = (min(max(int(one[:5]), 1), LARGEST) for one in size)
                    self.sizes.setdefault(_key(urljoin(url, image.get(name))), (width, height))

    def _body(self, kind: str, key: str) -> bytes:
        mark = hashlib.sha256(key.encode()).hexdigest()
        if kind == "image":
            told = re.search(r"(\d{2,4})x(\d{2,4})", key)
            size = self.sizes.get(key) or ((int(told[1]), int(told[2])) if told else (480, 320))
            return picture(min(size[0], LARGEST), min(size[1], LARGEST), mark)
        hue = int(mark[:4], 16) % 360
        if kind == "style":
            # few sheets import others or bring fonts
            further = f'@import "/further-{mark[:8]}.css";' if mark[0] < "4" and "further-" not in key else ""
            name = f"f{mark[:6]}"
            face = f"@font-face {{ font-family: {name}; src: url(/font-{mark[:8]}.woff2) }}" if mark[1] < "5" else ""
            text = (
                f"{further} {face} body {{ max-width: 1180px; margin: 0 auto;"
                f" background: url(/paper-{mark[:8]}.png) no-repeat top right / 90px;"
                f" background-color: hsl({hue} 30% 95%) }}"
                f" h1, h2 {{ color: hsl({hue} 60% 30%); font-family: {name}, serif }} img {{ max-width: 100% }}"
            )
        elif kind == "script":
            text = _LATE
        else:
            text = "{}" if kind == "empty" else f"<body style='background: hsl({hue} 50% 70%)'>a frame"
        return b"wOF2" + mark.encode() if kind == "font" else text.encode()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve on two ports of loopback, one of them with TLS and a certificate that nobody vouches for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("standins.example").configure_cert(context)
        servers = [_server(self, "http", None), _server(self, "https", context)]
        self.port, self.tls_port = (server.server_port for server in servers)
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            for server in servers:
                server.shutdown()


def picture(width: int, height: int, mark: str) -> bytes:
    """A PNG of that size with stripes in two colours."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes([0]) + bytes.fromhex(mark[12:16]) * (width // 16 + 1)
    lines = zlib.compress(row[: (width + 7) // 8 + 1] * height, 1)
    head = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    colours = bytes.fromhex(mark[:12])
    parts = [chunk(b"IHDR", head), chunk(b"PLTE", colours), chunk(b"IDAT", lines), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _key(url: str) -> str:
    parts = urlsplit(url)
    return unquote(f"{parts.netloc.lower()}{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")


def _known(wanted: str | None) -> str | None:
    return {"document": "iframe", "frame": "iframe", "worker": "script"}.get(wanted or "", wanted)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None) -> None:
        self.context = context
        super().__init__(("127.0.0.1", 0), handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        return


def _server(standins: Standins, scheme: str, context: ssl.SSLContext | None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            url = f"{scheme}://{self.headers.get('Host', '')}{self.path}"
            status, kind, body = standins.answer(url, self.headers.get("Sec-Fetch-Dest"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name is http.server's

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            return

    return _QuietServer(Handler, context)


def lead_names_here(port: int, tls_port: int) -> None:
    """From now on every name that a crawl of this process asks for leads to the stand-ins."""

    async def here(_: Any, host: str, asked: int = 0, family: int = socket.AF_INET) -> list[dict[str, Any]]:
        there = {80: port, 443: tls_port}.get(asked, asked)
        return [{"hostname": host, "host": "127.0.0.1", "port": there, "family": family, "proto": 6, "flags": 0}]

    aiohttp.ThreadedResolver.resolve = here


if __name__ == "__main__":
    lead_names_here(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv[1:3] = []
    from newsark.cli import run

    sys.exit(run())
